//! An operation: who may ask it, whose consent it needs, how long it may take.

use std::time::Duration;

use crate::config::Config;
use crate::step::Step;
use crate::table::{Table, Value};
use crate::value::{check_name, duration, id};

/// A whole immediate operation, unless `deadline` says otherwise: the Python client gives up after 5 s of silence.
pub const DEADLINE_DEFAULT: Duration = Duration::from_millis(4_500);
/// How long consent is waited for.
const HOLD_FOR: Duration = Duration::from_secs(15 * 60);
/// How long after the consent it may begin.
const RUN_WITHIN: Duration = Duration::from_secs(5 * 60);

/// An operation that is served.
#[derive(Debug, Clone)]
pub struct Operation {
    /// The plugin's name of it.
    pub name: String,
    /// The callers' name of it.
    pub called: String,
    /// Who may ask; `None`: whoever knows the socket's secret.
    pub allow: Option<Vec<Principal>>,
    /// What consent it needs, in order.
    pub require: Vec<Step>,
    /// How long it may take; `None`: [`DEADLINE_DEFAULT`].
    pub deadline: Option<Duration>,
    /// Whether callers see whole command lines.
    pub show_plan: bool,
    /// How long consent is waited for.
    pub hold_for: Duration,
    /// How long after the consent it may begin.
    pub run_within: Duration,
    /// The line that it begins on.
    pub line: usize,
}

/// Whom a rule takes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// A user, by name or number.
    User(String),
    /// A user's number.
    Uid(u32),
    /// A group, by name or number.
    Group(String),
    /// A group's number.
    Gid(u32),
}

pub(crate) fn read(name: &str, value: Value<'_, '_>, config: &Config) -> Option<Operation> {
    check_name(name, &value);
    let table = value.table()?;
    let called = table.take("as").map_or(Some(name.to_owned()), |value| {
        let called = value.text()?;
        check_name(&called, &value).then_some(called)
    });
    let allow = allow(&table);
    let require = require(&table, config);
    let time = |key, default| table.take(key).map_or(Some(default), |value| duration(&value));
    let (hold_for, run_within) = (time("hold_for", HOLD_FOR), time("run_within", RUN_WITHIN));
    let deadline = table.take("deadline").map(|value| duration(&value));
    let show_plan = table.take("show_plan").is_some_and(|value| value.boolean().unwrap_or(false));
    table.later(&["rate", "run", "params", "stdin", "reply", "plan", "approve_open", "ends_host", "ok", "run_as", "timeout"]);
    table.finish();
    let line = table.notes.line(&table.span);
    Some(Operation {
        name: name.to_owned(),
        called: called?,
        allow: allow?,
        require: require?,
        deadline: deadline.map_or(Some(None), |deadline| deadline.map(Some))?,
        show_plan,
        hold_for: hold_for?,
        run_within: run_within?,
        line,
    })
}

fn allow(table: &Table<'_, '_>) -> Option<Option<Vec<Principal>>> {
    let Some(value) = table.take("allow") else {
        table.notes.warning(&table.span, format!("[{}] has no `allow`: whoever knows a socket's secret may ask", table.name));
        return Some(None);
    };
    let (notes, span, name) = (value.notes, value.span.clone(), value.name.clone());
    let list = value.list()?;
    if list.is_empty() {
        notes.mistake(&span, format!("`{name}` is empty, so nobody could ask: leave it out, or name who may"));
        return None;
    }
    let rules: Vec<_> = list.into_iter().map(principal).collect();
    rules.into_iter().collect::<Option<Vec<_>>>().map(Some)
}

fn principal(value: Value<'_, '_>) -> Option<Principal> {
    let table = value.table()?;
    let rules = [
        table.take("user").map(|value| crate::value::user_or_group(&value).map(Principal::User)),
        table.take("uid").map(|value| id(&value).map(Principal::Uid)),
        table.take("group").map(|value| crate::value::user_or_group(&value).map(Principal::Group)),
        table.take("gid").map(|value| id(&value).map(Principal::Gid)),
    ];
    table.finish();
    let mut rules = rules.into_iter().flatten();
    match (rules.next(), rules.next()) {
        (Some(rule), None) => rule,
        _ => {
            table.notes.mistake(&table.span, format!("`{}`: write one of user, uid, group, gid in each pair of braces", table.name));
            None
        }
    }
}

fn require(table: &Table<'_, '_>, config: &Config) -> Option<Vec<Step>> {
    let Some(value) = table.take("require") else { return Some(Vec::new()) };
    let (notes, span, name) = (value.notes, value.span.clone(), value.name.clone());
    let list = value.list()?;
    if list.is_empty() {
        notes.mistake(&span, format!("`{name}` is empty, which asks nobody: leave it out, or write a step"));
        return None;
    }
    let steps: Vec<_> = list.into_iter().map(|item| Step::read(item, config)).collect();
    steps.into_iter().collect()
}
