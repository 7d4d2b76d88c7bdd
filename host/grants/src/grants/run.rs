//! `run` in an operation: no code. The shipped module `commands` serves it, and plans the one command that is called as
//! the operation is.
//!
//! What that module is told of its operations stands here. It is trusted no more than any plugin: the daemon fills the
//! slots.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::commands::{self, ParsedCommand};
use super::{Command, Grants, Operation, ReplyForm, Run};
use crate::sheet::table::Table;
use crate::sheet::value::Value;
use crate::slot::read::Settings;

/// The shipped module that serves operations without code.
pub(super) const MODULE: &str = "commands";

/// What belongs beside `run`; all but the last may stand in `[commands.NAME]` too.
const BESIDE: [&str; 15] = [
    "params",
    "timeout",
    "run_as",
    "ok",
    "env",
    "cwd",
    "umask",
    "output_max",
    "stdin",
    "leave_children",
    "ends_host",
    "capabilities",
    "setuid",
    "via",
    REPLY,
];

const REPLY: &str = "reply";

/// `run` of the operation that `value` names, and all that stands beside it.
pub(super) fn read(value: &Value<'_>, table: &mut Table<'_>, settings: &Settings<'_>) -> Option<(Run, ParsedCommand)> {
    if table.has_any(&["run"]) {
        let reply = table.read(REPLY, reply).unwrap_or(ReplyForm::Text);
        return Some((Run { reply }, commands::of(value, table, settings)));
    }
    // So that who mistypes it is told.
    let _not_there = table.take("run");
    for key in BESIDE {
        let or = if key == REPLY { "take it out" } else { "write it in [commands.NAME]" };
        table.misplaced(key, format!("{key} belongs beside run: add run = [\"/usr/bin/PROGRAM\"], or {or}"));
    }
    None
}

fn reply(value: &Value<'_>) -> Option<ReplyForm> {
    let word = value.text()?;
    let form = [ReplyForm::Text, ReplyForm::Json, ReplyForm::None].into_iter().find(|form| form.word() == word);
    if form.is_none() {
        value.mistake(format!("no reply is called {word:?}: write \"text\", \"json\" or \"none\""));
    }
    form
}

/// What the module `commands` is told instead of `[settings]`: a JSON object's text.
pub(super) fn settings(operations: &[Operation], commands: &BTreeMap<String, Command>) -> String {
    let told = |operation: &Operation| {
        let (run, command) = (operation.run.as_ref()?, commands.get(&operation.name)?);
        let params: Map<_, _> = command.params().map(|(name, param)| (name.to_owned(), param.kind().into())).collect();
        let mut told = json!({"stdin": command.stdin_data, "reply": run.reply.word(), "params": params});
        if let (Some(summary), Some(told)) = (&operation.summary, told.as_object_mut()) {
            told.insert("summary".into(), summary.as_str().into());
        }
        Some((operation.name.clone(), told))
    };
    let operations: Map<_, _> = operations.iter().filter_map(told).collect();
    json!({ "operations": operations }).to_string()
}

impl Grants {
    /// The JSON Schema of what an operation without code is sent; `None`: it has code, which alone knows.
    #[must_use]
    pub fn schema(&self, operation: &Operation) -> Option<Json> {
        operation.run.as_ref()?;
        let command = self.command(&operation.name)?;
        let properties: Map<_, _> = command.params().map(|(name, param)| (name.to_owned(), param.schema())).collect();
        let required: Vec<_> = command.params().filter(|(_, param)| !param.optional()).map(|(name, _)| name).collect();
        Some(json!({
            "type": "object",
            "properties": properties,
            "required": required,
            // What reads the whole data may know more of it than its slots are.
            "additionalProperties": command.stdin_data,
        }))
    }
}
