//! Times as they are told to people and programs: RFC 3339, in whole seconds.

use jiff::Timestamp;

/// The second of a time.
#[must_use]
pub fn second(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second()).unwrap_or(time).to_string()
}
