//! What a record of the audit log says.

use regent_protocol::{Code, Data, RuleView, Serving, State};
use serde::{Deserialize, Serialize};
use strum::EnumIter;

use crate::record::hold::HoldId;
use crate::record::reason::{BoundField, Decider, VoidWord};
use crate::record::requester::Requester;
use crate::record::why::{CommandEnd, ReasonWord, Why};
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, EnumIter)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    Started,
    /// The last line was not whole when the log was opened.
    Torn,
    /// A start has settled what its predecessor left.
    Recovery,
    /// An administrator had all files read again.
    Reload,
    /// What a plugin serves has changed, or why it does not serve.
    Plugin,
    Refused,
    /// An operation that needs no consent begins.
    Performing,
    Done,
    Failed,
    /// The daemon ended while it ran.
    Interrupted,
    /// A held operation has another `state`.
    Hold,
    /// Of a later version of the log. Never written.
    #[default]
    #[serde(other)]
    Unknown,
}

/// What happened, as far as it is known; what is not, is left out of the line. `docs/reference/audit-log.md` has each
/// field.
#[derive(Debug, Default, Clone, Serialize)]
pub struct Event<'a> {
    pub event: EventKind,
    /// The ID of a held operation. Such a record is a *transition*: the store names the last of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold: Option<&'a str>,
    /// The state that the hold has from now on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    /// What a caller was told to say to the administrator.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub socket: Option<&'a str>,
    /// The requester's user, by the kernel's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gid: Option<u32>,
    /// Its process when it connected; decides nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<&'a Data>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugin: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serving: Option<Serving>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operations: Option<&'a [&'a str]>,
    /// SHA-256 of the module.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<&'a [Vec<String>]>,
    /// Who decided, or gave the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decider: Option<&'a Decider>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub said: Option<&'a str>,
    /// Why, as a word of a closed list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<ReasonWord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_status: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// Why a hold was invalidated, as a word of a closed list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<VoidWord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<BoundField>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<&'a str>,
    /// The rule that decided, by its file and line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<&'a RuleView>,
    /// The holds to which a start gave these ends.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<&'a Recovery>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<&'a str>,
    /// How many bytes of the last line were there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<usize>,
}

/// The holds to which a start gave an end, by that end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovery {
    /// They ran when the daemon ended.
    #[serde(default)]
    pub interrupted: Vec<HoldId>,
    /// They could not be trusted any more.
    #[serde(default)]
    pub void: Vec<HoldId>,
    /// They were to end the host, and it has ended.
    #[serde(default)]
    pub done: Vec<HoldId>,
}

impl<'a> Event<'a> {
    /// One of this kind, of which nothing else is known.
    pub fn of(event: EventKind) -> Self {
        Self { event, ..Self::default() }
    }

    /// One of this kind, of what this peer asked for.
    pub fn by(event: EventKind, requester: &'a Requester) -> Self {
        let Requester { socket, uid, gid, pid, .. } = requester;
        Self { socket: Some(socket), uid: Some(*uid), gid: Some(*gid), pid: *pid, ..Self::of(event) }
    }

    /// With the facts of why.
    pub fn because(self, why: &'a Why) -> Self {
        let failure = why.command();
        let (exit_status, signal) = match failure.map(|failure| &failure.end) {
            Some(CommandEnd::Status(status, _)) => (Some(*status), None),
            Some(CommandEnd::Signal(signal, _)) => (None, Some(*signal)),
            Some(CommandEnd::Timeout | CommandEnd::NotStarted(_)) | None => (None, None),
        };
        Self { reason: why.word(), command: failure.map(|failure| &*failure.command), exit_status, signal, ..self }
    }
}
