//! KEY=VALUE and `--data` as one JSON text. What is not JSON, or JSON that no daemon takes, is found here, before
//! anything is asked.

use std::io::Read;

use regent_client::Data;
use regent_protocol::LINE_MAX;

use crate::ending::Failure;

/// The data that was typed; `null` if none was.
pub(crate) fn of_words(pairs: &[String], data: Option<&str>) -> Result<Data, Failure> {
    match data {
        None if pairs.is_empty() => Ok(Data::null()),
        None => of_pairs(pairs),
        Some("-") => json("standard input", &all_of("standard input", std::io::stdin())?),
        Some(text) => match text.strip_prefix('@') {
            None => json("--data", text),
            Some(path) => {
                let file = std::fs::File::open(path).map_err(|error| Failure::other(format!("{path}: {error}")))?;
                json(path, &all_of(path, file)?)
            }
        },
    }
}

/// Pairs as one object.
fn of_pairs(pairs: &[String]) -> Result<Data, Failure> {
    let mut members = Vec::new();
    for pair in pairs {
        let (key, value) =
            pair.split_once('=').ok_or_else(|| Failure::usage(format!("{pair}: not KEY=VALUE, such as name=Ben")))?;
        let (key, value) = match key.strip_suffix(':') {
            Some(key) => (key, json(pair, value)?),
            None => (key, guess(value)),
        };
        if key.is_empty() {
            return Err(Failure::usage(format!("{pair}: no KEY before the =")));
        }
        members.push(format!("{}:{}", Data::string(key).as_str(), value.as_str()));
    }
    json("KEY=VALUE", &format!("{{{}}}", members.join(",")))
}

/// JSON if it is, else a string.
fn guess(value: &str) -> Data {
    let spaced = value.starts_with(char::is_whitespace) || value.ends_with(char::is_whitespace);
    match Data::parse(value) {
        Ok(data) if !spaced => data,
        _ => Data::string(value),
    }
}

/// What to type as VALUE so that it is taken as this JSON: the other way round.
pub(crate) fn typed(value: &Data) -> String {
    match value.to_text() {
        Some(text) if guess(&text) == *value => text,
        _ => value.as_str().to_owned(),
    }
}

fn json(whose: &str, text: &str) -> Result<Data, Failure> {
    Data::parse(text).map_err(|rejection| Failure::usage(format!("{whose}: {rejection}")))
}

/// Everything, if it is no more than could be sent.
fn all_of(whose: &str, from: impl Read) -> Result<String, Failure> {
    let mut text = String::new();
    let most = u64::try_from(LINE_MAX).unwrap_or(u64::MAX);
    from.take(most + 1).read_to_string(&mut text).map_err(|error| Failure::other(format!("{whose}: {error}")))?;
    if text.len() > LINE_MAX {
        return Err(Failure::other(format!("{whose}: more than a request can hold")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(pairs: &[&str]) -> Result<String, String> {
        let pairs: Vec<_> = pairs.iter().map(|pair| (*pair).to_owned()).collect();
        of_pairs(&pairs).map(|data| data.as_str().to_owned()).map_err(|failure| {
            assert_eq!(failure.ending.number(), 2);
            failure.words
        })
    }

    #[test]
    fn a_value_that_is_json_is_json_and_everything_else_a_string() {
        for (typed, sent) in [
            ("22", "22"),
            ("-1.5e3", "-1.5e3"),
            ("true", "true"),
            ("null", "null"),
            ("[1,2]", "[1,2]"),
            ("\"22\"", "\"22\""),
            ("{\"a\":1}", "{\"a\":1}"),
            ("198.51.100.7", "\"198.51.100.7\""),
            ("", "\"\""),
            ("007", "\"007\""),
            ("1e999", "\"1e999\""),
            (" 22", "\" 22\""),
            ("a=b", "\"a=b\""),
            ("True", "\"True\""),
            ("{\"a\":1,\"a\":2}", "\"{\\\"a\\\":1,\\\"a\\\":2}\""),
        ] {
            assert_eq!(pairs(&[&format!("k={typed}")]).unwrap(), format!("{{\"k\":{sent}}}"));
        }
    }

    #[test]
    fn what_is_to_be_typed_is_taken_as_what_was_meant() {
        for json in
            ["22", "true", "null", "[1, 2]", "{\"a\":1}", "\"\"", "\"22\"", "\"true\"", "\"a b\"", "\" 22\"", "\"=\""]
        {
            let value = Data::parse(json).unwrap();
            assert_eq!(guess(&typed(&value)), value, "{json}");
        }
        assert_eq!(typed(&Data::string("198.51.100.7")), "198.51.100.7");
        assert_eq!(typed(&Data::string("22")), "\"22\"");
    }

    #[test]
    fn the_strict_form_takes_nothing_but_json() {
        assert_eq!(pairs(&["port:=22"]).unwrap(), "{\"port\":22}");
        assert!(pairs(&["ip:=198.51.100.7"]).is_err());
    }

    #[test]
    fn pairs_keep_their_order_and_no_key_stands_twice() {
        assert_eq!(pairs(&["b=1", "a=x", "\"=2"]).unwrap(), r#"{"b":1,"a":"x","\"":2}"#);
        assert_eq!(pairs(&["a=1", "a=2"]).unwrap_err(), "KEY=VALUE: Invalid message: duplicate key");
        assert!(pairs(&["a"]).is_err());
        assert!(pairs(&["=1"]).is_err());
    }

    #[test]
    fn more_than_a_request_can_hold_is_not_read() {
        assert!(all_of("x", std::io::repeat(b' ')).is_err());
        assert_eq!(all_of("x", &b"{}"[..]).unwrap(), "{}");
    }
}
