//! What a plugin may ask of the host. In WebAssembly the host is the daemon; natively it is the fake one of
//! [`testing`](crate::testing), and without one each of these panics.

use std::{fmt::Arguments, time::Duration};

use serde::de::DeserializeOwned;

#[cfg(not(target_family = "wasm"))]
use crate::testing::calls as given;
#[cfg(target_family = "wasm")]
use crate::wasm::calls as given;
use crate::{Level, Refusal};

pub(crate) fn plan(command: &str, values: Vec<(String, String)>) -> Result<(), Refusal> {
    given::plan(command, values)
}

/// Writes a line to the daemon's log, marked as this plugin's: `log(Level::Info, format_args!("opened {ip}"))`.
pub fn log(level: Level, text: Arguments<'_>) {
    given::log(level, &text.to_string());
}

/// The `[settings]` table of the grants file, as a type of yours.
///
/// # Panics
/// If the table does not read as that type: the administrator's mistake, which the log then tells with its reason.
#[must_use]
pub fn settings<T: DeserializeOwned>() -> T {
    serde_json::from_str(&given::settings()).unwrap_or_else(|error| panic!("[settings]: {error}"))
}

/// The time since 1970-01-01T00:00:00Z, by a clock that may be set.
#[must_use]
pub fn now() -> Duration {
    Duration::from_nanos(given::now())
}

/// The time since an arbitrary point, by a clock that is never set.
#[must_use]
pub fn monotonic() -> Duration {
    Duration::from_nanos(given::monotonic())
}

/// Cryptographically secure random bytes, at most 65,536.
#[must_use]
pub fn random(length: u32) -> Vec<u8> {
    given::random(length)
}
