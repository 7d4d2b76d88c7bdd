//! What a slot looks like from outside: its type's word, the JSON Schema of its value, and whether it is as wide as a shell.

use serde_json::{Value as Json, json};

use super::Slot;
use super::integer::Integer;

/// Pieces of shell: what takes all of these is told apart from what takes any text by nobody who writes an attack.
const SHELL: [&str; 6] = ["a;b", "$(b)", "a|b", "`b`", "a b", "a>/b"];

impl Slot {
    /// The word of its `type`.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Ipv4(_) => "ipv4",
            Self::Integer(_) => "integer",
            Self::Member(_) => "one_of",
            Self::Text(_) => "text",
        }
    }

    /// The JSON Schema of the values that it accepts.
    pub(crate) fn schema(&self) -> Json {
        let digest = self.digest();
        match self {
            Self::Ipv4(_) => json!({"type": "string", "format": "ipv4"}),
            Self::Integer(Integer::Range { min, max }) => json!({"type": "integer", "minimum": min, "maximum": max}),
            Self::Integer(Integer::OneOf(numbers)) => json!({"type": "integer", "enum": numbers}),
            Self::Member(_) => json!({"type": "string", "enum": digest.get("values")}),
            Self::Text(_) => {
                let pattern = digest.get("pattern").and_then(Json::as_str).unwrap_or_default();
                let whole = format!("^(?:{pattern})$");
                json!({"type": "string", "pattern": whole, "minLength": 1, "maxLength": digest.get("max")})
            }
        }
    }

    /// Whether it takes whatever a shell would.
    pub(crate) fn is_wide(&self) -> bool {
        SHELL.iter().all(|piece| self.accept(piece).is_some())
    }
}
