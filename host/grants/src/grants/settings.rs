//! `[settings]`, handed to the plugin as they are: as JSON.

use serde_json::{Map, Number, Value as Json};
use toml::de::DeValue;

use crate::sheet::value::{Value, whole};

/// As deep as JSON may be everywhere in Regent.
const DEPTH: usize = 32;

/// The text of a JSON object.
pub(super) fn json(value: Option<&Value<'_>>) -> String {
    match value.filter(|value| value.table("[settings]").is_some()) {
        Some(value) => convert(value, DEPTH).unwrap_or_default().to_string(),
        None => "{}".into(),
    }
}

/// What JSON cannot say is a mistake at its own line, and the rest is looked at all the same.
fn convert(value: &Value<'_>, depth: usize) -> Option<Json> {
    let said = |why: &str| {
        value.mistake(format!("settings: {} {why}", value.key));
        None
    };
    let Some(deeper) = depth.checked_sub(1) else {
        return said(&format!("is deeper than {DEPTH} levels: write it flatter"));
    };
    Some(match value.raw() {
        DeValue::String(text) => Json::String(text.to_string()),
        DeValue::Integer(number) => match whole(number) {
            Some(number) => Json::Number(number.into()),
            None => return said("has a number of more than 63 bits: write it in quotes"),
        },
        DeValue::Float(number) => match number.as_str().parse().ok().and_then(Number::from_f64) {
            Some(number) => Json::Number(number),
            None => return said("is nan, inf or larger than JSON's numbers: write it in quotes"),
        },
        DeValue::Boolean(value) => Json::Bool(*value),
        DeValue::Datetime(date) => Json::String(date.to_string()),
        DeValue::Array(_) => Json::Array(Value::each(&value.list()?, |item| convert(item, deeper))),
        DeValue::Table(_) => {
            let entry = |value: &Value<'_>| Some((value.key.to_string(), convert(value, deeper)?));
            Json::Object(Value::each(&value.table("[settings]")?.names(), entry).into_iter().collect::<Map<_, _>>())
        }
    })
}
