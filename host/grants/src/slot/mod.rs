//! The types of a command's slots. A value is parsed into its type and written again from it: what is rendered has one
//! spelling, whatever the plugin or its client wrote.
//!
//! Values are hostile. A slot accepts what its type names and refuses all else; it never mends.

// What one value may be: a type.
mod kind;
// Addresses: `ipv4`, `ipv6`, `ip`.
mod address;
// Networks: `cidr`.
mod network;
// Which part of the world both are of.
mod scope;
// `hostname`.
mod hostname;
// `user` and `group`.
mod account;
// `unit`.
mod unit;
// `uuid`.
mod uuid;
// `path`.
mod path;
// `integer`.
mod integer;
// `one_of`.
mod member;
// `text`.
mod text;
// Lists that an administrator wrote of what a slot may be.
mod listed;
// Several values of one type: `list`.
mod list;
// An argument that is there or not: `flag`.
mod flag;
// A slot for people and forms.
mod param;
// A slot as TOML.
mod written;
// What an administrator wrote of a slot.
pub(crate) mod read;

use std::path::Path;
use std::sync::Arc;

use serde_json::Value as Json;

use flag::Flag;
use kind::{Kind, Wider};
use list::List;

pub use kind::Instead;
pub use param::Param;
pub use path::Below;

/// What a slot accepts, and where it is written.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    line: usize,
    /// Lines that were read and are not the file's, before its first.
    before: usize,
    shape: Shape,
}

/// How many values it takes.
#[derive(Debug, Clone)]
enum Shape {
    One(Arc<dyn Kind>),
    List(List),
    Flag(Flag),
}

/// The values of a slot, parsed and written again.
#[derive(Debug, Default)]
pub(crate) struct Filled {
    /// As they stand in the argument; in one of its own each, where the slot repeats.
    pub(crate) arguments: Vec<String>,
    /// As they were given: given again, they come to the same.
    pub(crate) values: Vec<String>,
}

/// Why values are none of a slot's.
#[derive(Debug)]
pub(crate) enum Unfilled {
    /// There is none.
    Missing,
    /// There are two, and it is no list.
    GivenTwice,
    /// Its type does not take them. With what to write if it should, less the slot's name.
    NotAccepted(Option<Wider>),
}

impl Slot {
    /// The values as they are rendered.
    pub(crate) fn fill(&self, given: &[&str]) -> Result<Filled, Unfilled> {
        match (&self.shape, given) {
            // An empty list is a value, and the caller's: too short, it is not accepted.
            (Shape::List(list), given) => match list.accept(given) {
                Some(values) => Ok(Filled { arguments: values.clone(), values }),
                None => Err(Unfilled::NotAccepted(list.wider(given))),
            },
            (Shape::Flag(_), []) => Ok(Filled::default()),
            (Shape::One(_), []) => Err(Unfilled::Missing),
            (Shape::One(kind), [value]) => match kind.accept(value) {
                Some(value) => Ok(Filled { arguments: vec![value.clone()], values: vec![value] }),
                None => Err(Unfilled::NotAccepted(kind.wider(value))),
            },
            (Shape::Flag(flag), [value]) => match Flag::accept(value) {
                Some(true) => Ok(Filled { arguments: vec![flag.argument().into()], values: vec!["true".into()] }),
                Some(false) => Ok(Filled::default()),
                None => Err(Unfilled::NotAccepted(None)),
            },
            (Shape::One(_) | Shape::Flag(_), _) => Err(Unfilled::GivenTwice),
        }
    }

    /// What it accepts, in words, for the administrator's log.
    pub(crate) fn rule(&self) -> String {
        match &self.shape {
            Shape::One(kind) => kind.rule(),
            Shape::List(list) => list.rule(),
            Shape::Flag(flag) => flag.rule(),
        }
    }

    /// All that decides what it accepts and what stands for it.
    pub(crate) fn digest(&self) -> Json {
        match &self.shape {
            Shape::One(kind) => kind.digest(),
            Shape::List(list) => list.digest(),
            Shape::Flag(flag) => flag.digest(),
        }
    }

    /// Where it is written in the grants file.
    pub(crate) fn line(&self) -> usize {
        self.line.saturating_sub(self.before)
    }

    /// The line by which it would take what it does not take, for the slot of this name.
    pub(crate) fn instead(&self, name: &str, wider: &Wider) -> Instead {
        let instead = wider.instead(name, self.line);
        Instead { line: instead.line.saturating_sub(self.before), ..instead }
    }

    pub(crate) fn move_up(&mut self, lines: usize) {
        self.before += lines;
    }

    /// Whether its argument is there as often as it has values, and not once.
    pub(crate) fn repeats(&self) -> bool {
        !matches!(self.shape, Shape::One(_))
    }

    /// Whether its argument can have no other text: all of it is the administrator's.
    pub(crate) fn stands_alone(&self) -> bool {
        matches!(self.shape, Shape::Flag(_))
    }

    /// The folder that each of its values is below, where they are paths.
    pub(crate) fn below(&self) -> Option<&Path> {
        self.kind().and_then(|kind| kind.below())
    }

    /// The type of each value.
    fn kind(&self) -> Option<&dyn Kind> {
        match &self.shape {
            Shape::One(kind) => Some(&**kind),
            Shape::List(list) => Some(list.of()),
            Shape::Flag(_) => None,
        }
    }
}
