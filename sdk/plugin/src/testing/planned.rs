//! A request between its plan and its reply. The steps are carried out by the test.

use regent_grants::{Operation, Rendered, Step as Required};
use regent_lane::REPLY_MAX;
use serde_json::Value;

use super::{
    calls::{Exchange, HostState, Phase},
    heard::{Heard, fits, line},
};
use crate::{Level, Plugin, StepResult, plugin::Prepared};

/// A step of a plan, as the daemon would run it.
#[derive(Debug)]
pub struct Line {
    /// The granted command's name.
    pub command: String,
    /// The program and its arguments.
    pub argv: Vec<String>,
}

/// A request that was prepared and authorised by the plugin.
#[derive(Debug)]
pub struct Planned<'host> {
    plugin: &'static Plugin,
    host: &'host HostState,
    name: String,
    prepared: Prepared,
    lines: Vec<Line>,
    logged: Vec<(Level, String)>,
    required: Vec<Required>,
}

impl<'host> Planned<'host> {
    pub(super) fn new(
        plugin: &'static Plugin,
        host: &'host HostState,
        operation: &Operation,
        prepared: Prepared,
        exchange: Exchange,
        required: Vec<Required>,
    ) -> Self {
        let line = |(command, rendered): (String, Rendered)| Line { command, argv: rendered.argv().to_vec() };
        let lines = exchange.steps.into_iter().map(line).collect();
        Self { plugin, host, name: operation.name.clone(), prepared, lines, logged: exchange.logged, required }
    }

    /// What an approver is shown: each command line, its arguments set apart by a space.
    #[must_use]
    pub fn command_lines(&self) -> Vec<String> {
        self.lines.iter().map(|line| line.argv.join(" ")).collect()
    }

    /// The plugin's own line for the approver.
    #[must_use]
    pub fn summary(&self) -> &str {
        &self.prepared.summary
    }

    /// The approvals that are needed: the administrator's and then the plugin's.
    #[must_use]
    pub fn required(&self) -> &[Required] {
        &self.required
    }

    /// What `prepare` logged.
    #[must_use]
    pub fn logged(&self) -> &[(Level, String)] {
        &self.logged
    }

    /// Carries the plan out by a function that says what became of each line, as far as the first that fails, and
    /// replies.
    ///
    /// # Errors
    /// What the caller would hear.
    ///
    /// # Panics
    /// If the plugin does, or does what no plugin may.
    pub fn run(self, mut become_of: impl FnMut(&Line) -> StepResult) -> Result<Value, Heard> {
        let mut results = Vec::new();
        for line in &self.lines {
            let result = StepResult { command: line.command.clone(), ..become_of(line) };
            let failed = !result.succeeded();
            results.push(result);
            if failed {
                break;
            }
        }
        self.finish(results)
    }

    /// Replies to these results.
    ///
    /// # Errors
    /// What the caller would hear.
    ///
    /// # Panics
    /// As [`run`](Self::run).
    pub fn finish(self, results: Vec<StepResult>) -> Result<Value, Heard> {
        let failed = results.iter().any(|result| !result.succeeded());
        let finish = || self.plugin.finish(&self.name, &self.prepared.state, results);
        let reply = Exchange::during(self.host, Phase::Other, finish).0;
        let reply = reply.map_err(|words| Heard::new(line(&words)))?;
        fits("reply", reply.len(), REPLY_MAX);
        match serde_json::from_str(&reply) {
            Ok(_) if failed => Err(Heard::new("Operation failed")),
            Ok(reply) => Ok(reply),
            Err(error) => panic!("finish: not JSON: {error}"),
        }
    }
}
