//! What a trial came to, for programs and for [`crate::show`]. It is filled as the trial goes on, so that what went
//! well before something failed is told as well.

use std::time::Duration;

use regent_lane::{Export, ModuleCode, ModuleError, StepResult};
use regent_protocol::{Data, DescribedOperation, WantedCommand};
use regentd::log::{Level, Line};
use regentd::plan::Plan;
use regentd::plugin::load_error::{LoadError, LoadErrors};
use regentd::record::hold::PlannedStep;
use serde::{Deserialize, Serialize};

use crate::status;

/// A trial.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    pub(crate) file: String,
    pub(crate) sha256: String,
    pub(crate) size: u64,
    /// The grants file; `None`: there is none.
    pub(crate) grants: Option<String>,
    pub(crate) operation: String,
    /// What ran it; empty: it did not come so far.
    pub(crate) engine: &'static str,
    pub(crate) warnings: Vec<String>,
    pub(crate) summary: Option<String>,
    /// `None`: it did not come to a plan.
    pub(crate) plan: Option<Vec<Planned>>,
    pub(crate) require: Vec<Consent>,
    /// `None`: nothing was run.
    pub(crate) results: Option<Vec<Ran>>,
    pub(crate) reply: Option<Data>,
    pub(crate) error: Option<Problem>,
    /// Where there is no grants file: one to begin with.
    pub(crate) write: Option<Lines>,
    pub(crate) log: Vec<Said>,
    pub(crate) cost: Cost,
}

/// A step as it would run.
#[derive(Debug, Serialize)]
pub(crate) struct Planned {
    pub(crate) command: String,
    pub(crate) argv: Vec<String>,
    pub(crate) run_as: String,
    pub(crate) timeout_ms: u64,
    /// Who starts it, if not the daemon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) via: Option<String>,
    /// Whether its program is on this machine.
    pub(crate) installed: bool,
}

/// A step of consent.
#[derive(Debug, Serialize)]
pub(crate) struct Consent {
    pub(crate) step: &'static str,
    pub(crate) of: String,
    pub(crate) count: u32,
}

/// How a command ended.
#[derive(Debug, Serialize)]
pub(crate) struct Ran {
    pub(crate) command: String,
    pub(crate) outcome: &'static str,
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) truncated: bool,
}

/// Why it went no further.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Problem {
    /// The word for it.
    pub(crate) code: &'static str,
    /// What a caller would hear; `None`: it never came to a caller.
    pub(crate) text: Option<String>,
    /// Why, each with its cure.
    pub(crate) why: Vec<String>,
    /// Lines for the grants file.
    pub(crate) add: Option<Box<Lines>>,
    #[serde(skip)]
    pub(crate) status: u8,
}

/// Lines of a grants file.
#[derive(Debug, Serialize)]
pub(crate) struct Lines {
    pub(crate) file: String,
    pub(crate) lines: String,
    /// What of the file they stand for; `None`: they are more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) instead_of: Option<String>,
}

/// A line of the log.
#[derive(Debug, Serialize)]
pub(crate) struct Said {
    pub(crate) level: &'static str,
    pub(crate) text: String,
}

/// What it took.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Cost {
    pub(crate) compile_ms: Option<f64>,
    pub(crate) load_ms: Option<f64>,
    pub(crate) prepare_ms: Option<f64>,
    pub(crate) commands_ms: Option<f64>,
    pub(crate) finish_ms: Option<f64>,
    /// The most memory that its sandbox had.
    pub(crate) memory_kib: Option<u64>,
}

/// What a plugin says of itself, all of it.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Described {
    #[serde(default)]
    pub(crate) operations: Vec<DescribedOperation>,
    #[serde(default)]
    pub(crate) wants: Vec<WantedCommand>,
}

impl Report {
    /// For programs.
    pub(crate) fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|why| format!("{{\"error\":{:?}}}", why.to_string()))
    }

    /// How the process ends.
    pub(crate) fn status(&self) -> u8 {
        self.error.as_ref().map_or(0, |problem| problem.status)
    }

    /// Keeps the lines of the log, those of the load only if they are more than progress.
    pub(crate) fn keep_log(&mut self, lines: Vec<Line>, all: bool) {
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
    pub(crate) fn found(code: &'static str, status: u8, why: Vec<String>) -> Self {
        Self { code, why, status, ..Self::default() }
    }

    /// Of a module that cannot be served: the first reason that has a code names it.
    pub(crate) fn of_module(LoadErrors(errors): LoadErrors) -> Self {
        let coded = errors.iter().find_map(|error| Some((error.code()?, status_of(error))));
        let (code, status) = coded.unwrap_or((ModuleCode::Invalid.as_str(), status::BAD_DATA));
        Self::found(code, status, errors.iter().map(ToString::to_string).collect())
    }
}

/// How to end for a bad module, or for a plugin that broke a rule as soon as it ran.
fn status_of(error: &LoadError) -> u8 {
    match error {
        LoadError::Describe(_) | LoadError::Module(ModuleError { code: Some(ModuleCode::Broken(_)), .. }) => {
            status::FAULT
        }
        LoadError::Module(_) => status::BAD_DATA,
    }
}

/// The steps of a plan.
pub(crate) fn planned(plan: &Plan) -> Vec<Planned> {
    let planned = |step: &PlannedStep| Planned {
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
pub(crate) fn ran(result: &StepResult) -> Ran {
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
pub(crate) fn exports(optional: &[Export]) -> Vec<String> {
    let word = |export: &Export| match export {
        Export::Authorising => "authorising",
        Export::Judging => "judging",
        Export::Performing => "performing",
        Export::Finishing => "finishing",
    };
    std::iter::once("operation").chain(optional.iter().map(word)).map(str::to_owned).collect()
}

/// Milliseconds, to the hundredth.
pub(crate) fn milliseconds(time: Duration) -> Option<f64> {
    Some((time.as_secs_f64() * 100_000.0).round() / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use regentd::plugin::Fault;

    #[test]
    fn a_reason_against_a_module_has_its_code_and_a_rule_that_was_broken_ends_otherwise_than_a_bad_module() {
        use regent_lane::Blame::{Answer, Memory, Time, Trap};
        let module = |code: ModuleCode, text: &str| LoadError::Module(code.because(text));
        let text = |text: &str| LoadError::Module(text.into());
        let network = module(ModuleCode::Import, "imports wasi:sockets/tcp@0.2.0: plugins have no network");
        let memory = module(ModuleCode::Broken(Memory), "it does not start: its memory limit is 64 MiB");
        let trap = module(ModuleCode::Broken(Trap), "it does not start: it reached `unreachable`");
        let time = LoadError::Describe(Fault::Guest(Time, "it ran for more than 200 ms".into()));
        let answer = LoadError::Describe(Fault::Guest(Answer, "its description is not JSON".into()));
        let ended = LoadError::Describe(Fault::Ended("its process has ended".into()));
        let no_export = "exports no regent:plugin/operation: build it against Regent's `wit` folder";
        for (error, why, code, status) in [
            (network, "plugin-import: imports wasi:sockets/tcp@0.2.0: plugins have no network", "plugin-import", 65),
            (
                module(ModuleCode::Size, "x.wasm is larger than 64 MiB"),
                "plugin-size: x.wasm is larger than 64 MiB",
                "plugin-size",
                65,
            ),
            (memory, "plugin-memory: it does not start: its memory limit is 64 MiB", "plugin-memory", 70),
            (trap, "plugin-trap: it does not start: it reached `unreachable`", "plugin-trap", 70),
            (time, "describe: plugin-timeout: it ran too long: it ran for more than 200 ms", "plugin-timeout", 70),
            (answer, "describe: plugin-fault: its answer is none: its description is not JSON", "plugin-fault", 70),
            (ended, "describe: plugin-ended: its process has ended", "plugin-ended", 70),
            (text(no_export), no_export, "plugin-module", 65),
            (
                text("it says that plugin-trap: is not its own"),
                "it says that plugin-trap: is not its own",
                "plugin-module",
                65,
            ),
        ] {
            let problem = Problem::of_module(LoadErrors(vec![text("a reason without a code"), error]));
            assert_eq!((problem.code, problem.status), (code, status), "{why}");
            assert_eq!(problem.why, ["a reason without a code", why]);
        }
    }
}
