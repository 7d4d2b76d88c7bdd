//! What the host says of each operation: the settings that it makes of a grants file with `run`.

use std::collections::BTreeMap;

use regent_plugin::{prelude::*, settings};

#[derive(Deserialize)]
struct Settings {
    operations: BTreeMap<String, Granted>,
}

/// An operation.
#[derive(Deserialize)]
pub(crate) struct Granted {
    /// The administrator's words for it.
    #[serde(default)]
    pub(crate) summary: Option<String>,
    /// Whether the command reads the whole data itself.
    #[serde(default)]
    pub(crate) stdin: bool,
    /// What becomes of its output.
    #[serde(default)]
    pub(crate) reply: Reply,
    /// The type of each slot.
    #[serde(default)]
    pub(crate) params: BTreeMap<String, String>,
}

/// What becomes of a command's output.
#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Reply {
    /// It is the reply, as text.
    #[default]
    Text,
    /// It is JSON, and that is the reply.
    Json,
    /// Nothing.
    None,
}

impl Granted {
    /// The operation of this name, which is one of the file's: the daemon asks for no other.
    pub(crate) fn of(name: &str) -> Self {
        let Settings { mut operations } = settings();
        operations.remove(name).unwrap_or_else(|| panic!("[settings]: operations has no {name:?}"))
    }
}
