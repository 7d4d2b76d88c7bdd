//! What serves, and why not: what an administrator is told of plugins, of the daemon, and of a refusal. Texts of
//! strangers stand in them as they were written: whoever shows them to a person passes them through [`crate::visible`]
//! first.

use serde::{Deserialize, Serialize};

use crate::data::Data;
use crate::refusal::Code;
use crate::view::{Origin, StepView};

/// An operation as the caller may know it who may ask for it: an item of the `data` of the reply to `list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationView {
    /// Its name, as callers use it.
    pub operation: String,
    /// For people: the administrator's word where there is one, else the plugin's.
    pub summary: String,
    /// JSON Schema of its data; `{}` if nothing is said of it. For forms: nothing is validated by it.
    pub schema: Data,
    /// The administrator's steps of authorisation; the plugin may ask for more.
    pub steps: Vec<StepView>,
}

/// What a reload came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reloaded {
    /// Whether `regent.toml` as it is now is what the daemon lives by. Grants files are taken one by one in any case.
    pub applied: bool,
    /// What is different from before, a line each.
    pub changed: Vec<String>,
    /// Each mistake, with its file, its line and its cure.
    pub mistakes: Vec<String>,
    /// What is served all the same and should be looked at.
    pub warnings: Vec<String>,
}

/// Where a plugin stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Serving {
    /// It serves the module that is in the folder.
    Serving,
    /// It serves a module that it accepted before: the one in the folder is another, and is not accepted.
    ServingAccepted,
    /// Its module is being read, compiled or described; nothing of it served before.
    Preparing,
    /// Its processes crashed too often: nothing of it is started for a while, and its requests are refused.
    Resting,
    /// Nothing of it is served.
    NotServing,
}

impl Serving {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Serving => "serving",
            Self::ServingAccepted => "serving-accepted",
            Self::Preparing => "preparing",
            Self::Resting => "resting",
            Self::NotServing => "not-serving",
        }
    }
}

impl std::fmt::Display for Serving {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A plugin, that is a grants file with its module, or a module without one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginView {
    /// The grants file's name, less `.toml`.
    pub name: String,
    /// Where it stands.
    pub state: Serving,
    /// The grants file; `None` if a module lies there without one.
    pub grants: Option<String>,
    /// The module's file; `None` if there is none.
    pub module: Option<String>,
    /// SHA-256 of the module that serves, in hexadecimal digits.
    pub serves: Option<String>,
    /// SHA-256 of the module's file as it is now; `None` if it cannot be read.
    pub file: Option<String>,
    /// What vouches for the module: `sha256` in the grants file, `SHA256SUMS` beside the module, or `none`.
    pub pin: String,
    /// What runs it, if that is not what `[sandbox] engine` says: `native` or `interpreter`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
    /// Why what is in the folders is not what serves: each reason with its cure.
    pub reasons: Vec<String>,
    /// What it serves, by whom it may be asked.
    pub operations: Vec<ServedView>,
    /// How its processes crashed, if any did since it serves this module or since the last reload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crashes: Option<CrashesView>,
}

/// Processes of a plugin that ended by themselves, were killed, spoke out of turn or did not answer in time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrashesView {
    /// How many.
    pub count: u64,
    /// Why the last.
    pub last: String,
    /// Until when nothing is started (RFC 3339), if it rests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// An operation of a plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServedView {
    /// As callers name it.
    pub operation: String,
    /// The sockets that show it.
    pub sockets: Vec<String>,
    /// The rules of `allow`, such as `user www-data`; `None`: whoever knows a socket's secret.
    pub allow: Option<Vec<String>>,
    /// Whose consent it needs.
    pub require: Vec<StepView>,
    /// Why it is not served although its plugin is, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unserved: Option<String>,
}

/// The daemon at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusView {
    /// Of the daemon.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// Whose process that is: a user's name, else the uid; daemons of before do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// When it was ready (RFC 3339).
    pub since: String,
    /// The configuration file.
    pub config: String,
    /// What runs plugins whose grants file does not say: `native` or `interpreter`; daemons of before do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
    /// Its request sockets.
    pub sockets: Vec<SocketView>,
    /// Plugins that serve.
    pub serving: usize,
    /// Plugins that do not, or not the module that is in the folder.
    pub troubled: usize,
    /// Held operations that wait for consent.
    pub held: usize,
    /// Operations that run now.
    pub running: usize,
    /// What this machine or this user lacks, and what that means.
    pub lacks: Vec<String>,
    /// What was wrong in the files when they were last read.
    pub mistakes: Vec<String>,
    /// What should be looked at.
    pub warnings: Vec<String>,
}

/// A request socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SocketView {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub path: String,
    /// Connections that are open now.
    pub connections: usize,
    /// What may be asked on it; `["*"]`: all that is granted.
    pub operations: Vec<String>,
    /// Whether its peers' uids mean users of this machine.
    pub trust_peer_uid: bool,
}

/// A refusal, explained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhyView {
    /// What the caller was told to say.
    pub reference: String,
    /// When (RFC 3339).
    pub at: String,
    /// Who asked, as people call it.
    pub requester: String,
    /// From where, by the kernel's word.
    pub from: Origin,
    /// What for, as the caller named it.
    pub operation: Option<String>,
    /// With which data: the caller's own text, cut after 4 KiB.
    pub data: Option<String>,
    /// What the caller heard.
    pub said: String,
    /// The code that it heard; `None` of what only the audit log still knows.
    pub code: Option<Code>,
    /// What the caller was not told.
    pub why: String,
    /// The rule that decided.
    pub rule: Option<RuleView>,
    /// What would allow it.
    pub allow: Option<AllowView>,
}

/// Where a rule stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleView {
    /// The file.
    pub file: String,
    /// The line, counted from 1; `None`: it is what the file does not say.
    pub line: Option<usize>,
    /// The rule in words.
    pub rule: String,
}

/// Lines that would allow what was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllowView {
    /// The file that they belong into.
    pub file: String,
    /// The lines of TOML.
    pub lines: Vec<String>,
    /// What they would mean beyond this one request, if that is worth a warning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beware: Option<String>,
}
