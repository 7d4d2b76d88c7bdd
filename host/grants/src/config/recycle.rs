//! When the process that a plugin runs in is replaced by a new one.

use std::time::Duration;

use crate::sheet::table::Table;
use crate::sheet::value::Value;

/// The largest `recycle_after`: a number that nobody reaches.
const AFTER_MAX: i64 = 1_000_000_000;

/// When a sandbox is worn: whatever requests left behind in its process ends with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recycle {
    /// After so many exchanges; at least one.
    pub after: u64,
    /// After so long without one, if it had any; at least a second.
    pub idle: Duration,
}

impl Recycle {
    pub(super) const DEFAULT: Self = Self { after: 10_000, idle: Duration::from_secs(3600) };

    pub(super) fn read(table: &mut Table<'_>) -> Self {
        Self {
            after: table.read("recycle_after", |value| value.number(1, AFTER_MAX)).unwrap_or(Self::DEFAULT.after),
            idle: table.read("recycle_idle", Value::seconds).unwrap_or(Self::DEFAULT.idle),
        }
    }
}

impl Default for Recycle {
    fn default() -> Self {
        Self::DEFAULT
    }
}
