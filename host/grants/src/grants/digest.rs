//! All that bears on an operation, as one text: two grants with the same text give the same consent the same meaning.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use super::Grants;
use super::operation::Operation;

/// Its form: another number, another form, and all that is held is void.
const VERSION: u32 = 2;

/// Every command is in it, since the plugin may plan any; the module's pins and the lines are not.
pub(super) fn text(grants: &Grants, operation: &Operation) -> String {
    let commands: BTreeMap<_, _> = grants.commands.iter().map(|(name, command)| (name, command.digest())).collect();
    json!({
        "regent-grants": VERSION,
        "plugin": grants.name,
        "settings": grants.settings,
        "operation": operation.digest(),
        "commands": commands,
    })
    .to_string()
}

/// No time in a file is so long that this would not be exact.
pub(super) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
