//! A slot as an administrator wrote it: `params.port = { type = "integer", one_of = "settings.ports" }`.

use std::sync::Arc;

use super::account::{Account, Of};
use super::address::Address;
use super::flag::Flag;
use super::hostname::Hostname;
use super::integer::Integer;
use super::kind::Kind;
use super::list::List;
pub(crate) use super::listed::Settings;
use super::member::Members;
use super::network::Cidr;
use super::path::Files;
use super::scope::Families;
use super::text::Text;
use super::unit::Unit;
use super::uuid::Uuid;
use super::{Shape, Slot};
use crate::nearest;
use crate::sheet::table::Table;
use crate::sheet::value::Value;

const TYPES: [&str; 15] = [
    "ipv4", "ipv6", "ip", "cidr", "hostname", "integer", "one_of", "text", "user", "group", "unit", "uuid", "path",
    "list", "flag",
];

/// Types of whole slots, which a list cannot have again.
const SHAPES: [&str; 2] = ["list", "flag"];

/// Reads a slot; `value` stands under `params.SLOT`.
pub(crate) fn slot(value: &Value<'_>, settings: &Settings<'_>) -> Option<Slot> {
    let mut table = value.table(format!("params.{}", value.key))?;
    let shape = match kind(&mut table)? {
        "list" => list(&mut table, settings).map(Shape::List),
        "flag" => Flag::read(&mut table).map(Shape::Flag),
        word => of_kind(word, &mut table, settings).map(Shape::One),
    };
    table.finish(&[]);
    shape.map(|shape| Slot { line: value.line, before: 0, shape })
}

fn list(table: &mut Table<'_>, settings: &Settings<'_>) -> Option<List> {
    let title = format!("{}.of", table.title);
    let of = table.need("of", "of = { type = \"ipv4\" }", |of| item(of.table(title)?, settings));
    List::read(table, of)
}

/// Reads what a list is of.
fn item(mut table: Table<'_>, settings: &Settings<'_>) -> Option<Arc<dyn Kind>> {
    let word = kind(&mut table)?;
    if SHAPES.contains(&word) {
        table.mistake(format!("{} is a {word}: write a type of one value", table.title));
        return None;
    }
    let kind = of_kind(word, &mut table, settings);
    table.finish(&[]);
    kind
}

fn kind<'s>(table: &mut Table<'s>) -> Option<&'s str> {
    match table.take("type") {
        Some(kind) => word(&kind),
        None if table.has_any(&["one_of"]) => Some("text"),
        None => {
            let types = TYPES.join(", ");
            table.mistake(format!("{} has no type: write type = \"text\", or one of {types}", table.title));
            None
        }
    }
}

fn word<'s>(kind: &Value<'s>) -> Option<&'s str> {
    let word = kind.text()?;
    if TYPES.contains(&word) {
        return Some(word);
    }
    kind.mistake(format!("no type is called {word:?}: {}", nearest::advice(word, TYPES)));
    None
}

fn of_kind(word: &str, table: &mut Table<'_>, settings: &Settings<'_>) -> Option<Arc<dyn Kind>> {
    Some(match word {
        "ipv4" => Arc::new(Address::read(table, Families::V4)),
        "ipv6" => Arc::new(Address::read(table, Families::V6)),
        "ip" => Arc::new(Address::read(table, Families::Either)),
        "cidr" => Arc::new(Cidr::read(table)),
        "hostname" => Arc::new(Hostname::read(table, settings)?),
        "integer" => Arc::new(Integer::read(table, settings)?),
        "user" => Arc::new(Account::read(table, settings, Of::User)?),
        "group" => Arc::new(Account::read(table, settings, Of::Group)?),
        "unit" => Arc::new(Unit::read(table, settings)?),
        "uuid" => Arc::new(Uuid),
        "path" => Arc::new(Files::read(table)?),
        "one_of" => {
            let list = table.need("values", "values = [\"start\", \"stop\"]", |value| Some(value.clone()));
            Arc::new(Members::read(table, &list?, settings)?)
        }
        _ => match table.take("one_of") {
            Some(list) => Arc::new(Members::read(table, &list, settings)?),
            None => Arc::new(Text::read(table)?),
        },
    })
}
