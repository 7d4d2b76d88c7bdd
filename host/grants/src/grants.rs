//! A grants file: what one plugin may do, and for whom.

use std::collections::BTreeMap;

use crate::command::{self, Command};
use crate::config::Config;
use crate::mistake::{Checked, Mistakes, Notes};
use crate::operation::{self, DEADLINE_DEFAULT, Operation};
use crate::table::{Table, Value, document};

/// A grants file.
#[derive(Debug, Clone)]
pub struct Grants {
    /// Its name without the ending, and so the module's.
    pub name: String,
    /// SHA-256 of the modules that it is for; empty: whichever is there.
    pub sha256: Vec<[u8; 32]>,
    /// `[settings]`, as one JSON object.
    pub settings: String,
    /// The operations that are served.
    pub operations: Vec<Operation>,
    /// The commands that are granted, by name.
    pub commands: BTreeMap<String, Command>,
}

impl Grants {
    /// Reads a grants file.
    ///
    /// # Errors
    /// All mistakes.
    pub fn parse(name: &str, file: &str, text: &str, config: &Config) -> Result<Checked<Self>, Mistakes> {
        let notes = Notes::new(file, text);
        let value = document(&notes, text).and_then(|table| grants(name, &table, config));
        notes.finish(value)
    }

    /// A granted command.
    #[must_use]
    pub fn command(&self, name: &str) -> Option<&Command> {
        self.commands.get(name)
    }

    /// Everything of this file that bears on an operation, in one order: what a consent is bound to. The pins are not in it,
    /// for a consent is bound to the module itself.
    #[must_use]
    pub fn digest_text(&self, operation: &Operation) -> String {
        let commands: Vec<serde_json::Value> = self.commands.values().map(Command::describe).collect();
        let text = serde_json::json!({
            "file": self.name,
            "settings": self.settings,
            "operation": {
                "name": operation.name,
                "called": operation.called,
                "allow": format!("{:?}", operation.allow),
                "require": format!("{:?}", operation.require),
                "deadline": operation.deadline.map(|deadline| deadline.as_millis().to_string()),
                "show_plan": operation.show_plan,
                "hold_for": operation.hold_for.as_secs(),
                "run_within": operation.run_within.as_secs(),
            },
            "commands": commands,
        });
        text.to_string()
    }
}

fn grants(name: &str, file: &Table<'_, '_>, config: &Config) -> Option<Grants> {
    file.later(&["module", "engine", "unstable"]);
    let pins = file.take("sha256");
    let pinned = pins.is_some();
    let sha256 = pins.map_or(Some(Vec::new()), pins_of);
    let settings = match file.take("settings") {
        Some(value) => value.json().filter(serde_json::Value::is_object),
        None => Some(serde_json::json!({})),
    };
    // Commands are read even where the settings were wrong, so that all mistakes are said.
    let known = settings.clone().unwrap_or_default();
    let commands = commands(file, &known);
    let operations = operations(file, config);
    file.finish();
    let (operations, commands) = (operations?, commands?);
    if !pinned {
        consent_without_pin(file, &operations);
    }
    fits_in_time(file, &operations, &commands);
    Some(Grants { name: name.to_owned(), sha256: sha256?, settings: settings?.to_string(), operations, commands })
}

fn pins_of(value: Value<'_, '_>) -> Option<Vec<[u8; 32]>> {
    let texts = if value.as_text().is_some() { vec![value] } else { value.list()? };
    let pins: Vec<_> = texts.iter().map(pin).collect();
    let pins: Option<Vec<_>> = pins.into_iter().collect();
    if let (Some([]), Some(first)) = (pins.as_deref(), texts.first()) {
        first.mistake("is empty");
    }
    pins
}

fn pin(value: &Value<'_, '_>) -> Option<[u8; 32]> {
    let text = value.text()?;
    let mut bytes = [0; 32];
    let digits: Vec<u32> = text.chars().map_while(|c| c.to_digit(16)).collect();
    if digits.len() != 64 || text.len() != 64 {
        value.mistake("is no SHA-256: write the 64 digits that `sha256sum` prints");
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
        *byte = pair.iter().fold(0, |byte, digit| byte << 4 | u8::try_from(*digit).unwrap_or(0));
    }
    Some(bytes)
}

fn commands(file: &Table<'_, '_>, settings: &serde_json::Value) -> Option<BTreeMap<String, Command>> {
    let members = file.take("commands").map(Value::members).unwrap_or_default();
    let count = members.len();
    let read: BTreeMap<String, Command> = members
        .into_iter()
        .filter_map(|(name, value)| command::read(&name, value, settings).map(|command| (name, command)))
        .collect();
    (read.len() == count).then_some(read)
}

fn operations(file: &Table<'_, '_>, config: &Config) -> Option<Vec<Operation>> {
    let members = file.need("operations", "…: begin one with [operations.NAME]")?.members();
    let count = members.len();
    let read: Vec<Operation> =
        members.into_iter().filter_map(|(name, value)| operation::read(&name, value, config)).collect();
    for (at, operation) in read.iter().enumerate() {
        if read.iter().take(at).any(|other| other.called == operation.called) {
            file.notes.mistake(&file.span, format!("two operations are called {}: give one another name with `as`", operation.called));
        }
    }
    (read.len() == count && count > 0).then_some(read)
}

fn consent_without_pin(file: &Table<'_, '_>, operations: &[Operation]) {
    let held: Vec<&str> =
        operations.iter().filter(|operation| !operation.require.is_empty()).map(|operation| operation.name.as_str()).collect();
    if held.is_empty() {
        file.notes.warning(&(0..0), "no `sha256`: whoever can replace the module decides what these grants are used for");
    } else {
        let text = format!("{} needs consent, and consent is bound to a module: add sha256 = \"…\" (`sha256sum` prints it)", held.join(", "));
        file.notes.mistake(&(0..0), text);
    }
}

/// A command that cannot end within its operation's time is a slip. Which operation uses which command only the plugin knows,
/// so the longest counts.
fn fits_in_time(file: &Table<'_, '_>, operations: &[Operation], commands: &BTreeMap<String, Command>) {
    let immediate = operations.iter().filter(|operation| operation.require.is_empty());
    let Some(longest) = immediate.map(|operation| operation.deadline.unwrap_or(DEADLINE_DEFAULT)).max() else { return };
    for command in commands.values().filter(|command| command.timeout > longest) {
        let text = format!(
            "[commands.{}] may take {} s, and no operation that runs at once has so long: write a shorter timeout, or deadline = \"{}s\" into its [operations.…]",
            command.name,
            command.timeout.as_secs_f64(),
            command.timeout.as_secs() + 1,
        );
        file.notes.mistake(&(0..0), text);
    }
}
