//! Why a request was refused or failed: facts, which are kept and compared as such. Their texts are for people.

use std::fmt;

use regent_protocol::{Code, visible};
use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, EnumIter};

use super::text::cut;

/// Why a request was refused or failed. The caller learns none of it.
///
/// Each has a word, [`ReasonWord`], in the audit log: `docs/reference/audit-log.md` has them all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, EnumDiscriminants)]
#[serde(rename_all = "kebab-case")]
#[strum_discriminants(name(ReasonWord), derive(Serialize, Deserialize, EnumIter), serde(rename_all = "kebab-case"))]
pub enum Why {
    /// The code says all there is.
    #[default]
    Unsaid,
    /// No grants file has an operation of this name.
    NobodyServes(String),
    /// These grants files have it, so none of them serves it.
    ServedTwice(Vec<String>),
    /// This socket's `operations` do not name it.
    NotShown(String),
    /// No rule of `allow` names the requester; `None` where the uids of peers are not trusted.
    NotAllowed { operation: String, requester: Option<String> },
    /// A rule of `allow` names what this machine does not know.
    AllowUnresolved { operation: String, error: String },
    /// Too many requests of one requester, or of all, are prepared or run.
    Requests { each: usize, most: usize },
    /// Too many connections of one peer, or of all, are open.
    Connections { each: usize, most: usize, trusted: bool },
    /// Too many bytes of one peer, or of all, are in memory; in MiB.
    Bytes { each: usize, most: usize },
    /// The daemon ended while it ran.
    GivenUp,
    /// The plugin asks for consent, and this grants file pins no module.
    NotPinned(String),
    /// The plugin's `authorise` returned no list of steps.
    BadSteps(String),
    /// This plugin does not serve, or not in time.
    NotServed(String),
    /// The step that is open of this hold is for others than its requester.
    NotTheRequesters(String),
    /// The audit log took no record, so nothing was done.
    NotLogged(String),
    /// The store or the audit log could not keep a hold.
    NotStored(String),
    /// A program of the plan is not on this machine.
    ProgramMissing(String),
    /// No lane to the plugin came free in time.
    NoLane,
    /// The plugin refused the request with a code that is not the caller's.
    PluginRefused { code: String, message: String },
    /// The plugin's `authorise` denied it.
    PluginDenied(String),
    /// The plugin took too long.
    PluginTimeout(String),
    /// The plugin used too much memory.
    PluginMemory(String),
    /// The plugin's code trapped.
    PluginTrap(String),
    /// The plugin broke another rule.
    PluginFault(String),
    /// The plugin's process ended.
    PluginEnded(String),
    /// No process of the plugin is started after many crashes.
    PluginResting(String),
    /// What was planned is granted and cannot be done on this machine.
    Host(String),
    /// A command failed.
    Command(CommandFailure),
    /// A command failed, and then the plugin did not word the result.
    CommandAndPlugin(CommandFailure, Box<Why>),
    /// An administrator asked about a reference that is not known.
    UnknownReference,
    /// An approver asked about a hold that is not there, or not theirs to see.
    UnknownHold,
    /// An approver may not do this.
    MayNot,
    /// A hold was decided, or its time was over, before an approver's answer came.
    TooLate,
    /// The operation was to end the host, and the host has ended.
    HostEnded,
    /// The daemon ended while the operation ran.
    DaemonEnded,
}

/// How a command of a plan failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandFailure {
    /// Its name in the grants.
    pub command: String,
    /// How it ended.
    pub end: CommandEnd,
    /// What of the daemon's systemd unit may be the cause.
    pub unit: Option<String>,
}

/// How a failed command ended, with the last line of its standard error that says something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CommandEnd {
    /// With this exit status.
    Status(i32, String),
    /// By this signal.
    Signal(i32, String),
    /// Not in its time.
    Timeout,
    /// It was not started.
    NotStarted(String),
}

const SHARE: &str = "and nobody has more than an eighth of what is free";

impl Why {
    /// Whether there is nothing beyond the code.
    #[must_use]
    pub fn is_unsaid(&self) -> bool {
        *self == Self::Unsaid
    }

    /// Its word in the audit log; `None` where the code says all there is.
    pub fn word(&self) -> Option<ReasonWord> {
        (!self.is_unsaid()).then(|| self.into())
    }

    /// The same, with at most this many bytes of what a command wrote.
    pub fn shortened(self, most: usize) -> Self {
        match self {
            Self::Command(failure) => Self::Command(failure.shortened(most)),
            Self::CommandAndPlugin(failure, then) => Self::CommandAndPlugin(failure.shortened(most), then),
            other => other,
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsaid => Ok(()),
            Self::NobodyServes(operation) => {
                write!(f, "no grants file serves an operation {}", visible::line(operation))
            }
            Self::ServedTwice(files) => write!(f, "{} all serve it, so none does", files.join(", ")),
            Self::NotShown(socket) => write!(f, "socket {socket} does not show it"),
            Self::NotAllowed { operation, requester: Some(requester) } => {
                write!(f, "no rule of allow of operation {operation} names {requester} or one of its groups")
            }
            Self::NotAllowed { operation, requester: None } => write!(
                f,
                "operation {operation} has rules of allow, and they match nobody where peers' uids are not trusted"
            ),
            Self::AllowUnresolved { operation, error } => write!(f, "allow of operation {operation}: {error}"),
            Self::Requests { each, most } => write!(
                f,
                "at most {each} requests of one user on one socket are prepared or run at a time, {most} in all, {SHARE}"
            ),
            Self::Connections { each, most, trusted } => {
                let whose = if *trusted { "of one user on one socket" } else { "on a socket where uids are not trusted" };
                write!(f, "at most {each} connections {whose} are open at once, {most} in all, {SHARE}")
            }
            Self::Bytes { each, most } => write!(
                f,
                "at most {each} MiB of long lines and of replies that are not taken are kept for one user on one socket, \
                 {most} MiB in all, {SHARE}"
            ),
            Self::GivenUp => f.write_str(
                "it still ran when the time was over that the daemon gives what runs at its end, so it was ended: how far \
                 it came is not known",
            ),
            Self::NotPinned(grants) => {
                write!(f, "the plugin asks for consent, and {grants}.toml pins no module: add sha256")
            }
            Self::NotServed(plugin) => {
                write!(f, "plugin {plugin} does not serve: regent plugin list {plugin} says why")
            }
            Self::NotTheRequesters(hold) => write!(f, "hold {hold}: its step is not the requester's to answer"),
            Self::NotLogged(error) => write!(f, "the audit log cannot be written: {error}"),
            Self::ProgramMissing(program) => write!(f, "{program} is not there, so it is not held either"),
            Self::NoLane => f.write_str("no lane came free in time"),
            Self::PluginRefused { code, message } => write!(f, "prepare refused: {code}: {message}"),
            Self::PluginDenied(message) => write!(f, "the plugin denied it: {message}"),
            Self::PluginTimeout(fault)
            | Self::PluginMemory(fault)
            | Self::PluginTrap(fault)
            | Self::PluginFault(fault)
            | Self::PluginEnded(fault)
            | Self::PluginResting(fault) => write!(f, "the plugin's fault: {fault}"),
            Self::BadSteps(text) | Self::NotStored(text) | Self::Host(text) => f.write_str(text),
            Self::Command(failure) => failure.fmt(f),
            Self::CommandAndPlugin(failure, then) => write!(f, "{failure}; then {then}"),
            Self::UnknownReference => f.write_str(
                "nothing that is still remembered, nor any record of the audit log, has this reference",
            ),
            Self::UnknownHold => f.write_str(
                "no hold that this person may see has this ID: it is for others to decide, or is no longer kept \
                 (keep_results), or never was",
            ),
            Self::MayNot => f.write_str(
                "[people] and the steps of the hold say who may decide; all else is for root and persons with admin = true",
            ),
            Self::TooLate => f.write_str("it was decided, or its time was over, before this came"),
            Self::HostEnded => f.write_str("the host has ended"),
            Self::DaemonEnded => f.write_str("the daemon ended while it ran"),
        }
    }
}

impl CommandFailure {
    /// What the caller hears of it.
    #[must_use]
    pub fn code(&self) -> Code {
        match self.end {
            CommandEnd::Timeout => Code::Timeout,
            CommandEnd::Status(..) | CommandEnd::Signal(..) | CommandEnd::NotStarted(_) => Code::CommandFailed,
        }
    }

    fn shortened(self, most: usize) -> Self {
        let end = match self.end {
            CommandEnd::Status(status, last) => CommandEnd::Status(status, cut(&last, most)),
            CommandEnd::Signal(signal, last) => CommandEnd::Signal(signal, cut(&last, most)),
            CommandEnd::NotStarted(last) => CommandEnd::NotStarted(cut(&last, most)),
            CommandEnd::Timeout => CommandEnd::Timeout,
        };
        Self { end, ..self }
    }
}

impl fmt::Display for CommandFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "command {}: ", self.command)?;
        match &self.end {
            CommandEnd::Status(status, last) => write!(f, "exit status {status}: {last}"),
            CommandEnd::Signal(signal, last) => write!(f, "signal {signal}: {last}"),
            CommandEnd::Timeout => f.write_str("did not end in time"),
            CommandEnd::NotStarted(last) => write!(f, "could not be started: {last}"),
        }?;
        self.unit.as_ref().map_or(Ok(()), |unit| write!(f, " ({unit})"))
    }
}
