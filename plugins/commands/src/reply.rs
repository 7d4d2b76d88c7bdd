//! What a command printed, as the reply that its operation promises.

use base64::{Engine, engine::general_purpose::STANDARD};
use regent_plugin::{StepResult, prelude::*};
use serde_json::{json, value::RawValue};

/// What a host takes as a reply, in bytes.
const REPLY_MAX: usize = 1 << 20;

/// Cut by its grant, or longer than a reply.
const TOO_LONG: &str = "Its output is too long";

/// What becomes of the output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Form {
    /// A text, less the newline that ends it; what is no UTF-8 as `{"base64": "…"}`.
    #[default]
    Text,
    /// It is JSON, and the reply as it stands.
    Json,
    /// Nothing.
    None,
}

impl Form {
    /// # Errors
    /// In words for the caller. Half an output is none: whoever wants the end of a log has the command print the end of
    /// it.
    pub(crate) fn of(self, ran: &StepResult) -> Result<Box<RawValue>, Failure> {
        if self != Self::None && ran.truncated {
            return Err(TOO_LONG.into());
        }
        let reply = match self {
            Self::None => RawValue::NULL.to_owned(),
            Self::Text => text(&ran.stdout)?,
            Self::Json => serde_json::from_slice(&ran.stdout).map_err(|_| "It did not print JSON")?,
        };
        if reply.get().len() > REPLY_MAX { Err(TOO_LONG.into()) } else { Ok(reply) }
    }
}

fn text(output: &[u8]) -> Result<Box<RawValue>, Failure> {
    let reply = match std::str::from_utf8(output) {
        Ok(text) => json!(text.strip_suffix('\n').unwrap_or(text)),
        Err(_) => json!({ "base64": STANDARD.encode(output) }),
    };
    serde_json::value::to_raw_value(&reply).map_err(|error| Failure::logged(error.to_string()))
}
