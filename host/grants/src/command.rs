//! A granted command: a program, an argument list with slots, and how it runs. No shell, ever.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use crate::slot::{self, Slot};
use crate::table::{Table, Value};
use crate::template::{self, Part};
use crate::value::{check_name, duration, mode, path, user_or_group};

/// A command's time, unless `timeout` says otherwise.
pub const TIMEOUT_DEFAULT: Duration = Duration::from_secs(3);
/// Bytes that are kept of each output, unless `output_max` says fewer.
pub const OUTPUT_MAX: usize = 1 << 20;
/// What a program makes is not for others to write.
const UMASK: u32 = 0o022;

/// A command.
#[derive(Debug, Clone)]
pub struct Command {
    /// Its name.
    pub name: String,
    /// The program.
    pub program: PathBuf,
    /// How long it may take.
    pub timeout: Duration,
    /// Whom it runs as, by name or number; `None`: as the daemon does.
    pub run_as: Option<String>,
    /// The exit statuses that mean success.
    pub ok: Vec<i32>,
    /// What its environment has besides the usual.
    pub env: BTreeMap<String, String>,
    /// Where it runs; `None`: in `/`.
    pub cwd: Option<PathBuf>,
    /// Its umask.
    pub umask: u32,
    /// Bytes that are kept of each of its outputs.
    pub output_max: usize,
    /// The line that it begins on.
    pub line: usize,
    arguments: Vec<Vec<Part>>,
    slots: BTreeMap<String, Slot>,
}

/// An argument list with every slot filled from what its type parsed.
///
/// Having one tells you that each value was taken by its slot's type and written anew, and that no argument became an option
/// that the administrator did not write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    argv: Vec<String>,
    values: Vec<(String, String)>,
}

impl Rendered {
    /// The argument list, the program first.
    #[must_use]
    pub fn argv(&self) -> &[String] {
        &self.argv
    }

    /// Slots and their values as they were written anew, by name.
    #[must_use]
    pub fn values(&self) -> &[(String, String)] {
        &self.values
    }
}

/// Why a command was not rendered, by blame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RenderError {
    /// The plugin's: there is no such slot.
    UnknownSlot(String),
    /// The plugin's: a slot was given no value.
    MissingSlot(String),
    /// The plugin's: a slot was given two.
    GivenTwice(String),
    /// The caller's: the slot's type did not take the value.
    NotAccepted {
        /// The slot.
        slot: String,
        /// The rule, for the log.
        rule: String,
    },
}

impl Command {
    /// Fills the slots.
    ///
    /// # Errors
    /// [`RenderError`].
    pub fn render(&self, values: &[(String, String)]) -> Result<Rendered, RenderError> {
        let mut taken: BTreeMap<&str, String> = BTreeMap::new();
        for (name, text) in values {
            let slot = self.slots.get(name).ok_or_else(|| RenderError::UnknownSlot(name.clone()))?;
            let value = slot.take(text).map_err(|rule| RenderError::NotAccepted { slot: name.clone(), rule })?;
            if taken.insert(name, value).is_some() {
                return Err(RenderError::GivenTwice(name.clone()));
            }
        }
        if let Some(missing) = self.slots.keys().find(|name| !taken.contains_key(name.as_str())) {
            return Err(RenderError::MissingSlot(missing.clone()));
        }
        let argv = self.arguments.iter().map(|parts| self.argument(parts, &taken)).collect::<Result<_, _>>()?;
        let values = taken.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Ok(Rendered { argv, values })
    }

    fn argument(&self, parts: &[Part], taken: &BTreeMap<&str, String>) -> Result<String, RenderError> {
        let mut argument = String::new();
        for part in parts {
            match part {
                Part::Text(text) => argument.push_str(text),
                Part::Slot(name) => {
                    let value = taken.get(name.as_str()).ok_or_else(|| RenderError::MissingSlot(name.clone()))?;
                    let leads = argument.is_empty() && value.starts_with('-');
                    if leads && !self.slots.get(name).is_some_and(Slot::may_lead) {
                        let rule = "begins with -".into();
                        return Err(RenderError::NotAccepted { slot: name.clone(), rule });
                    }
                    argument.push_str(value);
                }
            }
        }
        Ok(argument)
    }

    /// For the digest of the grants: everything, in one order.
    pub(crate) fn describe(&self) -> serde_json::Value {
        let slots: BTreeMap<&String, String> = self.slots.iter().map(|(name, slot)| (name, slot.describe())).collect();
        let arguments: Vec<String> = self.arguments.iter().map(|parts| format!("{parts:?}")).collect();
        serde_json::json!({
            "name": self.name,
            "program": self.program,
            "arguments": arguments,
            "slots": slots,
            "timeout": self.timeout.as_millis().to_string(),
            "run_as": self.run_as,
            "ok": self.ok,
            "env": self.env,
            "cwd": self.cwd,
            "umask": self.umask,
            "output_max": self.output_max,
        })
    }
}

/// Reads `[commands.NAME]`.
pub(crate) fn read(name: &str, value: Value<'_, '_>, settings: &serde_json::Value) -> Option<Command> {
    check_name(name, &value);
    let table = value.table()?;
    let run = table.need("run", "[\"/usr/bin/program\", \"argument\"]").and_then(arguments);
    let slots = slots(&table, settings);
    let timeout = table.take("timeout").map_or(Some(TIMEOUT_DEFAULT), |value| duration(&value));
    let run_as = table.take("run_as").map(|value| user_or_group(&value));
    let ok = table.take("ok").map_or(Some(vec![0]), statuses);
    let env = env(&table);
    let cwd = table.take("cwd").map(|value| path(&value));
    let umask = table.take("umask").map_or(Some(UMASK), |value| mode(&value));
    let output_max = table.take("output_max").map_or(Some(OUTPUT_MAX), |value| output(&value));
    table.later(&["stdin", "reply", "require", "groups", "limits", "leave_children", "ends_host", "via"]);
    table.finish();
    let (program, arguments) = run?;
    let slots = slots?;
    matched(&table, &arguments, &slots);
    let line = table.notes.line(&table.span);
    let (timeout, ok, umask, output_max, env) = (timeout?, ok?, umask?, output_max?, env?);
    let name = name.to_owned();
    let (run_as, cwd) = (run_as.map_or(Some(None), |user| user.map(Some))?, cwd.map_or(Some(None), |path| path.map(Some))?);
    Some(Command { name, program, timeout, run_as, ok, env, cwd, umask, output_max, line, arguments, slots })
}

fn arguments(value: Value<'_, '_>) -> Option<(PathBuf, Vec<Vec<Part>>)> {
    let (notes, span, name) = (value.notes, value.span.clone(), value.name.clone());
    let texts = value.texts()?;
    let first = texts.first()?;
    if !first.starts_with('/') || first.contains(['{', '}']) || first.split('/').any(|part| part == "..") {
        notes.mistake(&span, format!("`{name}` begins with \"{first}\": write the program's absolute path, without slots"));
        return None;
    }
    let mut parsed = Vec::new();
    for text in &texts {
        match template::read(text) {
            Ok(_) if text.contains('\0') => notes.mistake(&span, format!("`{name}` has a null character")),
            Ok(parts) => parsed.push(parts),
            Err(why) => notes.mistake(&span, format!("`{name}`: {why}")),
        }
    }
    (parsed.len() == texts.len()).then(|| (first.into(), parsed))
}

fn slots(table: &Table<'_, '_>, settings: &serde_json::Value) -> Option<BTreeMap<String, Slot>> {
    let mut slots = BTreeMap::new();
    let mut whole = true;
    for (name, value) in table.take("params").map(Value::members).unwrap_or_default() {
        whole &= check_name(&name, &value);
        match slot::read(value, settings) {
            Some(slot) => drop(slots.insert(name, slot)),
            None => whole = false,
        }
    }
    whole.then_some(slots)
}

/// Every slot has a type, and every type a slot.
fn matched(table: &Table<'_, '_>, arguments: &[Vec<Part>], slots: &BTreeMap<String, Slot>) {
    let used: BTreeSet<&str> = arguments
        .iter()
        .flatten()
        .filter_map(|part| match part {
            Part::Slot(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
        .collect();
    for name in used.iter().filter(|name| !slots.contains_key(**name)) {
        table.notes.mistake(&table.span, format!("`{}`: the slot {{{name}}} has no type: add params.{name} = {{ type = … }}", table.name));
    }
    for name in slots.keys().filter(|name| !used.contains(name.as_str())) {
        table.notes.mistake(&table.span, format!("`{}`: params.{name} stands nowhere in `run`: write {{{name}}} there, or leave it out", table.name));
    }
}

fn statuses(value: Value<'_, '_>) -> Option<Vec<i32>> {
    let (notes, span, name) = (value.notes, value.span.clone(), value.name.clone());
    let list = value.list()?;
    let read: Option<Vec<i32>> = list
        .iter()
        .map(|item| item.integer().and_then(|status| i32::try_from(status).ok()).filter(|status| (0..=255).contains(status)))
        .collect();
    if read.as_ref().is_none_or(Vec::is_empty) {
        notes.mistake(&span, format!("`{name}`: write exit statuses from 0 to 255, such as [0]"));
        return None;
    }
    read
}

fn env(table: &Table<'_, '_>) -> Option<BTreeMap<String, String>> {
    let mut env = BTreeMap::new();
    let mut whole = true;
    for (name, value) in table.take("env").map(Value::members).unwrap_or_default() {
        let fits = !name.is_empty() && !name.contains(['=', '\0']);
        match value.text().filter(|text| fits && !text.contains('\0')) {
            Some(text) => drop(env.insert(name, text)),
            None => {
                value.mistake("is no variable: write NAME = \"value\"");
                whole = false;
            }
        }
    }
    whole.then_some(env)
}

fn output(value: &Value<'_, '_>) -> Option<usize> {
    let bytes = usize::try_from(value.integer()?).ok().filter(|bytes| (1..=OUTPUT_MAX).contains(bytes));
    if bytes.is_none() {
        value.mistake(format!("must be 1 to {OUTPUT_MAX} bytes"));
    }
    bytes
}
