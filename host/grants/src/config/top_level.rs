//! Keys of the file itself, found in one of its tables.

use crate::sheet::table::Table;
use crate::sheet::value::Value;

/// Keys of the file itself. Written last, each is in the table that stands last.
const WHOLE: [&str; 6] = ["plugins", "grants", "state", "audit", "daemon_user", "keep_results"];

/// Says of such a key in this table where it belongs; but where keys are names it may be one, with a value of this
/// kind.
pub(super) fn misplaced(table: &mut Table<'_>, is_name: impl Fn(&Value<'_>) -> bool) {
    for key in WHOLE {
        if !table.holds(key, &is_name) {
            table.misplaced(key, format!("{key} is for the whole file: write it above the first [table]"));
        }
    }
}

pub(super) fn nowhere(_: &Value<'_>) -> bool {
    false
}
