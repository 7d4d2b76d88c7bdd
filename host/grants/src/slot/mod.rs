//! The types of a command's slots. A value is parsed into its type and written again from it: what is rendered has one
//! spelling, whatever the plugin or its client wrote.
//!
//! Values are hostile. A slot accepts what its type names and refuses all else; it never mends.

// Addresses.
mod ipv4;
// Whole numbers.
mod integer;
// One of some texts.
mod member;
// Texts by pattern.
mod text;
// What it looks like from outside.
mod shape;
// What an administrator wrote of a slot.
pub(crate) mod read;

use serde_json::{Value as Json, json};

use integer::Integer;
use ipv4::Scope;
use member::Members;
use text::Text;

/// What a slot accepts.
#[derive(Debug, Clone)]
pub(crate) enum Slot {
    Ipv4(Scope),
    Integer(Integer),
    Member(Members),
    Text(Text),
}

impl Slot {
    /// The value as it is rendered; `None`: not accepted.
    pub(crate) fn accept(&self, value: &str) -> Option<String> {
        match self {
            Self::Ipv4(scope) => scope.accept(value),
            Self::Integer(integer) => integer.accept(value),
            Self::Member(members) => members.accept(value),
            Self::Text(text) => text.accept(value),
        }
    }

    /// What it accepts, in words, for the administrator's log.
    pub(crate) fn rule(&self) -> String {
        match self {
            Self::Ipv4(scope) => scope.rule().to_owned(),
            Self::Integer(integer) => integer.rule(),
            Self::Member(members) => members.rule(),
            Self::Text(text) => text.rule(),
        }
    }

    /// All that decides what it accepts.
    pub(crate) fn digest(&self) -> Json {
        match self {
            Self::Ipv4(scope) => json!({"type": "ipv4", "scope": scope.word()}),
            Self::Integer(integer) => integer.digest(),
            Self::Member(members) => members.digest(),
            Self::Text(text) => text.digest(),
        }
    }
}
