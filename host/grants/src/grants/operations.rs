//! `[operations.NAME]` as an administrator wrote it.

use std::time::Duration;

use toml::de::DeValue;

use super::commands::ParsedCommand;
use super::operation::{Operation, Principal};
use super::run;
use super::step::require;
use crate::DEADLINE_DEFAULT;
use crate::config::Config;
use crate::sheet::value::Value;
use crate::slot::read::Settings;

/// A held request waits so long for consent.
const HOLD_FOR: Duration = Duration::from_secs(15 * 60);

/// One that has it waits so long for its run.
const RUN_WITHIN: Duration = Duration::from_secs(5 * 60);

/// The Python client's, unless it is told otherwise.
const PATIENCE: Duration = Duration::from_secs(5);

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Parts of an operation that later versions read.
const LATER: [&str; 8] = ["rate", "when", "any", "keys", "plan", "approve_open", "groups", "limits"];

/// A summary is a line on a terminal, not a document.
const SUMMARY_MAX: usize = 500;

/// An operation, and what of it is judged beside others. `None` in a line or time: it is a mistake already.
pub(super) struct ParsedOperation {
    pub(super) operation: Operation,
    /// The command of an operation without code.
    pub(super) command: Option<ParsedCommand>,
    /// Where the name stands that callers use.
    pub(super) called_line: Option<usize>,
    /// How long it may take at once.
    pub(super) deadline: Option<Duration>,
}

pub(super) fn read(value: &Value<'_>, config: &Config, settings: &Settings<'_>) -> Option<ParsedOperation> {
    let named = value.named().is_some();
    let name = value.key.to_string();
    let mut table = value.table(format!("[operations.{}]", value.key))?;
    let called = match table.take("as") {
        Some(other) => other.name().map(|called| (called.to_owned(), other.line)),
        None => named.then(|| (name.clone(), value.line)),
    };
    let allowed = table.take("allow");
    let required = table.take("require");
    let deadline = table.take("deadline");
    let deadline = deadline.map_or(Some(None), |value| time(&value, required.is_none()).map(Some));
    let (run, command) = run::read(value, &mut table, settings).unzip();
    for key in ["module", "engine", "sha256"] {
        table.misplaced(key, format!("{key} is for the whole file: write it above the first table"));
    }
    let operation = Operation {
        called: called.as_ref().map_or_else(|| name.clone(), |(called, _)| called.clone()),
        name,
        summary: table.read("summary", summary),
        run,
        allow: allowed.as_ref().and_then(allow),
        require: required.as_ref().and_then(|value| require(value, config)).unwrap_or_default(),
        deadline: deadline.flatten(),
        show_plan: table.read("show_plan", Value::boolean).unwrap_or(false),
        hold_for: table.read("hold_for", hold_for).unwrap_or(HOLD_FOR),
        run_within: table.read("run_within", Value::seconds).unwrap_or(RUN_WITHIN),
        line: value.line,
        allow_line: allowed.map(|value| value.line),
        require_line: required.map(|value| value.line),
    };
    table.finish(&LATER);
    Some(ParsedOperation {
        operation,
        command,
        called_line: called.map(|(_, line)| line),
        deadline: deadline.map(|deadline| deadline.unwrap_or(DEADLINE_DEFAULT)),
    })
}

fn time(value: &Value<'_>, immediate: bool) -> Option<Duration> {
    let time = value.duration()?;
    if immediate && time > PATIENCE {
        let text = "clients of the Python package give up after 5 s of silence: write \"4500ms\" or less, or give them a socket_timeout";
        value.sheet.warning(value.line, format!("deadline: {text} that is longer"));
    }
    Some(time)
}

fn hold_for(value: &Value<'_>) -> Option<Duration> {
    let time = value.seconds()?;
    if time > DAY {
        let text = "who approves after more than a day has forgotten why it was asked: write \"24h\" or less";
        value.sheet.warning(value.line, format!("hold_for: {text}"));
    }
    Some(time)
}

fn summary(value: &Value<'_>) -> Option<String> {
    let text = value.text()?;
    let fits = !text.is_empty() && text.len() <= SUMMARY_MAX && !text.contains(char::is_control);
    if !fits {
        value.mistake(format!(
            "summary is one line for people: write 1 to {SUMMARY_MAX} bytes without control characters"
        ));
    }
    fits.then(|| text.to_owned())
}

fn allow(value: &Value<'_>) -> Option<Vec<Principal>> {
    let list = value.list_of_some("it would allow nobody: write { user = \"NAME\" }, or leave allow out")?;
    Some(Value::each(&list, principal))
}

fn principal(value: &Value<'_>) -> Option<Principal> {
    if !matches!(value.raw(), DeValue::Table(_)) {
        return value.expected("{ user = \"NAME\" }, a table");
    }
    let mut table = value.table("a rule of allow")?;
    let keys = ["user", "uid", "group", "gid"].map(|key| table.take(key));
    let principal = match &keys {
        [Some(user), None, None, None] => user.account().map(Principal::User),
        [None, Some(uid), None, None] => uid.id().map(Principal::Uid),
        [None, None, Some(group), None] => group.account().map(Principal::Group),
        [None, None, None, Some(gid)] => gid.id().map(Principal::Gid),
        _ => {
            let text =
                "a rule of allow has one of user, uid, group, gid: write { user = \"NAME\" }, and a rule for each";
            table.mistake(text);
            None
        }
    };
    table.finish(&["person", "team"]);
    principal
}
