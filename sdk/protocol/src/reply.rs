//! What a caller is told. One line a reply; a result goes in as the text that it is.

use serde::Serialize;

use crate::data::Data;
use crate::refusal::{Code, Refusal};
use crate::state::State;

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
enum ReplyFrame<'a> {
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
            Self::Done { data, state } => line(&ReplyFrame::Success {
                success: true,
                uid: None,
                data,
                state: *state,
                step: None,
                expires: None,
                phrase: None,
                id,
            }),
            Self::Held { uid, state, text, step, expires, phrase } => line(&ReplyFrame::Success {
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
    line(&ReplyFrame::Error { error: text, code: *code, reference, state, id })
}

/// Anything as one line.
pub(crate) fn line(frame: &impl Serialize) -> Vec<u8> {
    // Strings, and JSON that was read before, always serialise; if they ever did not, a caller must still hear
    // something.
    let mut line =
        serde_json::to_vec(frame).unwrap_or_else(|_| br#"{"error":"Operation failed","code":"failed"}"#.to_vec());
    line.push(b'\n');
    line
}
