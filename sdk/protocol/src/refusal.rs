//! What a caller is told when what it asked is not done. Each text stands here once; each carries a [`Code`] for
//! programs.
//!
//! Only what is the caller's own fault is told exactly ([`Rejection`]). What is a plugin's or the host's fault is
//! [`OPERATION_FAILED`] and nothing else, and the log says why.

use serde::{Deserialize, Serialize};

use crate::state::State;

/// Secret missing, wrong or given twice; not an object.
pub const PERMISSION_DENIED: &str = "Permission denied";
/// No such operation, or none that this peer or this socket may see.
pub const UNKNOWN_OPERATION: &str = "Unknown operation";
/// Neither `op` nor `uid`.
pub const OPERATION_NOT_FOUND: &str = "Invalid message: operation not found";
/// Not JSON or not UTF-8; a colon and the reader's words follow.
pub const NOT_JSON: &str = "Invalid message, could not decode JSON";
/// A key twice in one object, at any depth.
pub const DUPLICATE_KEY: &str = "Invalid message: duplicate key";
/// Deeper than [`crate::DEPTH_MAX`].
pub const TOO_DEEP: &str = "Invalid message: too deep";
/// Longer than [`crate::LINE_MAX`].
pub const TOO_LONG: &str = "Request too long";
/// The data was refused; a colon and the operation's own words follow.
pub const INVALID_DATA: &str = "Invalid data";
/// The authorisation said no.
pub const AUTHORISATION_FAILED: &str = "Authorisation failed";
/// Everything that is the plugin's or the host's fault, and a failure without words.
pub const OPERATION_FAILED: &str = "Operation failed";
/// A rate or a place is used up.
pub const TOO_MANY_REQUESTS: &str = "Too many requests";
/// Unknown, foreign, or older than results are kept: one and the same.
pub const UNKNOWN_UID: &str = "Unknown or expired uid";
/// The daemon is ending.
pub const SHUTTING_DOWN: &str = "Shutting down";
/// An admin verb that is not known.
pub const UNKNOWN_VERB: &str = "Invalid message: unknown admin verb";
/// No hold of that ID, or none that this administrator may see.
pub const UNKNOWN_HOLD: &str = "Unknown hold";
/// On an admin socket: no refusal that is still known has this reference.
pub const UNKNOWN_REFERENCE: &str = "Unknown reference: only refusals of the last days are known";
/// The key was given to another request before.
pub const KEY_GIVEN_AWAY: &str = "Invalid message: key was given to another request";

/// The closed list of words for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// The secret, or what the admin socket knows of its peer, was not enough.
    Denied,
    /// No such operation for this caller.
    UnknownOperation,
    /// The line is no request.
    InvalidMessage,
    /// The line is too long; the connection is closed.
    TooLong,
    /// The operation refused its data.
    InvalidData,
    /// The authorisation said no.
    NotAuthorised,
    /// The operation failed, in its own words or without.
    Failed,
    /// It did not end in time.
    Timeout,
    /// No place came free in time.
    Busy,
    /// A step of its plan failed.
    CommandFailed,
    /// A rate or a place is used up.
    Rate,
    /// No such uid, or hold, for this caller.
    UnknownUid,
    /// The daemon is ending.
    Unavailable,
}

impl Code {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Denied,
        Self::UnknownOperation,
        Self::InvalidMessage,
        Self::TooLong,
        Self::InvalidData,
        Self::NotAuthorised,
        Self::Failed,
        Self::Timeout,
        Self::Busy,
        Self::CommandFailed,
        Self::Rate,
        Self::UnknownUid,
        Self::Unavailable,
    ];

    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::UnknownOperation => "unknown-operation",
            Self::InvalidMessage => "invalid-message",
            Self::TooLong => "too-long",
            Self::InvalidData => "invalid-data",
            Self::NotAuthorised => "not-authorised",
            Self::Failed => "failed",
            Self::Timeout => "timeout",
            Self::Busy => "busy",
            Self::CommandFailed => "command-failed",
            Self::Rate => "rate",
            Self::UnknownUid => "unknown-uid",
            Self::Unavailable => "unavailable",
        }
    }

    /// The code that this word is.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == word)
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a line is no request. All of it is the caller's fault, and it is told exactly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejection {
    /// Longer than [`crate::LINE_MAX`]; the connection is to be closed.
    TooLong,
    /// Not UTF-8 or not JSON, in the reader's words.
    NotJson(String),
    /// Deeper than [`crate::DEPTH_MAX`].
    TooDeep,
    /// Not an object, so without a secret.
    Denied,
    /// A key twice in one object.
    DuplicateKey,
    /// A known key's value has another type or is out of its range.
    WrongType(&'static str),
    /// A key that this daemon knows and does not honour, or not in such a request.
    NotServed(&'static str),
    /// Neither `op` nor `uid`.
    OperationNotFound,
    /// An admin verb that is not known.
    UnknownVerb,
}

impl Rejection {
    pub(crate) fn not_json(error: impl std::fmt::Display) -> Self {
        Self::NotJson(error.to_string())
    }

    /// The word for programs.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::TooLong => Code::TooLong,
            Self::Denied => Code::Denied,
            _ => Code::InvalidMessage,
        }
    }
}

impl std::fmt::Display for Rejection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooLong => f.write_str(TOO_LONG),
            Self::NotJson(words) => write!(f, "{NOT_JSON}: {words}"),
            Self::TooDeep => f.write_str(TOO_DEEP),
            Self::Denied => f.write_str(PERMISSION_DENIED),
            Self::DuplicateKey => f.write_str(DUPLICATE_KEY),
            Self::WrongType(key) => write!(f, "Invalid message: wrong type of {key}"),
            Self::NotServed(key) => write!(f, "Invalid message: {key} is not served"),
            Self::OperationNotFound => f.write_str(OPERATION_NOT_FOUND),
            Self::UnknownVerb => f.write_str(UNKNOWN_VERB),
        }
    }
}

impl std::error::Error for Rejection {}

/// "No", as the caller is told it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// For people.
    pub text: String,
    /// For programs.
    pub code: Code,
    /// What caller and administrator can say to each other; also in log and audit. Empty until
    /// [`Refusal::with_reference`].
    pub reference: String,
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Self::new(rejection.to_string(), rejection.code())
    }
}

impl Refusal {
    fn new(text: impl Into<String>, code: Code) -> Self {
        Self { text: text.into(), code, reference: String::new() }
    }

    /// The same with its reference.
    #[must_use]
    pub fn with_reference(mut self, reference: impl Into<String>) -> Self {
        self.reference = reference.into();
        self
    }

    /// The secret was not right.
    #[must_use]
    pub fn denied() -> Self {
        Self::new(PERMISSION_DENIED, Code::Denied)
    }

    /// No such operation for this caller.
    #[must_use]
    pub fn unknown_operation() -> Self {
        Self::new(UNKNOWN_OPERATION, Code::UnknownOperation)
    }

    /// The line was too long.
    #[must_use]
    pub fn too_long() -> Self {
        Rejection::TooLong.into()
    }

    /// The operation refused the data, in `words` of its own that were made harmless.
    #[must_use]
    pub fn invalid_data(words: &str) -> Self {
        Self::new(format!("{INVALID_DATA}: {words}"), Code::InvalidData)
    }

    /// A slot did not take the caller's value, and the plugin did not word it.
    #[must_use]
    pub fn value_not_accepted(slot: &str) -> Self {
        Self::invalid_data(&format!("{slot}: not accepted"))
    }

    /// The authorisation said no.
    #[must_use]
    pub fn not_authorised() -> Self {
        Self::new(AUTHORISATION_FAILED, Code::NotAuthorised)
    }

    /// The operation failed in `words` of its own that were made harmless.
    #[must_use]
    pub fn failed_with(words: &str) -> Self {
        Self::new(words, Code::Failed)
    }

    /// The operation failed without words: [`Code::Failed`], [`Code::Timeout`], [`Code::Busy`] or
    /// [`Code::CommandFailed`].
    #[must_use]
    pub fn operation_failed(code: Code) -> Self {
        Self::new(OPERATION_FAILED, code)
    }

    /// A rate or a place is used up.
    #[must_use]
    pub fn too_many_requests() -> Self {
        Self::new(TOO_MANY_REQUESTS, Code::Rate)
    }

    /// No such uid for this caller.
    #[must_use]
    pub fn unknown_uid() -> Self {
        Self::new(UNKNOWN_UID, Code::UnknownUid)
    }

    /// The daemon is ending.
    #[must_use]
    pub fn shutting_down() -> Self {
        Self::new(SHUTTING_DOWN, Code::Unavailable)
    }

    /// On an admin socket: no such hold for this administrator.
    #[must_use]
    pub fn unknown_hold() -> Self {
        Self::new(UNKNOWN_HOLD, Code::UnknownUid)
    }

    /// On an admin socket: no refusal that is still known has this reference.
    #[must_use]
    pub fn unknown_reference() -> Self {
        Self::new(UNKNOWN_REFERENCE, Code::UnknownUid)
    }

    /// The key was given to another request before.
    #[must_use]
    pub fn key_given_away() -> Self {
        Self::new(KEY_GIVEN_AWAY, Code::InvalidMessage)
    }

    /// On an admin socket: why this person may not decide this, in the daemon's own words.
    #[must_use]
    pub fn may_not(why: &str) -> Self {
        Self::new(format!("{AUTHORISATION_FAILED}: {why}"), Code::NotAuthorised)
    }

    /// On an admin socket: the hold waits for nobody any more.
    #[must_use]
    pub fn no_longer_held(state: State) -> Self {
        Self::new(format!("No longer held: {state}"), Code::Failed)
    }
}

impl State {
    /// What the requester of an operation that ended so hears, if that is always the same. `done` and `failed` have
    /// words of their own.
    #[must_use]
    pub fn refusal(self) -> Option<Refusal> {
        match self {
            Self::Denied | Self::Expired | Self::Void => Some(Refusal::not_authorised()),
            Self::Cancelled | Self::Interrupted => Some(Refusal::operation_failed(Code::Failed)),
            _ => None,
        }
    }
}
