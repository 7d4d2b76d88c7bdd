//! All that bears on an operation, as one text: two grants with the same text give the same consent the same meaning.

use std::collections::BTreeMap;

use serde_json::json;

use super::{Grants, Operation};

/// Its form: another number, another form, and all that is held is void.
const VERSION: u32 = 2;

impl Grants {
    /// Canonical text of all that bears on this operation, for a digest that consent is bound to. The module's pins are
    /// not in it: what was approved is bound to the module itself. Nor is the engine: on either the module does the
    /// same.
    ///
    /// Every command is in it, since the plugin may plan any. Line numbers are not.
    #[must_use]
    pub fn digest_text(&self, operation: &Operation) -> String {
        let commands: BTreeMap<_, _> = self.commands.iter().map(|(name, command)| (name, command.digest())).collect();
        json!({
            "regent-grants": VERSION,
            "plugin": self.name,
            "settings": self.settings,
            "operation": operation.digest(),
            "commands": commands,
        })
        .to_string()
    }
}
