//! A first grants file: the pin, and as comments whatever the plugin could be granted. Each suggestion is complete, so
//! that taking off its `# ` is all of the typing; and each says CHANGE-ME where a person must decide, which no user,
//! program or value is.
//!
//! What the plugin says stands in comments of one line, and only names that grants can have are written as such.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use regent_grants::is_name;
use regent_protocol::{DescribedOperation, ModuleView, WantedCommand, visible};

use super::EVERY_NAME;

pub(super) fn grants(name: &str, module: &ModuleView) -> String {
    let mut text = format!(
        "\
# Grants of the plugin {name}. Nothing of it is served yet: take off the `# ` before what you mean to grant, and write
# who, which program and which values where it says CHANGE-ME. `regent check` says what is still wrong.

# The module that this is for. Another is served only after `regent plugin upgrade {name}`.
sha256 = [\"{}\"]
",
        module.sha256
    );
    let mut seen = BTreeSet::new();
    for operation in module.operations.iter().filter(|operation| seen.insert(&operation.name)) {
        text.push_str(&suggested_operation(operation));
    }
    let mut seen = BTreeSet::new();
    for want in module.wants.iter().filter(|want| seen.insert(&want.command)) {
        text.push_str(&suggested_command(want));
    }
    text
}

fn suggested_operation(operation: &DescribedOperation) -> String {
    let DescribedOperation { name, summary, .. } = operation;
    if name == EVERY_NAME {
        return "\n# It serves operations of any name: each is [operations.NAME] with a `run` of its own.\n".to_owned();
    }
    if !is_name(name) {
        return format!(
            "\n# It has an operation that cannot be granted, for its name is none: {}\n",
            visible::argument(name)
        );
    }
    format!(
        "\n# The plugin says: {}\n\
         # [operations.{name}]\n\
         # allow = [{{ user = \"CHANGE-ME\" }}]\n\
         # # require = [{{ step = \"approval\", of = \"CHANGE-ME\", count = 1 }}]\n",
        visible::line(summary)
    )
}

fn suggested_command(want: &WantedCommand) -> String {
    let WantedCommand { command, slots, reason } = want;
    if !is_name(command) || !slots.iter().all(|slot| is_name(slot)) {
        let (command, slots) = (visible::argument(command), visible::command_line(slots));
        return format!("\n# It wants a command that cannot be granted, for a name is none: {command}, with {slots}\n");
    }
    let slots: BTreeSet<&String> = slots.iter().collect();
    let arguments: String = slots.iter().map(|slot| format!(", \"{{{slot}}}\"")).collect();
    let mut text = format!(
        "\n# The plugin says why it wants it: {}\n# [commands.{command}]\n# run = [\"/usr/bin/CHANGE-ME\"{arguments}]\n",
        visible::line(reason)
    );
    for slot in slots {
        // Writing to a string does not fail.
        let _ = writeln!(text, "# params.{slot} = {{ type = \"text\", pattern = \"CHANGE-ME\" }}");
    }
    text
}

#[cfg(test)]
mod tests {
    use regent_grants::{Config, Grants};

    use super::*;

    const DIGEST: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

    fn module(operations: &[(&str, &str)], wants: &[(&str, &[&str], &str)]) -> ModuleView {
        let operations: Vec<_> =
            operations.iter().map(|(name, summary)| serde_json::json!({"name": name, "summary": summary})).collect();
        let wants: Vec<_> = wants
            .iter()
            .map(|(command, slots, reason)| serde_json::json!({"command": command, "slots": slots, "reason": reason}))
            .collect();
        let all = serde_json::json!({"file": "f", "sha256": DIGEST, "operations": operations, "wants": wants});
        serde_json::from_value(all).unwrap()
    }

    fn config() -> Config {
        let text = "plugins = [\"/p\"]\nstate = \"/s\"\n[[sockets]]\nname = \"a\"\npath = \"/r/a/s\"\n\
                    secret_file = \"/e/s\"\noperations = [\"*\"]\n";
        Config::parse("regent.toml", text).unwrap().value
    }

    /// Without the comments' signs.
    fn taken(text: &str) -> String {
        let keys = ["# [", "# allow", "# run", "# params."];
        let take = |line: &str| keys.iter().any(|key| line.starts_with(key));
        text.lines().map(|line| if take(line) { &line[2..] } else { line }).map(|line| format!("{line}\n")).collect()
    }

    #[test]
    fn nothing_is_granted_but_the_pin() {
        let text = grants("open", &module(&[("open", "Open it")], &[("add", &["ip"], "adds")]));
        let live: Vec<&str> = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
        assert_eq!(live, [format!("sha256 = [\"{DIGEST}\"]")]);
        let mistakes = Grants::parse("open", "open.toml", &text, &config()).unwrap_err();
        assert!(mistakes.to_string().contains("no operation is served") && mistakes.len() == 1, "{mistakes}");
    }

    #[test]
    fn what_the_comments_say_is_a_grants_file_that_still_says_change_me() {
        let found = module(
            &[("open", "Open it"), ("close", "")],
            &[("add", &["ip", "port", "ip"], "adds"), ("list", &[], ""), ("list", &[], "twice")],
        );
        let text = taken(&grants("open", &found));
        let parsed = Grants::parse("open", "open.toml", &text, &config()).unwrap_or_else(|why| panic!("{why}\n{text}"));
        let parsed = parsed.value;
        assert_eq!((parsed.operations.len(), parsed.commands.len(), parsed.sha256.len()), (2, 2, 1));
        let values = [("ip".to_owned(), "8.8.8.8".to_owned()), ("port".to_owned(), "22".to_owned())];
        assert!(parsed.command("add").unwrap().render(&values).is_err(), "no value is taken before somebody decided");
    }

    #[test]
    fn nothing_that_a_plugin_says_leaves_its_comment() {
        let evil = "x\n[operations.y]\r\n\u{2028}[commands.z]\nrun = [\"/bin/sh\"]";
        let text =
            grants("open", &module(&[("open", evil), (evil, evil)], &[("add", &[], evil), (evil, &[evil], evil)]));
        let live: Vec<&str> = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
        assert_eq!(live.len(), 1, "{text}");
        let parsed = Grants::parse("open", "open.toml", &taken(&text), &config());
        let parsed = parsed.unwrap_or_else(|why| panic!("{why}\n{text}")).value;
        assert_eq!((parsed.operations.len(), parsed.commands.len()), (1, 1), "{text}");
    }

    #[test]
    fn a_module_that_serves_every_name_is_told_so() {
        let text = grants("commands", &module(&[("*", "Run it")], &[]));
        assert!(text.contains("# It serves operations of any name"), "{text}");
        assert!(!text.contains("[operations.*]"), "{text}");
    }
}
