//! One of some texts that an administrator wrote, letter by letter.

use serde_json::{Value as Json, json};

use super::read::{Settings, members};
use super::text::{MAX, begins_well, is_plain};
use crate::sheet::table::Table;
use crate::sheet::value::Value;

/// The texts.
#[derive(Debug, Clone)]
pub(crate) struct Members(Vec<String>);

impl Members {
    /// `list` is the value of `one_of` or `values`.
    pub(super) fn read(table: &mut Table<'_>, list: &Value<'_>, settings: &Settings<'_>) -> Option<Self> {
        let first_any = table.read("first_any", Value::boolean).unwrap_or(false);
        let list = members(list, settings)?;
        Some(Self(Value::each(&list, |item| member(item, first_any))))
    }

    pub(super) fn accept(&self, value: &str) -> Option<String> {
        self.0.iter().find(|member| *member == value).cloned()
    }

    pub(super) fn rule(&self) -> String {
        format!("one of {}", self.0.join(", "))
    }

    pub(super) fn digest(&self) -> Json {
        json!({"type": "one_of", "values": self.0})
    }
}

fn member(item: &Value<'_>, first_any: bool) -> Option<String> {
    let text = item.text()?;
    if text.is_empty() || text.len() > MAX || !is_plain(text) {
        item.mistake(format!(
            "{text:?} cannot be a slot's value: write 1 to {MAX} bytes of ASCII, no control characters"
        ));
    } else if !first_any && !begins_well(text) {
        item.mistake(format!("{text:?} could be read as an option: write first_any = true if it is meant so"));
    }
    Some(text.to_owned())
}
