//! NAME.toml: what the administrator lets one plugin do. An operation or command that is not here does not exist.

// Which module, and which digests it may have.
mod module;
mod pin;
// What the plugin is told.
mod settings;
// Who may ask for what.
mod operation;
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

use std::collections::BTreeMap;

pub use command::{Command, RenderError, Rendered, Via};
pub use found::operation_at;
pub use operation::{Operation, Principal};
pub use pin::Unpinned;
pub use run::{ReplyForm, Run};
pub use step::{Step, combine};

use sha2::{Digest as _, Sha256};

use crate::config::Config;
use crate::engine::{self, Engine};
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
    /// Reads a grants file. `name` is the plugin's, `file` is what mistakes call the file.
    ///
    /// # Errors
    /// All mistakes, each with its line and what to write instead.
    pub fn parse(name: &str, file: &str, text: &str, config: &Config) -> Result<Checked<Self>, Mistakes> {
        let sheet = Sheet::new(file, text);
        if !is_name(name) {
            sheet.mistake(
                1,
                format!("{name:?} is no name of a plugin: call the file by letters, digits, - and _, not - first"),
            );
        }
        let document = sheet.document();
        let grants = document
            .as_ref()
            .map(|document| read(name, Table::new(&sheet, format!("{name}.toml"), 1, document.get_ref()), config));
        drop(document);
        let mut checked = sheet.finish(grants)?;
        checked.value.text = Sha256::digest(text.as_bytes()).into();
        Ok(checked)
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

    /// By the lines of a text that has so many less before its first: what was read was more than a file has.
    #[must_use]
    pub fn moved_up(mut self, lines: usize) -> Self {
        self.operations.iter_mut().for_each(|operation| operation.move_up(lines));
        self.commands.values_mut().for_each(|command| command.move_up(lines));
        self
    }

    /// The JSON Schema of what an operation without code is sent; `None`: it has code, which alone knows.
    #[must_use]
    pub fn schema(&self, operation: &Operation) -> Option<serde_json::Value> {
        run::schema(self, operation)
    }

    /// Canonical text of all that bears on this operation, for a digest that consent is bound to. The module's pins are not
    /// in it: what was approved is bound to the module itself. Nor is the engine: on either the module does the same.
    #[must_use]
    pub fn digest_text(&self, operation: &Operation) -> String {
        digest::text(self, operation)
    }
}

fn read(name: &str, mut table: Table<'_>, config: &Config) -> Grants {
    let pinned = table.take("sha256");
    let module = table.take("module");
    let engine = table.read("engine", engine::read);
    let settings = Settings(table.take("settings"));
    let operations = named(&mut table, "operations");
    let granted = named(&mut table, "commands");
    if operations.is_empty() {
        table.mistake("no operation is served: add [operations.NAME]");
    }
    let operations: Vec<_> = operations.iter().filter_map(|value| operation::read(value, config, &settings)).collect();
    let granted: Vec<_> = granted.iter().filter_map(|value| commands::read(value, &settings)).collect();
    let module = module::name(name, table.sheet, module.as_ref(), &operations);
    beside::named(table.sheet, &operations);
    beside::open(table.sheet, &operations, &granted);
    beside::unmixed(table.sheet, &operations, &granted);
    beside::fitting(table.sheet, &operations, &granted);
    let (operations, own): (Vec<_>, Vec<_>) = operations.into_iter().map(|read| (read.operation, read.command)).unzip();
    let commands = own.into_iter().flatten().chain(granted);
    let commands = commands.filter_map(|read| Some((read.name, read.command?))).collect();
    let handed = settings::json(settings.0.as_ref());
    let without_code = operations.iter().any(|operation| operation.run.is_some());
    let grants = Grants {
        name: name.to_owned(),
        file: table.sheet.file().to_owned(),
        text: [0; 32],
        module,
        engine,
        sha256: pinned.as_ref().map(pin::read).unwrap_or_default(),
        settings: if without_code { run::settings(&operations, &commands) } else { handed },
        operations,
        commands,
    };
    table.finish(&["rate", "keys", "mail", "plan", "approve_open"]);
    grants
}

fn named<'s>(table: &mut Table<'s>, key: &'static str) -> Vec<Value<'s>> {
    table.read(key, |value| value.table(format!("[{key}]"))).map(|mut table| table.names()).unwrap_or_default()
}
