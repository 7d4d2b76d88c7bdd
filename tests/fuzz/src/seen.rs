//! JSON as a reader sees it that knows nothing but strings and brackets.

use serde_json::Value;

/// What a text has outside of its strings.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// How deep its brackets stand in each other.
    pub(crate) depth: usize,
    /// Colons, of which each member of an object has one.
    pub(crate) members: usize,
}

/// Looks at a text. What it finds means something only if the text is JSON.
pub(crate) fn text(text: &str) -> Seen {
    let (mut seen, mut depth, mut bytes) = (Seen::default(), 0_usize, text.bytes());
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => string(&mut bytes),
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            b':' => seen.members += 1,
            _ => {}
        }
        seen.depth = seen.depth.max(depth);
    }
    seen
}

/// To the end of a string.
fn string(bytes: &mut std::str::Bytes<'_>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => drop(bytes.next()),
            b'"' => return,
            _ => {}
        }
    }
}

/// The members of all objects in a value: of two with one key, one is left there.
pub(crate) fn members(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(members).sum(),
        Value::Object(object) => object.len() + object.values().map(members).sum::<usize>(),
        _ => 0,
    }
}

/// The text as serde_json's own value. `None` also for what has its private key for raw values, which is no JSON of
/// anybody's.
pub(crate) fn value(text: &str) -> Option<Value> {
    if text.contains("$serde_json") { None } else { serde_json::from_str(text).ok() }
}
