//! Persons and teams. They share one space of names, since a step's `of` may name either.

use std::collections::BTreeMap;

use toml::de::DeValue;

use super::top_level::{misplaced, nowhere};
use crate::nearest;
use crate::sheet::table::Table;
use crate::sheet::value::Value;

/// A person: one system user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The name, or the number as digits.
    pub user: String,
    /// Whether this person sees and may deny all that is held.
    pub admin: bool,
}

/// Both, and where each stands.
#[derive(Debug, Default)]
pub(super) struct People {
    pub(super) people: BTreeMap<String, Person>,
    pub(super) teams: BTreeMap<String, Vec<String>>,
    pub(super) lines: BTreeMap<String, usize>,
}

pub(super) fn read(root: &mut Table<'_>) -> People {
    let People { mut people, mut teams, mut lines } = People::default();
    let mut persons = root.read("people", |value| value.table("[people]"));
    for value in persons.as_mut().map(named_by_tables).unwrap_or_default() {
        if let Some((name, person)) = person(&value) {
            if let Some((other, _)) = people.iter().find(|(_, other)| other.user == person.user) {
                value.mistake(format!("{name} and {other} are one user, and so one person: keep one"));
            }
            lines.insert(name.clone(), value.line);
            people.insert(name, person);
        }
    }
    let mut listed = root.read("teams", |value| value.table("[teams]"));
    for value in listed.as_mut().map(named_by_lists).unwrap_or_default() {
        if let Some((name, team)) = team(&value, &people) {
            lines.insert(name.clone(), value.line);
            teams.insert(name, team);
        }
    }
    People { people, teams, lines }
}

fn named_by_tables<'s>(table: &mut Table<'s>) -> Vec<Value<'s>> {
    misplaced(table, |value| matches!(value.raw(), DeValue::Table(_)));
    table.names()
}

/// Folders are a list too, and none of persons.
fn named_by_lists<'s>(table: &mut Table<'s>) -> Vec<Value<'s>> {
    let path = |item: &DeValue<'_>| matches!(item, DeValue::String(text) if text.starts_with('/'));
    misplaced(
        table,
        |value| matches!(value.raw(), DeValue::Array(list) if !list.iter().any(|item| path(item.get_ref()))),
    );
    table.names()
}

fn person(value: &Value<'_>) -> Option<(String, Person)> {
    let name = value.named();
    let title = format!("[people.{}]", value.key);
    let mut table = value.table(title)?;
    let user = table.need("user", &format!("user = \"{}\"", value.key), Value::account_or_id);
    let admin = table.read("admin", Value::boolean).unwrap_or(false);
    misplaced(&mut table, nowhere);
    table.finish(&["keys", "mail", "totp"]);
    // A person with another mistake stays a person, so that teams that name it are not called wrong as well.
    Some((name?.to_owned(), Person { user: user.unwrap_or_else(|| format!("?{}", value.key)), admin }))
}

fn team(value: &Value<'_>, people: &BTreeMap<String, Person>) -> Option<(String, Vec<String>)> {
    let name = value.named()?;
    if people.contains_key(name) {
        value.mistake(format!("{name} is a person already, and `of` could mean either: name the team otherwise"));
    }
    let list = value.list_of_some("a team has persons: write their names");
    let mut persons: Vec<String> = Vec::new();
    for item in list.unwrap_or_default() {
        let Some(person) = item.text() else { continue };
        if !people.contains_key(person) {
            let advice = match people.is_empty() {
                true => format!("add [people.{person}] with user = \"USER\""),
                false => nearest::advice(person, people.keys().map(String::as_str)),
            };
            item.mistake(format!("team {name}: no person is called {person:?}: {advice}"));
        } else if persons.iter().any(|other| other == person) {
            item.mistake(format!("team {name}: {person} stands twice, and counts once: take one out"));
        }
        persons.push(person.to_owned());
    }
    Some((name.to_owned(), persons))
}
