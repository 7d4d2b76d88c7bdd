//! A slot for people and forms: what to send, in words and as JSON Schema.

use serde_json::Value as Json;

use super::flag::Flag;
use super::kind::Kind;
use super::{Shape, Slot};

/// A slot of a command, to be read.
#[derive(Debug, Clone, Copy)]
pub struct Param<'c>(pub(crate) &'c Slot);

impl Param<'_> {
    /// Its type, as the grants file has it. Texts of a list are `one_of`, however they are written.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match &self.0.shape {
            Shape::One(kind) => kind.word(),
            Shape::List(_) => "list",
            Shape::Flag(_) => "flag",
        }
    }

    /// What it accepts, in words.
    #[must_use]
    pub fn rule(&self) -> String {
        self.0.rule()
    }

    /// JSON Schema (2020-12) of what a caller sends. It is for forms: some values that it lets through are refused. A
    /// text's pattern is as the crate regex reads it, which in rare signs is not how ECMAScript does.
    #[must_use]
    pub fn schema(&self) -> Json {
        match &self.0.shape {
            Shape::One(kind) => kind.schema(),
            Shape::List(list) => list.schema(),
            Shape::Flag(_) => Flag::schema(),
        }
    }

    /// Whether it needs no value.
    #[must_use]
    pub fn optional(&self) -> bool {
        match &self.0.shape {
            Shape::One(_) => false,
            Shape::List(list) => list.may_be_empty(),
            Shape::Flag(_) => true,
        }
    }

    /// Where it is written in the grants file.
    #[must_use]
    pub fn line(&self) -> usize {
        self.0.line()
    }

    /// Whether it is a text whose pattern takes about anything: a grant as wide as a shell, if what runs is one.
    #[must_use]
    pub fn is_wide(&self) -> bool {
        self.0.kind().is_some_and(Kind::is_wide)
    }
}
