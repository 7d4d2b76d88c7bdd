//! NAME.toml: what the administrator lets one plugin do. An operation or command that is not here does not exist.

// Which module, and which digests it may have.
mod module;
mod pin;
// What the plugin is told.
mod settings;
// Who may ask for what.
mod operation;
// What an administrator wrote of it.
mod operations;
// What needs no code.
mod run;
// Whose consent it needs.
mod step;
// What a command is, and its rendering.
mod command;
// What an administrator wrote of it.
mod commands;
// An argument with its slots.
mod template;
// What is valid and dangerous.
mod danger;
// What they are beside each other.
mod beside;
// What consent is bound to.
mod digest;
// Where an operation stands, mistakes or not.
mod found;
// The file as a whole.
mod read;

use std::collections::BTreeMap;

pub use command::{Command, RenderError, Rendered, Via};
pub use found::operation_at;
pub use operation::{Operation, Principal, ReplyForm, Run};
pub use pin::Unpinned;
pub use step::{Step, StepError, combine};

use crate::engine::Engine;

/// A grants file.
#[derive(Debug, Clone)]
pub struct Grants {
    /// The plugin's name: the file's, less `.toml`.
    pub name: String,
    /// What mistakes call the file.
    pub file: String,
    /// SHA-256 of its text.
    pub text: [u8; 32],
    /// The module that serves it: a file's own name, or `module`.
    pub module: String,
    /// What runs it; `None`: what regent.toml says.
    pub engine: Option<Engine>,
    /// Digests of the modules that it is for; empty: not pinned.
    pub sha256: Vec<[u8; 32]>,
    /// What the module is told: the text of a JSON object. `[settings]`, or what operations without code are.
    pub settings: String,
    /// What is served, in the order of the file; at least one.
    pub operations: Vec<Operation>,
    /// What may be planned, by name.
    pub commands: BTreeMap<String, Command>,
}

impl Grants {
    /// A command by name.
    #[must_use]
    pub fn command(&self, name: &str) -> Option<&Command> {
        self.commands.get(name)
    }

    /// By the lines of a text that has so many less before its first: what was read was more than a file has.
    #[must_use]
    pub fn moved_up(mut self, lines: usize) -> Self {
        self.operations.iter_mut().for_each(|operation| operation.move_up(lines));
        self.commands.values_mut().for_each(|command| command.move_up(lines));
        self
    }
}
