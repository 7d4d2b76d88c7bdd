//! From a request's data to the values of slots: each a text, of a list several. Whether a slot takes it is not asked here.

use regent_plugin::Refusal;
use serde_json::{Map, Value};

use crate::granted::Granted;

/// The values of all slots, for a request's data.
///
/// # Errors
/// For the caller: a parameter that is missing, unknown, or of a type that no such slot takes.
pub(crate) fn of<'g>(granted: &'g Granted, data: &Value) -> Result<Vec<(&'g str, String)>, Refusal> {
    let none = Map::new();
    let data = match data {
        Value::Object(data) => data,
        // What the command reads itself may be anything.
        Value::Null => &none,
        _ if granted.stdin => &none,
        _ => return Err(Refusal::invalid("not an object")),
    };
    if let Some(key) = data.keys().find(|key| !granted.stdin && !granted.params.contains_key(*key)) {
        return Err(Refusal::invalid(format!("unknown key {key}")));
    }
    let mut values = Vec::new();
    for (slot, kind) in &granted.params {
        let given = data.get(slot).filter(|value| !value.is_null());
        let texts = texts(kind, given).map_err(|why| Refusal::invalid(format!("{slot}{why}")))?;
        values.extend(texts.into_iter().map(|text| (slot.as_str(), text)));
    }
    Ok(values)
}

fn texts(kind: &str, value: Option<&Value>) -> Result<Vec<String>, &'static str> {
    match (kind, value) {
        ("flag", None | Some(Value::Bool(false))) => Ok(Vec::new()),
        ("flag", Some(Value::Bool(true))) => Ok(vec!["true".into()]),
        ("list", None) => Ok(Vec::new()),
        ("list", Some(Value::Array(items))) => items.iter().map(text).collect::<Option<_>>().ok_or(": wrong type"),
        ("flag" | "list", Some(_)) => Err(": wrong type"),
        (_, None) => Err(" is missing"),
        (_, Some(value)) => Ok(vec![text(value).ok_or(": wrong type")?]),
    }
}

/// A text as it is, a whole number in decimal. A number with a point has many spellings, and no slot takes one.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
        _ => None,
    }
}
