//! What may be written for a time, a mode, a path, a name.

use std::path::PathBuf;
use std::time::Duration;

use crate::table::Value;

/// The longest time that anything may be given: a year.
const LONGEST: u64 = 366 * 24 * 60 * 60;
/// The longest name of an operation, command, slot, person or socket.
const NAME_MAX: usize = 64;

/// A time such as `500ms`, `3s`, `15m`, `24h`. Nothing is ever given no time at all.
pub(crate) fn duration(value: &Value<'_, '_>) -> Option<Duration> {
    let text = value.text()?;
    let found = read_duration(&text);
    if found.is_none() {
        value.mistake(format!("is \"{text}\": write a time such as \"500ms\", \"3s\", \"15m\" or \"24h\", more than nothing"));
    }
    found
}

fn read_duration(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    let found = number.checked_mul(milliseconds).map(Duration::from_millis)?;
    (!found.is_zero() && found.as_secs() <= LONGEST).then_some(found)
}

/// A mode such as `0660`, as chmod writes it.
pub(crate) fn mode(value: &Value<'_, '_>) -> Option<u32> {
    let text = value.text()?;
    let read = u32::from_str_radix(&text, 8).ok().filter(|mode| *mode <= 0o777 && text.len() <= 4);
    if read.is_none() {
        value.mistake(format!("is \"{text}\": write a mode such as \"0660\""));
    }
    read
}

/// An absolute path.
pub(crate) fn path(value: &Value<'_, '_>) -> Option<PathBuf> {
    let text = value.text()?;
    if text.starts_with('/') && !text.contains('\0') && !text.split('/').any(|part| part == "..") {
        return Some(text.into());
    }
    value.mistake(format!("is \"{text}\": write an absolute path without `..`"));
    None
}

/// Whether this can be the name of something.
pub(crate) fn is_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=NAME_MAX).contains(&text.len()) && text.bytes().all(fits) && !text.starts_with('-')
}

/// Says so if it cannot.
pub(crate) fn check_name(name: &str, value: &Value<'_, '_>) -> bool {
    let fits = is_name(name);
    if !fits {
        value.mistake(format!("cannot be a name: write letters, digits, `-` and `_`, at most {NAME_MAX}"));
    }
    fits
}

/// A user or group, by name or number.
pub(crate) fn user_or_group(value: &Value<'_, '_>) -> Option<String> {
    if value.is_integer() {
        let number = value.integer()?;
        // 2^32 - 1 is "no user" to the kernel.
        if u32::try_from(number).is_ok_and(|id| id != u32::MAX) {
            return Some(number.to_string());
        }
        value.mistake("is no number of a user or group");
        return None;
    }
    let text = value.text()?;
    if text.is_empty() || text.contains([':', '\0', '\n']) {
        value.mistake("is no name of a user or group");
        return None;
    }
    Some(text)
}

/// A number of a user or group.
pub(crate) fn id(value: &Value<'_, '_>) -> Option<u32> {
    let number = value.integer()?;
    let id = u32::try_from(number).ok().filter(|id| *id != u32::MAX);
    if id.is_none() {
        value.mistake("is no number of a user or group");
    }
    id
}
