//! `[settings]`, handed to the plugin as they are: as JSON.

use serde_json::{Map, Number, Value as Json};
use toml::Spanned;
use toml::de::DeValue;

use crate::sheet::value::{Value, whole};

/// As deep as JSON may be everywhere in Regent.
const DEPTH: usize = 32;

/// The text of a JSON object.
pub(super) fn json(value: Option<&Value<'_>>) -> String {
    let Some(value) = value else { return "{}".into() };
    if value.table("[settings]").is_none() {
        return "{}".into();
    }
    let said = |why| value.mistake(format!("settings: {why}"));
    convert(value.raw(), DEPTH).map_err(said).unwrap_or_default().to_string()
}

fn convert(value: &DeValue<'_>, depth: usize) -> Result<Json, String> {
    let deeper = depth.checked_sub(1).ok_or_else(|| format!("deeper than {DEPTH} levels: write them flatter"))?;
    let inner = |value: &Spanned<DeValue<'_>>| convert(value.get_ref(), deeper);
    Ok(match value {
        DeValue::String(text) => Json::String(text.to_string()),
        DeValue::Integer(number) => {
            let number = whole(number).ok_or("a number has more than 63 bits: write it in quotes")?;
            Json::Number(number.into())
        }
        DeValue::Float(number) => {
            let number = number.as_str().parse().ok().and_then(Number::from_f64);
            Json::Number(number.ok_or("nan, inf and larger numbers are not known to JSON: write them in quotes")?)
        }
        DeValue::Boolean(value) => Json::Bool(*value),
        DeValue::Datetime(date) => Json::String(date.to_string()),
        DeValue::Array(list) => Json::Array(list.iter().map(inner).collect::<Result<_, _>>()?),
        DeValue::Table(table) => {
            let entries = table.iter().map(|(key, value)| Ok((key.get_ref().to_string(), inner(value)?)));
            Json::Object(entries.collect::<Result<Map<_, _>, String>>()?)
        }
    })
}
