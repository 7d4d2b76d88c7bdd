//! `plugin inspect`: what a module is, on one screen. All of it but the digest is the module's own word, and made
//! harmless.

use regent_protocol::{DescribedOperation, ImportView, ModuleView, WantedCommand, visible};

use super::arguments::Inspect;
use crate::ending::{Ending, Failure};
use crate::show::Fields;
use crate::{described, door, output};

pub(crate) fn inspect(inspect: &Inspect) -> Result<Ending, Failure> {
    let asked =
        ["inspect".as_ref(), "--config".as_ref(), inspect.config.as_os_str(), "--".as_ref(), inspect.what.as_os_str()];
    if inspect.json {
        return door::dry_run(asked);
    }
    match described::found(asked)? {
        (Some(found), ending) => output::print(&screen(&found)).map(|()| ending),
        // It has said why already.
        (None, ending) => Ok(ending),
    }
}

fn screen(found: &ModuleView) -> String {
    let mut fields = Fields::narrow();
    let mut line = |name: &str, value: &str| fields.line(name, &visible::line(value));
    line("module", &found.file);
    if !found.sha256.is_empty() {
        line("sha256", &found.sha256);
        line("size", &format!("{} bytes", found.size));
    }
    if !found.imports.is_empty() {
        line("imports", &imports(&found.imports));
    }
    found.imports.iter().filter(|import| import.class == "refused").for_each(|import| line("refused", &import.name));
    if found.reasons.is_empty() {
        line("exports", &found.exports.join(", "));
        found.operations.iter().for_each(|operation| line("operation", &offer(operation)));
        found.wants.iter().for_each(|want| line("wants", &wish(want)));
        line("next", &format!("regent plugin enable {}", visible::argument(&found.file)));
    } else {
        found.reasons.iter().for_each(|reason| line("not served", reason));
    }
    fields.text()
}

fn imports(imports: &[ImportView]) -> String {
    let count = |class: &str| imports.iter().filter(|import| import.class == class).count();
    format!(
        "{} of Regent, {} served and {} inert of WASI, {} refused",
        count("regent"),
        count("served"),
        count("inert"),
        count("refused")
    )
}

fn offer(operation: &DescribedOperation) -> String {
    let uses = if operation.uses.is_empty() { String::new() } else { format!(" ({})", operation.uses.join(", ")) };
    format!("{}: {}{uses}", operation.name, operation.summary)
}

fn wish(want: &WantedCommand) -> String {
    format!("{}({}): {}", want.command, want.slots.join(", "), want.reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found() -> ModuleView {
        let import = |name: &str, class: &str| ImportView { name: name.into(), class: class.into() };
        ModuleView {
            file: "/p/open.wasm".into(),
            sha256: "ab12".into(),
            size: 4711,
            imports: vec![
                import("regent:plugin/log@0.1.0", "regent"),
                import("wasi:cli/exit@0.2.6", "inert"),
                import("wasi:io/poll@0.2.6", "served"),
            ],
            exports: vec!["operation".into(), "finishing".into()],
            operations: vec![DescribedOperation {
                name: "open".into(),
                summary: "Open it".into(),
                schema: serde_json::Value::Null,
                uses: vec!["finishing".into()],
            }],
            wants: vec![WantedCommand {
                command: "open-port".into(),
                slots: vec!["ip".into(), "port".into()],
                reason: "lets in".into(),
            }],
            reasons: Vec::new(),
        }
    }

    #[test]
    fn a_module_is_one_screen_that_ends_with_what_to_do_next() {
        assert_eq!(
            screen(&found()),
            "module     /p/open.wasm\n\
             sha256     ab12\n\
             size       4711 bytes\n\
             imports    1 of Regent, 1 served and 1 inert of WASI, 0 refused\n\
             exports    operation, finishing\n\
             operation  open: Open it (finishing)\n\
             wants      open-port(ip, port): lets in\n\
             next       regent plugin enable /p/open.wasm\n"
        );
    }

    #[test]
    fn what_is_not_served_is_told_with_its_reasons_and_nothing_comes_next() {
        let mut bad = found();
        bad.imports.push(ImportView { name: "wasi:sockets/tcp@0.2.0".into(), class: "refused".into() });
        bad.reasons = vec!["plugin-import: imports wasi:sockets/tcp@0.2.0: plugins have no network".into()];
        let text = screen(&bad);
        assert!(text.contains("1 refused\n") && !text.contains("exports"), "{text}");
        assert!(text.contains("refused    wasi:sockets/tcp@0.2.0\n"), "{text}");
        assert!(text.ends_with("not served plugin-import: imports wasi:sockets/tcp@0.2.0: plugins have no network\n"));
    }

    #[test]
    fn no_word_of_a_module_reaches_a_person_with_hidden_characters() {
        let evil = || "a\u{1b}[2Jb\nnext       rm -rf /".to_owned();
        let mut module = found();
        let plain = screen(&module).lines().count();
        module.imports[0] = ImportView { name: evil(), class: "refused".into() };
        module.exports = vec![evil()];
        module.operations = vec![DescribedOperation {
            name: evil(),
            summary: evil(),
            uses: vec![evil()],
            ..module.operations[0].clone()
        }];
        module.wants = vec![WantedCommand { command: evil(), slots: vec![evil()], reason: evil() }];
        let text = screen(&module);
        assert_eq!(text.lines().count(), plain + 1, "{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
    }
}
