//! The data of a request as values of slots: each is one text, and JSON's `true` and lists are so many of them.

use regent_plugin::prelude::*;
use serde_json::{Map, Value};

use crate::served::{Served, Takes};

/// The values, each with its slot.
///
/// # Errors
/// The first key that is wrong: an unknown one before a missing one, for a slip of the keyboard is both.
pub(crate) fn of(data: &Value, served: &Served) -> Result<Vec<(String, String)>, Refusal> {
    let empty = Map::new();
    let data = match data {
        Value::Object(data) => data,
        Value::Null => &empty,
        _ if served.stdin => &empty,
        _ => return Err(Refusal::invalid("expected an object")),
    };
    if let Some(key) = data.keys().find(|key| !served.stdin && !served.params.contains_key(*key)) {
        return Err(Refusal::invalid(format!("unknown key {key}")));
    }
    let mut values = Vec::new();
    for (slot, takes) in &served.params {
        let given = data.get(slot).filter(|given| !given.is_null());
        for text in texts(slot, *takes, given)? {
            values.push((slot.clone(), text));
        }
    }
    Ok(values)
}

fn texts(slot: &str, takes: Takes, given: Option<&Value>) -> Result<Vec<String>, Refusal> {
    let wrong_type = || Refusal::invalid(format!("{slot}: wrong type"));
    match (takes, given) {
        (Takes::One, None) => Err(Refusal::invalid(format!("{slot} is missing"))),
        (Takes::Flag | Takes::List, None) | (Takes::Flag, Some(Value::Bool(false))) => Ok(vec![]),
        (Takes::Flag, Some(Value::Bool(true))) => Ok(vec!["true".into()]),
        (Takes::List, Some(Value::Array(items))) => {
            items.iter().map(text).collect::<Option<_>>().ok_or_else(wrong_type)
        }
        (Takes::One, Some(one)) => text(one).map(|text| vec![text]).ok_or_else(wrong_type),
        _ => Err(wrong_type()),
    }
}

/// A text as it is; a whole number in decimal, as JSON itself writes it.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
        _ => None,
    }
}
