//! A slot as an administrator wrote it: `params.port = { type = "integer", one_of = "settings.ports" }`.

use toml::de::DeValue;

use super::Slot;
use super::integer::Integer;
use super::ipv4::Scope;
use super::member::Members;
use super::text::Text;
use crate::nearest;
use crate::sheet::table::{Table, not_served};
use crate::sheet::value::Value;

const TYPES: [&str; 4] = ["ipv4", "integer", "one_of", "text"];

const LATER: [&str; 11] = ["ipv6", "ip", "cidr", "hostname", "user", "group", "unit", "uuid", "path", "flag", "list"];

/// `[settings]` of the same file, which slots may point into.
#[derive(Debug)]
pub(crate) struct Settings<'s>(pub(crate) Option<Value<'s>>);

/// Reads a slot; `value` stands under `params.SLOT`.
pub(crate) fn slot(value: &Value<'_>, settings: &Settings<'_>) -> Option<Slot> {
    let mut table = value.table(format!("params.{}", value.key))?;
    let kind = match table.take("type") {
        Some(kind) => word(&kind)?,
        None if table.has_any(&["one_of"]) => "text",
        None => {
            table.mistake(format!(
                "{} has no type: write type = \"text\", or one of {}",
                table.title,
                TYPES.join(", ")
            ));
            return None;
        }
    };
    let slot = of_kind(kind, &mut table, settings);
    table.finish(&[]);
    slot
}

fn word<'s>(kind: &Value<'s>) -> Option<&'s str> {
    let word = kind.text()?;
    if TYPES.contains(&word) {
        return Some(word);
    }
    kind.mistake(match LATER.contains(&word) {
        true => format!("{}: there is {}", not_served(&format!("type = {word:?}")), TYPES.join(", ")),
        false => format!("no type is called {word:?}: {}", nearest::advice(word, TYPES)),
    });
    None
}

fn of_kind(kind: &str, table: &mut Table<'_>, settings: &Settings<'_>) -> Option<Slot> {
    match kind {
        "ipv4" => Some(Slot::Ipv4(Scope::read(table))),
        "integer" => Integer::read(table, settings).map(Slot::Integer),
        "one_of" => {
            let list = table.need("values", "values = [\"start\", \"stop\"]", |value| Some(value.clone()));
            Members::read(table, &list?, settings).map(Slot::Member)
        }
        _ => match table.take("one_of") {
            Some(list) => Members::read(table, &list, settings).map(Slot::Member),
            None => Text::read(table).map(Slot::Text),
        },
    }
}

/// A list that stands here or under `settings.KEY`: of one at least.
pub(super) fn members<'s>(value: &Value<'s>, settings: &Settings<'s>) -> Option<Vec<Value<'s>>> {
    let empty = "the slot would accept nothing: write what it may be";
    let DeValue::String(text) = value.raw() else { return value.list_of_some(empty) };
    let Some(key) = text.strip_prefix("settings.") else {
        value.mistake(format!("{}: write a list in [ ], or \"settings.KEY\"", value.key));
        return None;
    };
    let named = settings.0.as_ref().and_then(|settings| match settings.raw() {
        DeValue::Table(table) => Some(table),
        _ => None,
    });
    let Some((found, list)) = named.and_then(|table| table.get_key_value(key)) else {
        let known = named.into_iter().flat_map(|table| table.keys()).map(|key| key.get_ref().as_ref());
        value.mistake(format!("[settings] has no key {key:?}: {}", nearest::advice(key, known)));
        return None;
    };
    Value::new(value.sheet, found.get_ref(), value.sheet.line_of(found.span().start), list).list_of_some(empty)
}
