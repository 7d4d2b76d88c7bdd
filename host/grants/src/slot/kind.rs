//! What one value of a slot may be. Each type is a file beside this one; to add one is to write it and name it in
//! `read`.

use std::fmt;
use std::path::Path;

use serde_json::Value as Json;

use super::written::Written;

/// A type with all that an administrator wrote of it.
pub(crate) trait Kind: fmt::Debug + Send + Sync {
    /// The word that stands as `type`.
    fn word(&self) -> &'static str;

    /// The value as it is rendered; `None`: not accepted. What is rendered is accepted, and rendered as it is.
    fn accept(&self, value: &str) -> Option<String>;

    /// What it accepts, in words, for the administrator's log.
    fn rule(&self) -> String;

    /// What a caller sends, as JSON Schema. What it lets through may be refused all the same: [`Kind::accept`] judges.
    fn schema(&self) -> Json;

    /// All that decides what it accepts.
    fn digest(&self) -> Json;

    /// It as it would be written.
    fn written(&self) -> Written;

    /// What would have to be written for it to accept this value as well; `None` where no administrator would want to.
    fn wider(&self, _value: &str) -> Option<Wider> {
        None
    }

    /// Whether it takes about anything.
    fn is_wide(&self) -> bool {
        false
    }

    /// The folder that its values are below, where they are paths.
    fn below(&self) -> Option<&Path> {
        None
    }
}

/// What to write so that a slot takes a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wider {
    /// Another slot.
    Slot(Written),
    /// Another list in `[settings]`: the line where it stands, and the one to stand there.
    Setting(usize, String),
}

/// A line of a grants file that would let a value through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instead {
    /// In the place of which.
    pub line: usize,
    /// The line, as TOML in the table in which that one stands.
    pub text: String,
    /// Whether that is `[settings]`; else it is the command's.
    pub is_setting: bool,
}

impl Wider {
    /// For the slot of this name, which stands at this line.
    pub(crate) fn instead(&self, slot: &str, line: usize) -> Instead {
        match self {
            Self::Slot(written) => Instead { line, text: format!("params.{slot} = {written}"), is_setting: false },
            Self::Setting(line, text) => Instead { line: *line, text: text.clone(), is_setting: true },
        }
    }
}
