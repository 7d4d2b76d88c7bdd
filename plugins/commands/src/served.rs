//! What the daemon says of the operations: `[settings]` as it makes them of a grants file with `run`.

use std::collections::BTreeMap;

use regent_plugin::prelude::*;

use crate::reply::Form;

#[derive(Deserialize)]
struct Settings {
    operations: BTreeMap<String, Served>,
}

/// One operation.
#[derive(Deserialize)]
pub(crate) struct Served {
    /// The administrator's line for people.
    pub(crate) summary: Option<String>,
    /// Whether its command reads the whole data, which the daemon sees to: then the data may hold more than values.
    #[serde(default)]
    pub(crate) stdin: bool,
    #[serde(default)]
    pub(crate) reply: Form,
    /// The command's slots.
    #[serde(default)]
    pub(crate) params: BTreeMap<String, Takes>,
}

/// What of JSON a slot is filled from, by the word of its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Takes {
    /// `true`, or nothing at all.
    Flag,
    /// Any number of texts and whole numbers.
    List,
    /// One text or whole number: every other type there is, and every one to come.
    #[serde(other)]
    One,
}

impl Served {
    /// # Panics
    /// If the daemon serves what it did not tell of.
    pub(crate) fn named(name: &str) -> Self {
        let Settings { mut operations } = settings();
        operations.remove(name).unwrap_or_else(|| panic!("[settings] has no operation {name:?}"))
    }
}
