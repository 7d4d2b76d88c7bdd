//! JSON from outside, read into the author's type; what does not fit is told in one line, by the place in the data and
//! in words of JSON: a caller knows no `u16`.

use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::Refusal;

/// What of a text does not fit a type, in words for the caller: `port: expected a string, found the number 5`.
#[derive(Debug)]
pub(crate) struct DataError(String);

impl fmt::Display for DataError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// # Errors
/// The refusal has the words of [`DataError`].
pub(crate) fn read<T: DeserializeOwned>(data: &str) -> Result<T, Refusal> {
    parse(data).map_err(|DataError(words)| Refusal::invalid(words))
}

/// # Errors
/// [`DataError`].
pub(crate) fn parse<T: DeserializeOwned>(text: &str) -> Result<T, DataError> {
    serde_json::from_str(text).map_err(|error| match error.classify() {
        Category::Data => DataError(located::<T>(text).unwrap_or_else(|| error.to_string())),
        // The place in the text helps only here.
        _ => DataError(error.to_string()),
    })
}

/// Reads it once more, since only the reading knows where in the data it is; what fits is not made to pay for that.
fn located<T: DeserializeOwned>(text: &str) -> Option<String> {
    let error = serde_path_to_error::deserialize::<_, T>(&mut serde_json::Deserializer::from_str(text)).err()?;
    let path = match error.path().to_string() {
        root if root == "." => String::new(),
        path => path,
    };
    let why = error.inner().to_string();
    Some(worded(&path, why.rsplit_once(" at line ").map_or(&*why, |(what, _)| what)))
}

/// The texts of serde, anew. Those of the author's own types (`#[serde(expecting = "…")]`, `Error::custom`) stay as
/// they are.
fn worded(path: &str, why: &str) -> String {
    let within = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    let at = |text: String| if path.is_empty() { text } else { format!("{path}: {text}") };
    if let Some(field) = ticked(why, "missing field ") {
        return format!("{} is missing", within(field));
    }
    // The place is the key itself.
    if let Some(known) = after_name(why, "unknown field ") {
        return at(format!("unknown key, {known}"));
    }
    if let Some(known) = after_name(why, "unknown variant ") {
        return at(known.to_owned());
    }
    // What was found may be a text with a comma in it, what was expected is the author's.
    match ["invalid type: ", "invalid value: "]
        .iter()
        .find_map(|kind| why.strip_prefix(kind)?.rsplit_once(", expected "))
    {
        Some((found, expected)) => at(format!("expected {}, found {}", expectation(expected), finding(found))),
        None => at(why.to_owned()),
    }
}

/// "missing field `ip`" without what stands around the name.
fn ticked<'a>(why: &'a str, before: &str) -> Option<&'a str> {
    why.strip_prefix(before)?.strip_prefix('`')?.strip_suffix('`')
}

/// "unknown field `x`, expected `a` or `b`" from "expected" on. The name is a stranger's, what follows it the author's.
fn after_name<'a>(why: &'a str, before: &str) -> Option<&'a str> {
    let named = why.strip_prefix(before)?;
    let known = ["`, expected ", "`, there are no "].iter().find_map(|known| named.rfind(known))?;
    named.get(known + "`, ".len()..)
}

/// Rust's names of numbers and shapes as JSON's.
fn expectation(expected: &str) -> String {
    let range = |least: i64, most: u64| format!("a whole number from {least} to {most}");
    match expected {
        "u8" => range(0, u8::MAX.into()),
        "u16" => range(0, u16::MAX.into()),
        "u32" => range(0, u32::MAX.into()),
        "u64" | "u128" | "usize" => "a whole number from 0 on".into(),
        "i8" => range(i8::MIN.into(), 127),
        "i16" => range(i16::MIN.into(), 32_767),
        "i32" => range(i32::MIN.into(), 2_147_483_647),
        "i64" | "i128" | "isize" => "a whole number".into(),
        "f32" | "f64" => "a number".into(),
        "a boolean" => "true or false".into(),
        "a sequence" => "a list".into(),
        "a map" => "an object".into(),
        "unit" => "null".into(),
        _ if expected.starts_with("struct ") => "an object".into(),
        _ => expected.into(),
    }
}

/// What was there: a number as it is, a text never, for it may be long, or a secret.
fn finding(found: &str) -> String {
    let number = |found: &str| {
        ["integer `", "floating point `"]
            .iter()
            .find_map(|kind| Some(found.strip_prefix(kind)?.strip_suffix('`')?.to_owned()))
    };
    match found {
        "null" => "null".into(),
        "map" => "an object".into(),
        "sequence" => "a list".into(),
        "boolean `true`" => "true".into(),
        "boolean `false`" => "false".into(),
        _ if found.starts_with("string ") => "a string".into(),
        _ => number(found).map_or_else(|| found.to_owned(), |number| format!("the number {number}")),
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fmt::Debug, net::Ipv4Addr};

    use serde::{Deserialize, de::DeserializeOwned};

    use super::read;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only what does not become one is looked at")]
    struct Door {
        ip: String,
        port: Option<u16>,
        way: Option<Way>,
        flags: Option<Vec<bool>>,
        limits: Option<BTreeMap<String, i64>>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Way {
        In,
        Out,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only what does not become one is looked at")]
    struct House {
        doors: Vec<Door>,
    }

    fn why<T: DeserializeOwned + Debug>(data: &str) -> String {
        read::<T>(data).unwrap_err().message
    }

    #[test]
    fn a_missing_key_is_named_with_its_place() {
        assert_eq!(why::<Door>("{}"), "ip is missing");
        assert_eq!(why::<House>(r#"{"doors": [{"ip": "a"}, {}]}"#), "doors[1].ip is missing");
    }

    #[test]
    fn a_wrong_type_is_told_by_its_place_what_was_expected_and_what_was_found() {
        for (data, told) in [
            (r#"{"ip": 5}"#, "ip: expected a string, found the number 5"),
            (r#"{"ip": null}"#, "ip: expected a string, found null"),
            (r#"{"ip": "a", "port": "22"}"#, "port: expected a whole number from 0 to 65535, found a string"),
            (r#"{"ip": "a", "port": 70000}"#, "port: expected a whole number from 0 to 65535, found the number 70000"),
            (r#"{"ip": "a", "port": 2.5}"#, "port: expected a whole number from 0 to 65535, found the number 2.5"),
            (r#"{"ip": "a", "port": [22]}"#, "port: expected a whole number from 0 to 65535, found a list"),
            (r#"{"ip": "a", "flags": [true, {}]}"#, "flags[1]: expected true or false, found an object"),
            (r#"{"ip": "a", "flags": true}"#, "flags: expected a list, found true"),
            (r#"{"ip": "a", "limits": {"cpu": "1, expected"}}"#, "limits.cpu: expected a whole number, found a string"),
            ("null", "expected an object, found null"),
            (r#""ip""#, "expected an object, found a string"),
        ] {
            assert_eq!(why::<Door>(data), told, "{data}");
        }
    }

    #[test]
    fn a_word_or_key_that_there_is_not_is_told_beside_those_that_there_are() {
        assert_eq!(why::<Door>(r#"{"ip": "a", "way": "up"}"#), "way: expected `in` or `out`");
        let told = why::<Door>(r#"{"ip": "a", "prot": 22}"#);
        assert_eq!(told, "prot: unknown key, expected one of `ip`, `port`, `way`, `flags`, `limits`");
    }

    #[test]
    fn what_a_type_says_in_words_of_its_own_stays_as_it_is() {
        assert_eq!(why::<BTreeMap<String, Ipv4Addr>>(r#"{"ip": "x"}"#), "ip: invalid IPv4 address syntax");
    }

    #[test]
    fn what_is_no_json_is_told_with_its_place_in_the_text() {
        assert_eq!(why::<Door>("{"), "EOF while parsing an object at line 1 column 1");
    }
}
