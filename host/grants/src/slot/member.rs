//! `one_of`: one of some texts that an administrator wrote, letter by letter.

use serde_json::{Value as Json, json};

use super::kind::{Kind, Wider};
use super::listed::{Listed, Settings};
use super::text::{MAX, begins_well, is_plain};
use super::written::Written;
use crate::sheet::table::Table;
use crate::sheet::value::Value;

/// The texts.
#[derive(Debug, Clone)]
pub(super) struct Members {
    list: Listed<String>,
    first_any: bool,
}

impl Members {
    /// `list` is the value of `one_of` or `values`.
    pub(super) fn read(table: &mut Table<'_>, list: &Value<'_>, settings: &Settings<'_>) -> Option<Self> {
        let first_any = table.read("first_any", Value::boolean).unwrap_or(false);
        let list = Listed::read(list, settings, |item| member(item, first_any))?;
        Some(Self { list, first_any })
    }
}

impl Kind for Members {
    fn word(&self) -> &'static str {
        "one_of"
    }

    fn accept(&self, value: &str) -> Option<String> {
        self.list.items().iter().find(|member| *member == value).cloned()
    }

    fn rule(&self) -> String {
        self.list.rule()
    }

    fn schema(&self) -> Json {
        json!({"type": "string", "enum": self.list.json()})
    }

    fn digest(&self) -> Json {
        json!({"type": "one_of", "values": self.list.json()})
    }

    fn written(&self) -> Written {
        let written = Written::of("one_of").with("values", self.list.written());
        written.unless("first_any", self.first_any, &false)
    }

    /// Any text could be a member, so only words are offered: what no shell or option parser reads a meaning into.
    fn wider(&self, value: &str) -> Option<Wider> {
        let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
        let word = value.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        (word && value.len() <= WORD_MAX && value.bytes().all(letter))
            .then(|| self.list.and(value.to_owned(), |list| Self { list, ..*self }.written()))
    }
}

/// The longest text that is offered as one more member.
const WORD_MAX: usize = 64;

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
