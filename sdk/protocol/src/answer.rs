//! A reply as a client reads it: from this daemon, a later one, or the original service, which knows only `success`,
//! `uid`, `data` and `error`. Unknown keys are ignored; unknown codes and states stay words.

use serde::Deserialize;

use crate::data::Data;

/// A reply, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnswerLine {
    /// `{"success": true, …}`
    Success {
        /// The handle, if the operation is not over.
        uid: Option<String>,
        /// The result, or a text for people.
        data: Data,
        /// Where a hold stands.
        state: Option<String>,
        /// What it waits for.
        step: Option<String>,
        /// Until when (RFC 3339).
        expires: Option<String>,
        /// Words by which people can tell this hold from another.
        phrase: Option<String>,
        /// What was sent as `id`.
        id: Option<String>,
    },
    /// `{"error": …}`
    Error {
        /// For people.
        text: String,
        /// For programs.
        code: Option<String>,
        /// What to tell the administrator.
        reference: Option<String>,
        /// How a hold ended.
        state: Option<String>,
        /// What was sent as `id`.
        id: Option<String>,
    },
}

/// What came is no reply: not JSON, or neither `success` nor `error`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotAReply;

impl std::fmt::Display for NotAReply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("what came back is no reply")
    }
}

impl std::error::Error for NotAReply {}

#[derive(Deserialize)]
struct AnswerFrame {
    #[serde(default)]
    success: bool,
    error: Option<String>,
    uid: Option<String>,
    data: Option<Data>,
    state: Option<String>,
    step: Option<String>,
    expires: Option<String>,
    phrase: Option<String>,
    code: Option<String>,
    #[serde(rename = "ref")]
    reference: Option<String>,
    id: Option<String>,
}

impl AnswerLine {
    /// Reads one line, with or without its newline.
    ///
    /// # Errors
    /// [`NotAReply`].
    pub fn read(bytes: &[u8]) -> Result<Self, NotAReply> {
        let frame: AnswerFrame = serde_json::from_slice(bytes).map_err(|_| NotAReply)?;
        match frame {
            AnswerFrame { error: Some(text), code, reference, state, id, .. } => {
                Ok(Self::Error { text, code, reference, state, id })
            }
            AnswerFrame { success: true, uid, data, state, step, expires, phrase, id, .. } => {
                let data = data.unwrap_or_else(Data::null);
                Ok(Self::Success { uid, data, state, step, expires, phrase, id })
            }
            _ => Err(NotAReply),
        }
    }
}
