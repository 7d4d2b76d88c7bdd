//! `uuid`: the 36 letters of RFC 9562, in lower case. No braces, no `urn:`, no run of 32 digits.

use serde_json::{Value as Json, json};

use super::kind::Kind;
use super::written::Written;

const LENGTH: usize = 36;

/// Any, of whatever version.
#[derive(Debug, Clone, Copy)]
pub(super) struct Uuid;

impl Kind for Uuid {
    fn word(&self) -> &'static str {
        "uuid"
    }

    fn accept(&self, value: &str) -> Option<String> {
        // Of the forms that the crate takes only the hyphenated one is so long.
        let parsed = (value.len() == LENGTH).then(|| uuid::Uuid::try_parse(value).ok()).flatten()?;
        Some(parsed.hyphenated().to_string())
    }

    fn rule(&self) -> String {
        "a UUID of 32 hexadecimal digits and 4 hyphens".to_owned()
    }

    fn schema(&self) -> Json {
        json!({"type": "string", "format": "uuid"})
    }

    fn digest(&self) -> Json {
        json!({"type": "uuid"})
    }

    fn written(&self) -> Written {
        Written::of("uuid")
    }
}
