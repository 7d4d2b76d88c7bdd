//! What an administrator would write to allow what a plugin planned: lines for a log, to be copied and completed.
//!
//! Names come from the plugin, which nobody trusts: those that no grants file takes are not repeated in a line to be copied.

use crate::sheet::words::is_name;

/// The lines of a grants file that would grant this command with these slots, all but the program and the types.
#[must_use]
pub fn grant_lines(command: &str, slots: &[&str]) -> Vec<String> {
    if let Some(name) = std::iter::once(&command).chain(slots).find(|name| !is_name(name)) {
        return vec![format!(
            "# {name:?} is no name: a grants file cannot have it, so it is the plugin that has to change"
        )];
    }
    let arguments: String = slots.iter().map(|slot| format!(", \"{{{slot}}}\"")).collect();
    let head = [format!("[commands.{command}]"), format!("run = [\"/path/to/program\"{arguments}]")];
    let params = slots.iter().map(|slot| format!("params.{slot} = {{ type = \"…\" }}"));
    head.into_iter().chain(params).collect()
}
