//! `flag`: an argument of the administrator's own that is there or is not.

use serde_json::{Value as Json, json};

use crate::sheet::table::Table;
use crate::sheet::value::Value;

/// The argument.
#[derive(Debug, Clone)]
pub(super) struct Flag(String);

impl Flag {
    pub(super) fn read(table: &mut Table<'_>) -> Option<Self> {
        table.need("value", "value = \"--force\", the argument that it stands for", argument).map(Self)
    }

    pub(super) fn argument(&self) -> &str {
        &self.0
    }

    /// Whether it is there; `None`: the value says neither.
    pub(super) fn accept(value: &str) -> Option<bool> {
        match value {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    pub(super) fn rule(&self) -> String {
        format!("true or false: whether {} is there", self.0)
    }

    pub(super) fn schema() -> Json {
        json!({"type": "boolean"})
    }

    pub(super) fn digest(&self) -> Json {
        json!({"type": "flag", "value": self.0})
    }
}

fn argument(value: &Value<'_>) -> Option<String> {
    let text = value.text()?;
    if text.is_empty() || text.contains('\0') {
        value.mistake("value: a flag stands for an argument: write it, as \"--force\"");
        return None;
    }
    Some(text.to_owned())
}
