//! What a trial came to, for programs and for [`super::show`]. It is filled as the trial goes on, so that what went well before
//! something failed is told as well.

use std::time::Duration;

use regent_lane::{Export, StepResult};
use regent_protocol::Data;
use serde::{Deserialize, Serialize};

use super::status;
use crate::log::{Level, Line};
use crate::plan::Plan;

/// With which a reason against a module may begin, and how a trial of it then ends: a bad module, or a plugin that broke a rule
/// as soon as it ran.
const MODULE_CODES: [(&str, u8); 8] = [
    ("plugin-import", status::BAD_DATA),
    ("plugin-size", status::BAD_DATA),
    ("plugin-compile", status::BAD_DATA),
    ("plugin-timeout", status::FAULT),
    ("plugin-memory", status::FAULT),
    ("plugin-trap", status::FAULT),
    ("plugin-fault", status::FAULT),
    ("plugin-ended", status::FAULT),
];
/// What stands before the code of a reason if the plugin could not even describe itself.
const DESCRIBE: &str = "describe: ";

/// A trial.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    pub(super) file: String,
    pub(super) sha256: String,
    pub(super) size: u64,
    /// The grants file; `None`: there is none.
    pub(super) grants: Option<String>,
    pub(super) operation: String,
    /// What ran it; empty: it did not come so far.
    pub(super) engine: &'static str,
    pub(super) warnings: Vec<String>,
    pub(super) summary: Option<String>,
    /// `None`: it did not come to a plan.
    pub(super) plan: Option<Vec<Planned>>,
    pub(super) require: Vec<Consent>,
    /// `None`: nothing was run.
    pub(super) results: Option<Vec<Ran>>,
    pub(super) reply: Option<Data>,
    pub(super) error: Option<Problem>,
    /// Where there is no grants file: one to begin with.
    pub(super) write: Option<Lines>,
    pub(super) log: Vec<Said>,
    pub(super) cost: Cost,
}

/// A step as it would run.
#[derive(Debug, Serialize)]
pub(super) struct Planned {
    pub(super) command: String,
    pub(super) argv: Vec<String>,
    pub(super) run_as: String,
    pub(super) timeout_ms: u64,
    /// Who starts it, if not the daemon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) via: Option<String>,
    /// Whether its program is on this machine.
    pub(super) installed: bool,
}

/// A step of consent.
#[derive(Debug, Serialize)]
pub(super) struct Consent {
    pub(super) step: &'static str,
    pub(super) of: String,
    pub(super) count: u32,
}

/// How a command ended.
#[derive(Debug, Serialize)]
pub(super) struct Ran {
    pub(super) command: String,
    pub(super) outcome: &'static str,
    pub(super) status: i32,
    pub(super) stdout: String,
    pub(super) stderr: String,
    pub(super) truncated: bool,
}

/// Why it went no further.
#[derive(Debug, Default, Serialize)]
pub(super) struct Problem {
    /// The word for it.
    pub(super) code: &'static str,
    /// What a caller would hear; `None`: it never came to a caller.
    pub(super) text: Option<String>,
    /// Why, each with its cure.
    pub(super) why: Vec<String>,
    /// Lines for the grants file.
    pub(super) add: Option<Box<Lines>>,
    #[serde(skip)]
    pub(super) status: u8,
}

/// Lines of a grants file.
#[derive(Debug, Serialize)]
pub(super) struct Lines {
    pub(super) file: String,
    pub(super) lines: String,
    /// What of the file they stand for; `None`: they are more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) instead_of: Option<String>,
}

/// A line of the log.
#[derive(Debug, Serialize)]
pub(super) struct Said {
    pub(super) level: &'static str,
    pub(super) text: String,
}

/// What it took.
#[derive(Debug, Default, Serialize)]
pub(super) struct Cost {
    pub(super) compile_ms: Option<f64>,
    pub(super) load_ms: Option<f64>,
    pub(super) prepare_ms: Option<f64>,
    pub(super) commands_ms: Option<f64>,
    pub(super) finish_ms: Option<f64>,
    /// The most memory that its sandbox had.
    pub(super) memory_kib: Option<u64>,
}

/// What a plugin says of itself, all of it.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Described {
    #[serde(default)]
    pub(super) operations: Vec<Operation>,
    #[serde(default)]
    pub(super) wants: Vec<Want>,
}

/// An operation by its plugin's words.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Operation {
    pub(super) name: String,
    #[serde(default)]
    pub(super) summary: String,
    #[serde(default)]
    pub(super) schema: serde_json::Value,
    #[serde(default)]
    pub(super) uses: Vec<String>,
}

/// A command that a plugin wants.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Want {
    pub(super) command: String,
    #[serde(default)]
    pub(super) slots: Vec<String>,
    #[serde(default)]
    pub(super) reason: String,
}

impl Report {
    /// For programs.
    pub(super) fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|why| format!("{{\"error\":{:?}}}", why.to_string()))
    }

    /// How the process ends.
    pub(super) fn status(&self) -> u8 {
        self.error.as_ref().map_or(0, |problem| problem.status)
    }

    /// Keeps the lines of the log, those of the load only if they are more than progress.
    pub(super) fn keep_log(&mut self, lines: Vec<Line>, all: bool) {
        let worth = lines.into_iter().filter(|line| all || line.level != Level::Info);
        self.log.extend(worth.map(|line| {
            let level = match line.level {
                Level::Info => "info",
                Level::Warning => "warning",
                Level::Error => "error",
            };
            Said { level, text: line.text }
        }));
    }
}

impl Problem {
    /// Found before there was a request: the reasons speak for themselves.
    pub(super) fn found(code: &'static str, status: u8, why: Vec<String>) -> Self {
        Self { code, why, status, ..Self::default() }
    }

    /// Of a module that cannot be served: the first reason that begins with a code has the word.
    pub(super) fn of_module(why: Vec<String>) -> Self {
        let (code, status) = why.iter().find_map(|why| code_of(why)).unwrap_or(("plugin-module", status::BAD_DATA));
        Self::found(code, status, why)
    }
}

/// The code with which a reason begins, and how to end.
fn code_of(why: &str) -> Option<(&'static str, u8)> {
    let (word, _) = why.strip_prefix(DESCRIBE).unwrap_or(why).split_once(": ")?;
    MODULE_CODES.into_iter().find(|(code, _)| *code == word)
}

/// The steps of a plan.
pub(super) fn planned(plan: &Plan) -> Vec<Planned> {
    let planned = |step: &crate::hold::PlannedStep| Planned {
        command: step.command.clone(),
        argv: step.argv.clone(),
        run_as: step.run_as.clone(),
        timeout_ms: step.timeout_ms,
        via: step.via.clone(),
        installed: step.program.is_some(),
    };
    plan.steps().iter().map(|step| planned(&step.planned)).collect()
}

/// What a step came to.
pub(super) fn ran(result: &StepResult) -> Ran {
    let (outcome, status) = result.outcome.words();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ran {
        command: result.command.clone(),
        outcome,
        status,
        stdout: text(&result.stdout),
        stderr: text(&result.stderr),
        truncated: result.truncated,
    }
}

/// The exports of a plugin, the one that all have first.
pub(super) fn exports(optional: &[Export]) -> Vec<&'static str> {
    let word = |export: &Export| match export {
        Export::Authorising => "authorising",
        Export::Judging => "judging",
        Export::Performing => "performing",
        Export::Finishing => "finishing",
    };
    std::iter::once("operation").chain(optional.iter().map(word)).collect()
}

/// Milliseconds, to the hundredth.
pub(super) fn milliseconds(time: Duration) -> Option<f64> {
    Some((time.as_secs_f64() * 100_000.0).round() / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_against_a_module_has_its_code_and_a_rule_that_was_broken_ends_otherwise_than_a_bad_module() {
        for (why, code, status) in [
            ("plugin-import: imports wasi:sockets/tcp@0.2.0: plugins have no network", "plugin-import", 65),
            ("plugin-size: x.wasm is larger than 64 MiB", "plugin-size", 65),
            ("plugin-memory: it does not start: its memory limit is 64 MiB", "plugin-memory", 70),
            ("plugin-trap: it does not start: it reached `unreachable`", "plugin-trap", 70),
            ("describe: plugin-timeout: it ran too long: it ran for more than 200 ms", "plugin-timeout", 70),
            ("describe: plugin-fault: its answer is none: its description is not JSON", "plugin-fault", 70),
            ("describe: plugin-ended: its process has ended", "plugin-ended", 70),
            ("exports no regent:plugin/operation: build it against Regent's `wit` folder", "plugin-module", 65),
            ("it says that plugin-trap: is not its own", "plugin-module", 65),
        ] {
            let problem = Problem::of_module(vec!["a reason without a code".into(), why.into()]);
            assert_eq!((problem.code, problem.status), (code, status), "{why}");
        }
    }
}
