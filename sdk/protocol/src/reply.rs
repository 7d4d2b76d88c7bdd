//! What a caller is told. One line a reply; a result goes in as the text that it is.

use serde::{Deserialize, Serialize};

use crate::data::Data;
use crate::refusal::{Code, Refusal};

/// Where a held operation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// A step waits for its answer.
    Held,
    /// All steps are answered; it has not begun.
    Approved,
    /// It runs.
    Performing,
    /// It ran and has a result.
    Done,
    /// It ran and failed.
    Failed,
    /// Somebody said no.
    Denied,
    /// Nobody said yes in time, or it did not begin in time.
    Expired,
    /// What was approved is no longer what would run.
    Void,
    /// Its requester gave it up.
    Cancelled,
    /// The daemon ended while it ran: whether it happened is unknown.
    Interrupted,
}

impl State {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Approved => "approved",
            Self::Performing => "performing",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Void => "void",
            Self::Cancelled => "cancelled",
            Self::Interrupted => "interrupted",
        }
    }

    /// The state that this word is.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        use State::*;
        [Held, Approved, Performing, Done, Failed, Denied, Expired, Void, Cancelled, Interrupted]
            .into_iter()
            .find(|state| state.as_str() == word)
    }

    /// Whether anything can still happen to it.
    #[must_use]
    pub fn is_over(self) -> bool {
        !matches!(self, Self::Held | Self::Approved | Self::Performing)
    }

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

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A reply on a request socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Performed.
    Done {
        /// The result.
        data: Data,
        /// [`State::Done`] if this is about a hold.
        state: Option<State>,
    },
    /// Held, approved or being performed.
    Held {
        /// The requester's handle.
        uid: String,
        /// Where it stands.
        state: State,
        /// For people.
        text: String,
        /// While held: what it waits for.
        step: Option<String>,
        /// While held: until when (RFC 3339).
        expires: Option<String>,
        /// Words by which people can tell this hold from another.
        phrase: Option<String>,
    },
    /// Refused or failed.
    Refused {
        /// "No", with its reference.
        refusal: Refusal,
        /// How it ended, if this is about a hold.
        state: Option<State>,
    },
}

/// A reply as it crosses the socket: `success` or `error` first.
#[derive(Serialize)]
#[serde(untagged)]
enum Frame<'a> {
    Success {
        success: bool,
        uid: Option<&'a str>,
        data: &'a Data,
        #[serde(skip_serializing_if = "Option::is_none")]
        state: Option<State>,
        #[serde(skip_serializing_if = "Option::is_none")]
        step: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        expires: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        phrase: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a str>,
    },
    Error {
        error: &'a str,
        code: Code,
        #[serde(rename = "ref", skip_serializing_if = "str::is_empty")]
        reference: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        state: Option<State>,
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a str>,
    },
}

impl Reply {
    /// A result that never was held.
    #[must_use]
    pub fn done(data: Data) -> Self {
        Self::Done { data, state: None }
    }

    /// A refusal that is not about a hold.
    #[must_use]
    pub fn refused(refusal: Refusal) -> Self {
        Self::Refused { refusal, state: None }
    }

    /// The line, its newline included; `id` is what came with the request.
    #[must_use]
    pub fn to_line(&self, id: Option<&str>) -> Vec<u8> {
        match self {
            Self::Done { data, state } => line(&Frame::Success {
                success: true,
                uid: None,
                data,
                state: *state,
                step: None,
                expires: None,
                phrase: None,
                id,
            }),
            Self::Held { uid, state, text, step, expires, phrase } => line(&Frame::Success {
                success: true,
                uid: Some(uid),
                data: &Data::string(text),
                state: Some(*state),
                step: step.as_deref(),
                expires: expires.as_deref(),
                phrase: phrase.as_deref(),
                id,
            }),
            Self::Refused { refusal, state } => error_line(refusal, *state, id),
        }
    }
}

/// A refusal as a line; both kinds of socket say it so.
pub(crate) fn error_line(refusal: &Refusal, state: Option<State>, id: Option<&str>) -> Vec<u8> {
    let Refusal { text, code, reference } = refusal;
    line(&Frame::Error { error: text, code: *code, reference, state, id })
}

/// Anything as one line.
pub(crate) fn line(frame: &impl Serialize) -> Vec<u8> {
    // Strings, and JSON that was read before, always serialise; if they ever did not, a caller must still hear something.
    let mut line =
        serde_json::to_vec(frame).unwrap_or_else(|_| br#"{"error":"Operation failed","code":"failed"}"#.to_vec());
    line.push(b'\n');
    line
}
