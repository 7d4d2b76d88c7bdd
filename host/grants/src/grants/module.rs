//! `module`: which module serves the file.

use super::operations::ParsedOperation;
use super::run::MODULE;
use crate::sheet::Sheet;
use crate::sheet::value::Value;

/// The file's own name, unless the file says another; where operations have `run`, the shipped one.
pub(super) fn name(
    file: &str,
    sheet: &Sheet<'_>,
    written: Option<&Value<'_>>,
    operations: &[ParsedOperation],
) -> String {
    let run = operations.iter().find(|read| read.operation.run.is_some());
    let default = if run.is_some() { MODULE } else { file };
    let module = written.map_or(Some(default), Value::name).unwrap_or(default);
    match (run, operations.first()) {
        (Some(run), _) if module != MODULE => {
            let run = &run.operation.name;
            let text = format!("operation {run} has run, which the module {MODULE} serves and no other: take it out");
            sheet.mistake(written.map_or(1, |value| value.line), text);
        }
        (None, Some(first)) if module == MODULE => {
            let first = &first.operation;
            let text = format!(
                "operation {}: the module {MODULE} serves only what has run: add run = [\"/usr/bin/PROGRAM\"]",
                first.name
            );
            sheet.mistake(first.line, text);
        }
        _ => {}
    }
    module.to_owned()
}
