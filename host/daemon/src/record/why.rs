//! Why a request was refused or failed: facts, which are kept and compared as such. Their texts are for people.

use std::fmt;

use regent_protocol::{Code, visible};
use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, EnumIter};
use thiserror::Error;

/// Why a request was refused or failed. The caller learns none of it.
///
/// Each has a word, [`ReasonWord`], in the audit log: `docs/reference/audit-log.md` explains them all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Error, EnumDiscriminants)]
#[serde(rename_all = "kebab-case")]
#[strum_discriminants(name(ReasonWord), derive(Serialize, Deserialize, EnumIter), serde(rename_all = "kebab-case"))]
pub enum Why {
    /// The code says all there is.
    #[default]
    #[error("")]
    Unsaid,
    #[error("no grants file serves an operation {}", visible::line(.0))]
    NobodyServes(String),
    #[error("{} all serve it, so none does", .0.join(", "))]
    ServedTwice(Vec<String>),
    #[error("socket {0} does not show it")]
    NotShown(String),
    #[error("{}", not_allowed(operation, requester.as_deref()))]
    NotAllowed { operation: String, requester: Option<String> },
    #[error("allow of operation {operation}: {error}")]
    AllowUnresolved { operation: String, error: String },
    #[error("at most {each} requests of one user on one socket are prepared or run at a time, {most} in all, {SHARE}")]
    Requests { each: usize, most: usize },
    #[error("at most {each} connections {} are open at once, {most} in all, {SHARE}", whose(*trusted))]
    Connections { each: usize, most: usize, trusted: bool },
    /// In MiB.
    #[error(
        "at most {each} MiB of long lines and of replies that are not taken are kept for one user on one socket, {most} MiB \
         in all, {SHARE}"
    )]
    Bytes { each: usize, most: usize },
    #[error(
        "it still ran when the time was over that the daemon gives what runs at its end, so it was ended: how far it came is \
         not known"
    )]
    GivenUp,
    #[error("the plugin asks for consent, and {0}.toml pins no module: add sha256")]
    NotPinned(String),
    /// What `authorise` returned is no list of steps.
    #[error("{0}")]
    BadSteps(String),
    #[error("plugin {0} does not serve: regent plugin list {0} says why")]
    NotServed(String),
    #[error("hold {0}: its step is not the requester's to answer")]
    NotTheRequesters(String),
    #[error("the audit log cannot be written: {0}")]
    NotLogged(String),
    /// A hold could not be kept.
    #[error("{0}")]
    NotStored(String),
    #[error("{0} is not there, so it is not held either")]
    ProgramMissing(String),
    #[error("no lane came free in time")]
    NoLane,
    #[error("prepare refused: {code}: {message}")]
    PluginRefused { code: String, message: String },
    #[error("the plugin denied it: {0}")]
    PluginDenied(String),
    #[error("the plugin's fault: {0}")]
    PluginTimeout(String),
    #[error("the plugin's fault: {0}")]
    PluginMemory(String),
    #[error("the plugin's fault: {0}")]
    PluginTrap(String),
    #[error("the plugin's fault: {0}")]
    PluginFault(String),
    #[error("the plugin's fault: {0}")]
    PluginEnded(String),
    #[error("the plugin's fault: {0}")]
    PluginResting(String),
    /// What was planned is granted and cannot be done on this machine.
    #[error("{0}")]
    Host(String),
    #[error("{0}")]
    Command(Box<CommandFailure>),
    #[error("{0}; then {1}")]
    CommandAndPlugin(Box<CommandFailure>, Box<Why>),
    #[error("nothing that is still remembered, nor any record of the audit log, has this reference")]
    UnknownReference,
    #[error(
        "no hold that this person may see has this ID: it is for others to decide, or is no longer kept (keep_results), or \
         never was"
    )]
    UnknownHold,
    #[error(
        "[people] and the steps of the hold say who may decide; all else is for root and persons with admin = true"
    )]
    MayNot,
    #[error("it was decided, or its time was over, before this came")]
    TooLate,
    #[error("the host has ended")]
    HostEnded,
    #[error("the daemon ended while it ran")]
    DaemonEnded,
}

const SHARE: &str = "and nobody has more than an eighth of what is free";

fn not_allowed(operation: &str, requester: Option<&str>) -> String {
    match requester {
        Some(requester) => format!("no rule of allow of operation {operation} names {requester} or one of its groups"),
        None => {
            format!("operation {operation} has rules of allow, and they match nobody where peers' uids are not trusted")
        }
    }
}

fn whose(trusted: bool) -> &'static str {
    if trusted { "of one user on one socket" } else { "on a socket where uids are not trusted" }
}

/// How a command of a plan failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandFailure {
    pub command: String,
    pub end: CommandEnd,
    /// What of the daemon's systemd unit may be the cause.
    pub unit: Option<String>,
}

/// How a failed command ended, with the last line of its standard error that says something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Error)]
#[serde(rename_all = "kebab-case")]
pub enum CommandEnd {
    #[error("exit status {0}: {1}")]
    Status(i32, String),
    #[error("signal {0}: {1}")]
    Signal(i32, String),
    #[error("did not end in time")]
    Timeout,
    #[error("could not be started: {0}")]
    NotStarted(String),
}

impl Why {
    /// Whether there is nothing beyond the code.
    pub fn is_unsaid(&self) -> bool {
        *self == Self::Unsaid
    }

    /// The command that failed, if one did.
    pub fn command(&self) -> Option<&CommandFailure> {
        match self {
            Self::Command(failure) | Self::CommandAndPlugin(failure, _) => Some(failure),
            _ => None,
        }
    }

    /// Its word in the audit log; `None` where the code says all there is.
    pub fn word(&self) -> Option<ReasonWord> {
        (!self.is_unsaid()).then(|| self.into())
    }
}

impl CommandFailure {
    /// What the caller hears of it.
    pub fn code(&self) -> Code {
        match self.end {
            CommandEnd::Timeout => Code::Timeout,
            CommandEnd::Status(..) | CommandEnd::Signal(..) | CommandEnd::NotStarted(_) => Code::CommandFailed,
        }
    }
}

impl fmt::Display for CommandFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "command {}: {}", self.command, self.end)?;
        self.unit.as_ref().map_or(Ok(()), |unit| write!(f, " ({unit})"))
    }
}
