//! `[commands.NAME]` as an administrator wrote it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::command::{Command, Via};
use super::danger;
use super::template::{Template, misplaced};
use crate::capability::Capabilities;
use crate::sheet::table::Table;
use crate::sheet::value::Value;
use crate::sheet::words::is_name;
use crate::slot::read::{Settings, slot};
use crate::slot::{Param, Slot};
use crate::{TIMEOUT_DEFAULT, nearest};

/// How much of a command's output is kept, at most and by default: a step's share of a plugin's memory.
const OUTPUT_MAX: i64 = 1 << 20;

const UMASK: u32 = 0o022;

/// Parts of a command that later versions read.
const LATER: [&str; 4] = ["require", "groups", "limits", "rate"];

/// A command as far as it could be read: a mistake in one part of it does not hide those of another.
pub(super) struct ParsedCommand {
    pub(super) name: String,
    pub(super) line: usize,
    /// With its line; `None`: it is a mistake already.
    pub(super) timeout: Option<(Duration, usize)>,
    pub(super) command: Option<Command>,
}

impl ParsedCommand {
    /// Whether it runs as whoever the daemon is, or as root.
    pub(super) fn is_root(&self) -> bool {
        let run_as = self.command.as_ref().map(|command| command.run_as.as_deref());
        matches!(run_as, Some(None | Some("root" | "0")))
    }
}

pub(super) fn read(value: &Value<'_>, settings: &Settings<'_>) -> Option<ParsedCommand> {
    value.named();
    let mut table = value.table(format!("[commands.{}]", value.key))?;
    let read = of(value, &mut table, settings);
    table.finish(&LATER);
    Some(read)
}

/// What `table` says of the command that `value` names: its own table, or that of an operation without code.
pub(super) fn of(value: &Value<'_>, table: &mut Table<'_>, settings: &Settings<'_>) -> ParsedCommand {
    let name = is_name(&value.key).then(|| value.key.to_string());
    let run = table.take("run");
    if run.is_none() {
        table.mistake(format!("{} has no run: write run = [\"/usr/bin/PROGRAM\", \"ARGUMENT\"]", table.title));
    }
    let params = table.read("params", |value| value.table("params")).map(|mut table| table.names()).unwrap_or_default();
    let line = run.as_ref().map_or(value.line, |run| run.line);
    let run = run.as_ref().and_then(run_of).unwrap_or_default();
    let slots = slots(&params, &run, |text| value.sheet.mistake(line, text), settings);
    if run.whole {
        danger::judge_run(value.sheet, line, &value.key, &run.arguments);
    }
    let timeout = table.take("timeout");
    let timeout = match &timeout {
        Some(timeout) => timeout.duration().map(|time| (time, timeout.line)),
        None => Some((TIMEOUT_DEFAULT, value.line)),
    };
    let command = Command {
        name: String::new(),
        program: PathBuf::new(),
        timeout: timeout.map_or(TIMEOUT_DEFAULT, |(time, _)| time),
        run_as: table.read("run_as", Value::account_or_id),
        ok: table.read("ok", statuses).unwrap_or_else(|| vec![0]),
        env: table.read("env", environment).unwrap_or_default(),
        cwd: table.read("cwd", folder),
        umask: table.read("umask", |value| value.mode("umask = \"0022\"")).unwrap_or(UMASK),
        output_max: table.read("output_max", |value| value.number(1, OUTPUT_MAX)).unwrap_or(1 << 20),
        stdin_data: table.read("stdin", stdin).unwrap_or(false),
        leave_children: table.read("leave_children", Value::boolean).unwrap_or(false),
        ends_host: table.read("ends_host", Value::boolean).unwrap_or(false),
        capabilities: table.read("capabilities", capabilities),
        setuid: table.read("setuid", Value::boolean).unwrap_or(false),
        via: None,
        line: value.line,
        arguments: run.arguments,
        slots,
    };
    let command = Command { via: table.read("via", |value| via(value, &command)), ..command };
    let command = name.zip(run.program).map(|(name, program)| Command { name, program, ..command });
    ParsedCommand { name: value.key.to_string(), line: value.line, timeout, command }
}

/// `run` as far as it could be read.
#[derive(Default)]
struct RunTemplate {
    program: Option<PathBuf>,
    arguments: Vec<Template>,
    /// Whether `arguments` are all of them.
    whole: bool,
}

fn run_of(run: &Value<'_>) -> Option<RunTemplate> {
    let list = run.list_of_some("nothing would run: write the program's absolute path and its arguments")?;
    let template = |item: &Value<'_>| {
        let said = |error| item.mistake(format!("run: {error}"));
        Template::parse(item.text()?).map_err(said).ok()
    };
    let templates: Vec<_> = list.iter().map(template).collect();
    let program = list.first().zip(templates.first()).and_then(|(item, first)| program(item, first.as_ref()?));
    let whole = templates.iter().all(Option::is_some);
    Some(RunTemplate { program, arguments: templates.into_iter().flatten().collect(), whole })
}

fn program(item: &Value<'_>, template: &Template) -> Option<PathBuf> {
    let Some(fixed) = template.fixed() else {
        item.mistake("run: the program cannot have a slot: write its absolute path");
        return None;
    };
    let path = item.file_path()?;
    // What is run is what is shown: the first argument is the program's path, letter by letter.
    if path.as_os_str() != fixed {
        item.mistake(format!("run: write the program's path plainly: {:?}", path.display().to_string()));
        return None;
    }
    Some(path)
}

/// The slots in the order of `run`. Each needs a type, and a type without a slot is a slip of the pen: unless its slot
/// may be in an argument that could not be read.
fn slots(
    params: &[Value<'_>],
    run: &RunTemplate,
    mistake: impl Fn(String),
    settings: &Settings<'_>,
) -> Vec<(String, Slot)> {
    let mut typed: BTreeMap<&str, Option<Slot>> = BTreeMap::new();
    for value in params {
        if let Some(name) = value.named() {
            let slot = slot(value, settings);
            if slot.as_ref().is_some_and(|slot| Param(slot).is_wide()) {
                danger::judge_wide(value);
            }
            if let Some(why) = slot.as_ref().and_then(|slot| misplaced(&run.arguments, name, slot)) {
                value.mistake(why);
            }
            typed.insert(name, slot);
        }
    }
    let mut used: Vec<&str> = Vec::new();
    for name in run.arguments.iter().flat_map(Template::slots) {
        if !used.contains(&name) {
            used.push(name);
        }
    }
    for name in used.iter().filter(|name| !typed.contains_key(*name)) {
        mistake(untyped(name, typed.keys().copied()));
    }
    for value in params.iter().filter(|value| run.whole && !used.contains(&value.key.as_ref())) {
        value.mistake(format!("params.{0} is in no argument of run: write {{{0}}} there, or take it out", value.key));
    }
    used.into_iter().filter_map(|name| Some((name.to_owned(), typed.remove(name).flatten()?))).collect()
}

fn untyped<'a>(name: &str, typed: impl Iterator<Item = &'a str>) -> String {
    let add = format!("run: slot {name} has no type: add params.{name} = {{ type = \"…\" }}");
    match nearest::nearest(name, typed) {
        Some(near) => format!("{add}, or did you mean {{{near}}}?"),
        None => add,
    }
}

fn stdin(value: &Value<'_>) -> Option<bool> {
    match value.text()? {
        "data" => Some(true),
        "none" => Some(false),
        other => {
            value.mistake(format!("no stdin is called {other:?}: write \"data\", the request's data, or \"none\""));
            None
        }
    }
}

fn via(value: &Value<'_>, command: &Command) -> Option<Via> {
    let word = value.text()?;
    if word != Via::Systemd.word() {
        value.mistake(format!("nothing runs a command via {word:?}: write via = \"systemd\", or take it out"));
        return None;
    }
    if command.leave_children {
        let text =
            "via = \"systemd\": a transient unit ends with its command, and leave_children would not: take one out";
        value.mistake(text.to_owned());
    }
    if !command.env.is_empty() {
        let text = "via = \"systemd\": every user of this machine can read the values of env while it runs (systemctl show): take \
                    secrets out, and write them into a file";
        value.sheet.warning(value.line, text);
    }
    Some(Via::Systemd)
}

fn statuses(value: &Value<'_>) -> Option<Vec<i32>> {
    let list = value.list_of_some("nothing would be success: write ok = [0]")?;
    Some(Value::each(&list, |item| item.number(0, 255)))
}

fn folder(value: &Value<'_>) -> Option<PathBuf> {
    let path = value.path()?;
    danger::judge_folder(value, &path);
    Some(path)
}

fn capabilities(value: &Value<'_>) -> Option<Capabilities> {
    let one = |value: &Value<'_>| {
        let name = value.text()?;
        let known = Capabilities::named(name);
        if known.is_none() {
            let instead = Capabilities::nearest(name)
                .map_or_else(|| "a name that it has, such as \"cap_net_admin\"".to_owned(), |near| format!("{near:?}"));
            value.mistake(format!("capabilities: capabilities(7) knows no {name:?}: write {instead}"));
        }
        known
    };
    Some(Value::each(&value.list()?, one).into_iter().fold(Capabilities::default(), Capabilities::and))
}

fn environment(value: &Value<'_>) -> Option<BTreeMap<String, String>> {
    let mut environment = BTreeMap::new();
    for value in value.table("env")?.names() {
        let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let begins = value.key.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_');
        if !begins || !value.key.bytes().all(letter) {
            value.mistake(format!("env: {:?} is no name of a variable: write letters, digits and _", value.key));
        }
        danger::judge_variable(&value);
        let Some(text) = value.text() else { continue };
        if text.contains('\0') {
            value.mistake(format!("env: {} holds a NUL: take it out", value.key));
        }
        environment.insert(value.key.to_string(), text.to_owned());
    }
    Some(environment)
}
