//! What an administrator would write to allow what a plugin planned: lines to be copied, and completed by the program.
//!
//! Names come from the plugin, which nobody trusts: those that no grants file takes are not repeated in a line to be
//! copied.

use std::net::Ipv4Addr;

use crate::sheet::words::is_name;

/// The lines of a grants file that would grant this command with these slots, all but the program. The type of a slot
/// is a guess that takes the value which it was given, for the administrator to narrow.
#[must_use]
pub fn grant_lines(command: &str, slots: &[(&str, Option<&str>)]) -> Vec<String> {
    if let Some(name) = std::iter::once(command).chain(slots.iter().map(|(slot, _)| *slot)).find(|name| !is_name(name))
    {
        return vec![format!(
            "# {name:?} is no name: a grants file cannot have it, so it is the plugin that has to change"
        )];
    }
    let arguments: String = slots.iter().map(|(slot, _)| format!(", \"{{{slot}}}\"")).collect();
    let head = [format!("[commands.{command}]"), format!("run = [\"/path/to/program\"{arguments}]")];
    let params = slots.iter().map(|(slot, value)| format!("params.{slot} = {{ {} }}", kind(*value)));
    head.into_iter().chain(params).collect()
}

fn kind(value: Option<&str>) -> &'static str {
    match value {
        Some(value) if value.parse::<Ipv4Addr>().is_ok() => "type = \"ipv4\"",
        Some(value) if value.parse::<i64>().is_ok_and(|number| (0..=65535).contains(&number)) => {
            "type = \"integer\", min = 0, max = 65535"
        }
        Some(value) if value.contains(' ') => "type = \"text\", pattern = \"[A-Za-z0-9 ._-]+\", max = 64",
        _ => "type = \"text\", pattern = \"[A-Za-z0-9._-]+\", max = 64",
    }
}
