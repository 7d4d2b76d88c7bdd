//! Persons and teams. Both share one space of names, so that a step names either without saying which.

use std::collections::BTreeMap;

use crate::table::{Table, Value, nearest};
use crate::value::{check_name, user_or_group};

/// A listed person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The user of the system, by name or number.
    pub user: String,
    /// Whether this person may see and deny everything, as root may.
    pub admin: bool,
}

pub(crate) type People = BTreeMap<String, Person>;
pub(crate) type Teams = BTreeMap<String, Vec<String>>;

pub(crate) fn people(file: &Table<'_, '_>) -> People {
    let members = file.take("people").map(Value::members).unwrap_or_default();
    members.into_iter().filter_map(|(name, value)| person(&name, value).map(|person| (name, person))).collect()
}

fn person(name: &str, value: Value<'_, '_>) -> Option<Person> {
    check_name(name, &value);
    let table = value.table()?;
    let user = table.need("user", "\"NAME\"").and_then(|user| user_or_group(&user));
    let admin = table.take("admin").is_some_and(|admin| admin.boolean().unwrap_or(false));
    table.later(&["mail", "keys", "totp"]);
    table.finish();
    user.map(|user| Person { user, admin })
}

pub(crate) fn teams(file: &Table<'_, '_>, people: &People) -> Teams {
    let teams = file.take("teams").map(Value::members).unwrap_or_default();
    teams.into_iter().filter_map(|(name, value)| team(&name, value, people).map(|members| (name, members))).collect()
}

fn team(name: &str, value: Value<'_, '_>, people: &People) -> Option<Vec<String>> {
    check_name(name, &value);
    if people.contains_key(name) {
        value.mistake("is a person's name too: give the team another");
    }
    let (notes, span) = (value.notes, value.span.clone());
    let members = value.texts()?;
    for (at, member) in members.iter().enumerate() {
        if !people.contains_key(member) {
            let near = nearest(member, people.keys().map(String::as_str));
            let near = near.map(|near| format!(" (did you mean {near}?)")).unwrap_or_default();
            notes.mistake(&span, format!("team {name}: there is no person {member}{near}: add [people.{member}]"));
        } else if members.iter().take(at).any(|other| other == member) {
            notes.mistake(&span, format!("team {name}: {member} stands in it twice, and is one person"));
        }
    }
    Some(members)
}
