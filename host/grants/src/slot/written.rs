//! A slot as an administrator would write it: a TOML table on one line.

use std::fmt;

use serde_json::Value as Json;

use crate::sheet::words::is_name;

/// The table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written(String);

impl Written {
    /// Of this type.
    pub(super) fn of(kind: &str) -> Self {
        Self(format!("type = {}", toml(&kind.into())))
    }

    /// With one more key.
    pub(super) fn with(self, key: &str, value: impl Into<Json>) -> Self {
        Self(format!("{}, {key} = {}", self.0, toml(&value.into())))
    }

    /// With one more key if it differs from what it is when left out.
    pub(super) fn unless<T: PartialEq + Into<Json>>(self, key: &str, value: T, default: &T) -> Self {
        if value == *default { self } else { self.with(key, value) }
    }

    /// With another slot under a key.
    pub(super) fn with_slot(self, key: &str, slot: &Self) -> Self {
        Self(format!("{}, {key} = {slot}", self.0))
    }
}

impl fmt::Display for Written {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{{ {} }}", self.0)
    }
}

/// `KEY = …`, for a list that stands in `[settings]`.
pub(super) fn setting(key: &str, list: &Json) -> String {
    let key = if is_name(key) { key.to_owned() } else { toml(&key.into()) };
    format!("{key} = {}", toml(list))
}

/// Texts, numbers, truths and lists of them. JSON's texts are TOML's, but for DEL.
fn toml(value: &Json) -> String {
    match value {
        Json::Array(items) => format!("[{}]", items.iter().map(toml).collect::<Vec<_>>().join(", ")),
        other => other.to_string().replace('\u{7f}', "\\u007F"),
    }
}
