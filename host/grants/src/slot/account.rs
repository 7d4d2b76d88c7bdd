//! `user` and `group`: names as POSIX has them portable. Never a number: 0 would be root under no name. Whether there
//! is such an account is the command's to find out.

use serde_json::{Value as Json, json};

use super::kind::{Kind, Wider};
use super::listed::{Listed, Settings};
use super::written::Written;
use crate::sheet::table::Table;
use crate::sheet::value::Value;

/// As long as Linux' records of who is logged in have room for.
const MAX: usize = 32;

/// Which of the two.
#[derive(Debug, Clone, Copy)]
pub(super) enum Of {
    User,
    Group,
}

/// Which names.
#[derive(Debug, Clone)]
pub(super) struct Account {
    of: Of,
    one_of: Option<Listed<String>>,
}

impl Account {
    pub(super) fn read(table: &mut Table<'_>, settings: &Settings<'_>, of: Of) -> Option<Self> {
        let Some(one_of) = table.take("one_of") else { return Some(Self { of, one_of: None }) };
        Listed::read(&one_of, settings, name).map(|list| Self { of, one_of: Some(list) })
    }
}

impl Kind for Account {
    fn word(&self) -> &'static str {
        match self.of {
            Of::User => "user",
            Of::Group => "group",
        }
    }

    fn accept(&self, value: &str) -> Option<String> {
        let name = parse(value)?;
        self.one_of.as_ref().is_none_or(|list| list.has(&name)).then_some(name)
    }

    fn rule(&self) -> String {
        match &self.one_of {
            Some(list) => list.rule(),
            None => {
                let word = self.word();
                format!("a {word} name: 1 to {MAX} of a-z, 0-9, _ and -, beginning with a letter or _")
            }
        }
    }

    fn schema(&self) -> Json {
        match &self.one_of {
            Some(list) => json!({"type": "string", "enum": list.json()}),
            None => json!({"type": "string", "pattern": "^[a-z_][a-z0-9_-]{0,31}$"}),
        }
    }

    fn digest(&self) -> Json {
        json!({"type": self.word(), "one_of": self.one_of.as_ref().map(Listed::json)})
    }

    fn written(&self) -> Written {
        let written = Written::of(self.word());
        match &self.one_of {
            Some(list) => written.with("one_of", list.written()),
            None => written,
        }
    }

    fn wider(&self, value: &str) -> Option<Wider> {
        let (list, name) = (self.one_of.as_ref()?, parse(value)?);
        Some(list.and(name, |list| Self { one_of: Some(list), ..*self }.written()))
    }
}

fn parse(value: &str) -> Option<String> {
    let first = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    let other = |byte: u8| first(byte) || byte.is_ascii_digit() || byte == b'-';
    let begins = value.bytes().next().is_some_and(first);
    (begins && value.len() <= MAX && value.bytes().all(other)).then(|| value.to_owned())
}

fn name(value: &Value<'_>) -> Option<String> {
    let text = value.text()?;
    let name = parse(text);
    if name.is_none() {
        value.mistake(format!(
            "{}: {text:?} is no portable name: write 1 to {MAX} of a-z, 0-9, _ and -, a letter or _ first",
            value.key
        ));
    }
    name
}
