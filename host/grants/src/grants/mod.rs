//! NAME.toml: what the administrator lets one plugin do. An operation or command that is not here does not exist.

// Which module, and which digests it may have.
mod module;
mod pin;
// What the plugin is told.
mod settings;
// Who may ask for what.
mod operation;
// Whose consent it needs.
mod step;
// What a command is, and its rendering.
mod command;
// What an administrator wrote of it.
mod commands;
// An argument with its slots.
mod template;
// What consent is bound to.
mod digest;

use std::collections::BTreeMap;
use std::time::Duration;

pub use command::{Command, RenderError, Rendered};
pub use operation::{Operation, Principal};
pub use pin::Unpinned;
pub use step::{Step, combine};

use crate::config::Config;
use crate::duration;
use crate::mistake::{Checked, Mistakes};
use crate::sheet::Sheet;
use crate::sheet::table::Table;
use crate::sheet::value::Value;
use crate::sheet::words::is_name;
use crate::slot::read::Settings;

/// A grants file.
#[derive(Debug, Clone)]
pub struct Grants {
    /// The plugin's name: the file's, less `.toml`.
    pub name: String,
    /// What mistakes call the file.
    pub file: String,
    /// The module that serves it: a file's own name, or `module`.
    pub module: String,
    /// Digests of the modules that it is for; empty: not pinned.
    pub sha256: Vec<[u8; 32]>,
    /// The text of a JSON object.
    pub settings: String,
    /// What is served, in the order of the file; at least one.
    pub operations: Vec<Operation>,
    /// What may be planned, by name.
    pub commands: BTreeMap<String, Command>,
}

impl Grants {
    /// Reads a grants file. `name` is the plugin's, `file` is what mistakes call the file.
    ///
    /// # Errors
    /// All mistakes, each with its line and what to write instead.
    pub fn parse(name: &str, file: &str, text: &str, config: &Config) -> Result<Checked<Self>, Mistakes> {
        let sheet = Sheet::new(file, text);
        if !is_name(name) {
            sheet.mistake(1, format!("{name:?} is no name of a plugin: call the file by letters, digits, - and _"));
        }
        let document = sheet.document();
        let grants = document
            .as_ref()
            .map(|document| read(name, Table::new(&sheet, format!("{name}.toml"), 1, document.get_ref()), config));
        drop(document);
        sheet.finish(grants)
    }

    /// What there is to say if nothing vouches for the module. This file cannot tell: a shipped module is vouched for beside
    /// it. `None`: `sha256` does.
    #[must_use]
    pub fn unpinned(&self) -> Option<Unpinned> {
        pin::unpinned(self)
    }

    /// A command by name.
    #[must_use]
    pub fn command(&self, name: &str) -> Option<&Command> {
        self.commands.get(name)
    }

    /// Canonical text of all that bears on this operation, for a digest that consent is bound to. The module's pins are not
    /// in it: what was approved is bound to the module itself.
    #[must_use]
    pub fn digest_text(&self, operation: &Operation) -> String {
        digest::text(self, operation)
    }
}

fn read(name: &str, mut table: Table<'_>, config: &Config) -> Grants {
    let pinned = table.take("sha256");
    let module = table.take("module");
    let settings = Settings(table.take("settings"));
    let operations = named(&mut table, "operations");
    let commands = named(&mut table, "commands");
    if operations.is_empty() {
        table.mistake("no operation is served: add [operations.NAME]");
    }
    let operations: Vec<_> = operations.iter().filter_map(|value| operation::read(value, config)).collect();
    let commands: Vec<_> = commands.iter().filter_map(|value| commands::read(value, &settings)).collect();
    served(&table, &operations);
    fitting(&table, &operations, &commands);
    let grants = Grants {
        name: name.to_owned(),
        file: table.sheet.file().to_owned(),
        module: module::name(name, module.as_ref()),
        sha256: pinned.as_ref().map(pin::read).unwrap_or_default(),
        settings: settings::json(settings.0.as_ref()),
        operations: operations.into_iter().map(|read| read.operation).collect(),
        commands: commands.into_iter().flat_map(|read| Some((read.name, read.command?))).collect(),
    };
    table.finish(&["rate", "engine", "keys", "mail", "plan", "approve_open"]);
    grants
}

fn named<'s>(table: &mut Table<'s>, key: &'static str) -> Vec<Value<'s>> {
    table.read(key, |value| value.table(format!("[{key}]"))).map(|mut table| table.names()).unwrap_or_default()
}

/// Each under a name of its own.
fn served(table: &Table<'_>, operations: &[operation::Read]) {
    let mut called = BTreeMap::new();
    for operation::Read { operation, called_line, .. } in operations {
        let Some(line) = called_line else { continue };
        if let Some(other) = called.insert(&operation.called, &operation.name) {
            let (name, called) = (&operation.name, &operation.called);
            let text = format!("{other} and {name} are both called {called}: write another as = \"…\"");
            table.sheet.mistake(*line, text);
        }
    }
}

/// The plugin may plan any command in any operation, so each must fit into the shortest that runs at once.
fn fitting(table: &Table<'_>, operations: &[operation::Read], commands: &[commands::Read]) {
    let immediate = operations.iter().filter(|read| read.operation.require_line.is_none());
    let Some((whole, shortest)) =
        immediate.filter_map(|read| Some((read.deadline?, &read.operation.name))).min_by_key(|(whole, _)| *whole)
    else {
        return;
    };
    for commands::Read { name, timeout, .. } in commands {
        if let Some((timeout, line)) = timeout
            && *timeout > whole
        {
            table.sheet.mistake(*line, unfit(name, *timeout, shortest, whole));
        }
    }
}

fn unfit(command: &str, timeout: Duration, operation: &str, whole: Duration) -> String {
    let (timeout, whole) = (duration::shown(timeout), duration::shown(whole));
    format!(
        "command {command}: its timeout of {timeout} does not fit into the {whole} of operation {operation}: \
         write a shorter timeout, or deadline = \"{timeout}\" or more in [operations.{operation}]"
    )
}
