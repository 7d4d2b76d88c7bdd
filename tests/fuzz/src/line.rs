//! A line as anybody may send it: what it is taken for, serde_json and a count of brackets take it for as well.

use regent_protocol::{DEPTH_MAX, ID_MAX, LINE_MAX, Line, Rejection};
use serde_json::{Map, Value};

use crate::{cost, seen};

/// A member takes its key, its place in the list and one in a set of keys, and both may double as they grow.
const TIMES: usize = 80;
const BESIDE: usize = 2 << 10;

/// The target.
pub fn read(bytes: &[u8]) {
    let read = cost::within(bytes, TIMES, BESIDE, || Line::read(bytes));
    if bytes.len() > LINE_MAX {
        return assert_eq!(read.err(), Some(Rejection::TooLong));
    }
    let text = std::str::from_utf8(bytes).ok();
    let value = text.and_then(seen::value);
    match read {
        Ok(line) => {
            let text = text.expect("a line is UTF-8");
            assert!(seen::text(text).depth <= DEPTH_MAX);
            match value {
                Some(Value::Object(object)) => same(&line, text, &object),
                other => assert!(other.is_none() && text.contains("$serde_json"), "another reader finds {other:?}"),
            }
        }
        Err(Rejection::NotJson(why)) => assert!(value.is_none() && !why.is_empty(), "another reader finds {value:?}"),
        Err(Rejection::TooDeep) => assert!(text.is_some_and(|text| seen::text(text).depth > DEPTH_MAX)),
        Err(Rejection::Denied) => assert!(value.is_none_or(|value| !value.is_object())),
        Err(other) => panic!("no line is refused so: {other:?}"),
    }
}

/// What is known of it before its secret is right, and that it is refused if it can be read in two ways.
fn same(line: &Line<'_>, text: &str, object: &Map<String, Value>) {
    let twice = seen::text(text).members != seen::members(&Value::Object(object.clone()));
    assert_eq!(line.request().err() == Some(Rejection::DuplicateKey), twice);
    assert_eq!(line.admin().err() == Some(Rejection::DuplicateKey), twice);
    assert_eq!(line.is_admin(), object.contains_key("admin"));
    if !twice {
        let text = |key: &str| object.get(key).and_then(Value::as_str);
        assert_eq!(line.secret(), text("secret"));
        assert_eq!(line.id(), text("id").filter(|id| id.len() <= ID_MAX));
    }
}
