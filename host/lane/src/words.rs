//! The words themselves. Bytes are kept as bytes; JSON travels as text and is never parsed here.

use serde::{Deserialize, Serialize};

use crate::faults::{Blame, ModuleError};

/// What the daemon asks of a sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ask {
    /// Load the compiled component whose sealed image was handed over. Once, on lane 0, before all else.
    Load(Settings),
    /// Call `describe`.
    Describe,
    /// Call `prepare`, then what else this exchange includes, in one instance.
    Prepare {
        /// The plugin's own name of the operation.
        operation: String,
        /// The caller's JSON text.
        data: String,
        /// Call `authorise` after a `prepare` that succeeded.
        authorising: bool,
        /// If the plan came out empty and no step was asked for, go on to the reply in the same instance: by `finish`
        /// if `finishing`, else `null`.
        complete: bool,
        /// Whether the operation has `finish`.
        finishing: bool,
    },
    /// The answer to [`Say::Plan`]: taken, or why the caller's value was not.
    Planned(Result<(), Refusal>),
    /// Call `finish` in a fresh instance.
    Finish {
        /// The plugin's own name of the operation.
        operation: String,
        /// What `prepare` returned.
        #[serde(with = "serde_bytes")]
        state: Vec<u8>,
        /// The results of the plan's steps, in order.
        results: Vec<StepResult>,
    },
}

/// What a sandbox is told before it loads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The plugin's `[settings]` as one JSON object.
    pub settings: String,
}

/// What a sandbox says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Say {
    /// The component is loaded; these optional interfaces it exports.
    Loaded {
        /// Every interface of `regent:plugin` that the component exports.
        exports: Vec<Export>,
    },
    /// The component cannot be served.
    Unloadable {
        /// The compiled code is of another engine or machine: compiling it again may help.
        incompatible: bool,
        /// Every reason.
        reasons: Vec<ModuleError>,
    },
    /// What `describe` returned.
    Described(String),
    /// `commands.plan` was called and waits for [`Ask::Planned`].
    Plan(Call),
    /// `log.write` was called; nothing waits.
    Log(Level, String),
    /// `prepare` succeeded.
    Prepared {
        /// For people.
        summary: String,
        /// The plugin's own bytes.
        #[serde(with = "serde_bytes")]
        state: Vec<u8>,
        /// What `authorise` said; `None` if it was not to be called.
        authorised: Option<Authorised>,
        /// The reply, if this exchange came so far.
        reply: Option<Result<String, Refusal>>,
    },
    /// `prepare` refused the data.
    Refused(Refusal),
    /// What `finish` said.
    Finished(Result<String, Refusal>),
    /// The plugin broke a rule; its instance is gone, the lane serves on.
    Fault(Blame, String),
}

/// The optional interfaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Export {
    /// `regent:plugin/authorising`
    Authorising,
    /// `regent:plugin/judging`
    Judging,
    /// `regent:plugin/performing`
    Performing,
    /// `regent:plugin/finishing`
    Finishing,
}

/// What `authorise` said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Authorised {
    /// The JSON list of further steps.
    Steps(String),
    /// The request is denied.
    Denied(Refusal),
}

/// One call of `commands.plan`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// The granted command's name.
    pub command: String,
    /// Slots and their texts.
    pub values: Vec<(String, String)>,
}

/// "No", for the caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// A word for programs.
    pub code: String,
    /// One line for people.
    pub message: String,
}

/// How a line of a plugin's log is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Level {
    /// For the plugin's author; what it writes to stdout and stderr comes so.
    Debug,
    /// Worth knowing.
    Info,
    /// Worth looking at.
    Warning,
    /// Something failed.
    Error,
}

/// How one step ended: the words of `step-result` in `wit/types.wit`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepResult {
    /// The granted command's name.
    pub command: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Standard output, as far as it was kept.
    #[serde(with = "serde_bytes")]
    pub stdout: Vec<u8>,
    /// Standard error, likewise.
    #[serde(with = "serde_bytes")]
    pub stderr: Vec<u8>,
    /// Whether either was cut.
    pub truncated: bool,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// With an exit status that its grant calls success.
    Ok(i32),
    /// With another exit status.
    Status(i32),
    /// By a signal.
    Signal(i32),
    /// Not within its time.
    Timeout,
    /// It was never started.
    NotStarted,
}

impl Outcome {
    /// The word for a plugin, and the number beside it.
    #[must_use]
    pub fn words(self) -> (&'static str, i32) {
        match self {
            Self::Ok(status) => ("ok", status),
            Self::Status(status) => ("status", status),
            Self::Signal(signal) => ("signal", signal),
            Self::Timeout => ("timeout", 0),
            Self::NotStarted => ("not-started", 0),
        }
    }
}
