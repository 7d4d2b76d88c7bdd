//! `module`: which module serves the file.

use crate::sheet::value::Value;

/// The file's own name, unless the file says another.
pub(super) fn name(file: &str, written: Option<&Value<'_>>) -> String {
    written.and_then(Value::name).unwrap_or(file).to_owned()
}
