//! A plugin as a table: its operations by name and what it wants to be granted. The [`plugin!`](crate::plugin!) macro
//! writes the table; the exports and the fake host read it, so that both run the same code.

use std::fmt::Write as _;

use crate::{Failure, Level, Operation, Plan, Refusal, Results, StepResult, Want, data, log};

/// The name of an operation that stands for every name which is not described by itself.
const ANY: &str = "*";

/// All that a plugin is. Made by [`plugin!`](crate::plugin!).
#[derive(Debug)]
pub struct Plugin {
    #[doc(hidden)]
    pub operations: &'static [Entry],
    #[doc(hidden)]
    pub wants: &'static [Want],
}

/// What `prepare` understood, as bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Prepared {
    pub(crate) summary: String,
    pub(crate) state: Vec<u8>,
}

/// One operation with its type erased.
#[derive(Debug)]
pub struct Entry {
    name: &'static str,
    summary: &'static str,
    schema: &'static str,
    authorises: bool,
    prepare: fn(&str, &str) -> Result<Prepared, Refusal>,
    authorise: fn(&[u8]) -> Result<String, Refusal>,
    finish: fn(&[u8], Results) -> Result<String, Failure>,
}

impl Entry {
    /// The operation `T` under this name.
    #[must_use]
    pub const fn of<T: Operation>(name: &'static str) -> Self {
        Self {
            name,
            summary: T::SUMMARY,
            schema: T::SCHEMA,
            authorises: T::AUTHORISE.is_some(),
            prepare: prepare::<T>,
            authorise: authorise::<T>,
            finish: finish::<T>,
        }
    }
}

fn prepare<T: Operation>(name: &str, text: &str) -> Result<Prepared, Refusal> {
    let operation = T::prepare(data::read(text)?, &mut Plan::of(name))?;
    Ok(Prepared { summary: operation.summary(), state: written(&operation).into_bytes() })
}

fn authorise<T: Operation>(state: &[u8]) -> Result<String, Refusal> {
    match T::AUTHORISE {
        Some(authorise) => Ok(written(&authorise(&kept::<T>(state))?)),
        None => Ok("[]".into()),
    }
}

fn finish<T: Operation>(state: &[u8], results: Results) -> Result<String, Failure> {
    Ok(written(&kept::<T>(state).finish(&results)?))
}

/// What cannot be written as JSON (a map whose keys are no strings) is a mistake in the plugin, and so a fault.
fn written(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|error| panic!("cannot be written as JSON: {error}"))
}

/// The state is this plugin's own, of the same module: the daemon sees to both.
fn kept<T: Operation>(state: &[u8]) -> T {
    serde_json::from_slice(state).unwrap_or_else(|error| panic!("the state does not read back: {error}"))
}

impl Plugin {
    fn find(&self, name: &str) -> Option<&Entry> {
        let called = |name: &str| self.operations.iter().find(|entry| entry.name == name);
        called(name).or_else(|| called(ANY))
    }

    /// The host asks for nothing that is not described; one that did would be mistaken.
    fn entry(&self, name: &str) -> &Entry {
        self.find(name).unwrap_or_else(|| panic!("there is no operation {name:?}: this plugin has {}", self.names()))
    }

    /// Whether it serves an operation of this name.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// The names that it describes, for messages.
    pub(crate) fn names(&self) -> String {
        self.operations.iter().map(|entry| entry.name).collect::<Vec<_>>().join(", ")
    }

    pub(crate) fn prepare(&self, name: &str, data: &str) -> Result<Prepared, Refusal> {
        (self.entry(name).prepare)(name, data)
    }

    pub(crate) fn authorise(&self, name: &str, state: &[u8]) -> Result<String, Refusal> {
        (self.entry(name).authorise)(state)
    }

    /// The reply, or the caller's error text.
    pub(crate) fn finish(&self, name: &str, state: &[u8], results: Vec<StepResult>) -> Result<String, String> {
        let results = Results::new(results);
        let succeeded = results.succeeded();
        (self.entry(name).finish)(state, results).or_else(|Failure { words, reason }| {
            if let Some(reason) = reason {
                log(Level::Error, format_args!("{reason}"));
            }
            match words {
                Some(words) => Err(words),
                None if succeeded => Err("Operation failed".into()),
                // The daemon knows better than we how the step failed, and says so in the code of its error.
                None => Ok("null".into()),
            }
        })
    }

    /// The description that the daemon reads: `describe` of `wit/operation.wit`.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut text = String::from("{\"operations\":[");
        for (index, entry) in self.operations.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let (name, summary, schema) = (written(&entry.name), written(&entry.summary), entry.schema);
            let uses = if entry.authorises { r#"["authorising","finishing"]"# } else { r#"["finishing"]"# };
            let _ = write!(text, r#"{comma}{{"name":{name},"summary":{summary},"schema":{schema},"uses":{uses}}}"#);
        }
        text.push_str("],\"wants\":[");
        for (index, want) in self.wants.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let (command, slots, reason) = (written(&want.command), written(&want.slots), written(&want.reason));
            let _ = write!(text, r#"{comma}{{"command":{command},"slots":{slots},"reason":{reason}}}"#);
        }
        text.push_str("]}");
        text
    }
}
