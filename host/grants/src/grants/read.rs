//! A grants file as a whole, from its text.

use sha2::{Digest as _, Sha256};

use super::{Grants, beside, commands, module, operations, pin, run, settings};
use crate::config::Config;
use crate::engine;
use crate::mistake::{Checked, Mistakes};
use crate::sheet::Sheet;
use crate::sheet::table::Table;
use crate::sheet::value::Value;
use crate::sheet::words::is_name;
use crate::slot::read::Settings;

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
    let operations: Vec<_> = operations.iter().filter_map(|value| operations::read(value, config, &settings)).collect();
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
