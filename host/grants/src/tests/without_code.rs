//! Operations with `run`: what each comes to, and what the module `commands` is told.

use serde_json::{Value, json};

use super::{PIN, checked, config, grants};
use crate::{DEADLINE_DEFAULT, Grants, ReplyForm, TIMEOUT_DEFAULT, Unpinned};

const FILE: &str = r#"
[settings]
days = [1, 15]
[operations.nginx-restart]
run = ["/usr/bin/systemctl", "restart", "nginx.service"]
[operations.rotate]
summary = "Rotate the logs"
as = "rotate-logs"
allow = [{ user = "www-data" }]
deadline = "20s"
run = ["/opt/app/rotate.py", "{day}", "--to={place}", "{ip}"]
params.day = { type = "integer", one_of = "settings.days" }
params.place = { type = "text", pattern = "[a-z]+", max = 9 }
params.ip = { type = "ipv4" }
stdin = "data"
reply = "json"
timeout = "10s"
run_as = "app"
ok = [0, 3]
env = { TZ = "UTC" }
cwd = "/opt/app"
umask = "0077"
output_max = 4096
leave_children = true
ends_host = true
"#;

fn settings(grants: &Grants) -> Value {
    serde_json::from_str(&grants.settings).unwrap()
}

fn named(grants: &Grants, name: &str) -> crate::Operation {
    grants.operations.iter().find(|operation| operation.name == name).unwrap().clone()
}

#[test]
fn an_operation_with_run_is_an_operation_and_the_command_of_its_name() {
    let grants = grants(FILE);
    assert_eq!((grants.name.as_str(), grants.module.as_str()), ("firewall", "commands"));
    let restart = named(&grants, "nginx-restart");
    assert_eq!((restart.run.unwrap().reply, restart.summary, restart.line), (ReplyForm::Text, None, 4));
    let command = grants.command("nginx-restart").unwrap();
    assert_eq!(command.render(&[]).unwrap().argv(), ["/usr/bin/systemctl", "restart", "nginx.service"]);
    assert_eq!((command.timeout, command.stdin_data, command.line), (TIMEOUT_DEFAULT, false, 4));
    assert_eq!(grants.commands.len(), 2);
}

#[test]
fn it_takes_every_key_of_an_operation_and_of_a_command() {
    let grants = grants(FILE);
    let rotate = named(&grants, "rotate");
    assert_eq!((rotate.called.as_str(), rotate.summary.as_deref()), ("rotate-logs", Some("Rotate the logs")));
    assert_eq!((rotate.run.unwrap().reply, rotate.deadline.unwrap().as_secs()), (ReplyForm::Json, 20));
    let command = grants.command("rotate").unwrap();
    assert!(command.stdin_data && command.leave_children && command.ends_host);
    assert_eq!((command.timeout.as_secs(), command.run_as.as_deref()), (10, Some("app")));
    assert_eq!((command.ok.as_slice(), command.env["TZ"].as_str()), ([0, 3].as_slice(), "UTC"));
    assert_eq!((command.cwd.as_ref().unwrap().to_str(), command.umask), (Some("/opt/app"), 0o077));
    assert_eq!(command.output_max, 4096);
    let values = [("day", "15"), ("place", "srv"), ("ip", "8.8.8.8")].map(|(slot, value)| (slot.into(), value.into()));
    assert_eq!(command.render(&values).unwrap().argv(), ["/opt/app/rotate.py", "15", "--to=srv", "8.8.8.8"]);
}

#[test]
fn the_module_is_told_of_the_operations_and_not_of_the_settings() {
    assert_eq!(
        settings(&grants(FILE)),
        json!({"operations": {
            "nginx-restart": {"stdin": false, "reply": "text", "params": {}},
            "rotate": {
                "summary": "Rotate the logs",
                "stdin": true,
                "reply": "json",
                "params": {"day": "integer", "place": "text", "ip": "ipv4"},
            },
        }})
    );
    let none =
        grants("[operations.o]\nrun = [\"/bin/true\", \"{v}\"]\nparams.v = { one_of = [\"a\"] }\nreply = \"none\"\n");
    let told = json!({"operations": {"o": {"stdin": false, "reply": "none", "params": {"v": "one_of"}}}});
    assert_eq!(settings(&none), told);
}

#[test]
fn a_schema_says_what_is_sent_and_that_nothing_else_is() {
    let grants = grants(&FILE.replace("stdin = \"data\"", ""));
    assert_eq!(
        grants.schema(&named(&grants, "rotate")),
        Some(json!({
            "type": "object",
            "properties": {
                "day": {"type": "integer", "enum": [1, 15]},
                "place": {"type": "string", "pattern": "^(?:[a-z]+)$", "minLength": 1, "maxLength": 9},
                "ip": {"type": "string", "format": "ipv4"},
            },
            "required": ["day", "place", "ip"],
            "additionalProperties": false,
        }))
    );
    let more = json!({"type": "object", "properties": {}, "required": [], "additionalProperties": false});
    assert_eq!(grants.schema(&named(&grants, "nginx-restart")), Some(more));
}

#[test]
fn a_command_that_reads_the_data_may_be_sent_more_than_its_slots() {
    let grants = grants(FILE);
    let schema = grants.schema(&named(&grants, "rotate")).unwrap();
    assert_eq!(schema["additionalProperties"], json!(true));
}

#[test]
fn an_operation_with_code_has_no_schema_and_its_settings_are_its_own() {
    let grants = grants("[settings]\na = 1\n[operations.o]\nsummary = \"Do it\"\n");
    assert_eq!((grants.schema(&grants.operations[0]), grants.operations[0].run.clone()), (None, None));
    assert_eq!((grants.module.as_str(), settings(&grants)), ("firewall", json!({"a": 1})));
    assert_eq!(grants.operations[0].summary.as_deref(), Some("Do it"));
}

/// A plugin may plan any command, so the shortest operation counts; without code each has but its own.
#[test]
fn a_command_without_code_has_to_fit_into_its_own_operation_only() {
    let grants = grants(FILE);
    assert!(grants.command("rotate").unwrap().timeout > DEADLINE_DEFAULT);
    assert_eq!(named(&grants, "nginx-restart").deadline, None);
}

#[test]
fn what_is_held_without_code_may_take_its_time_and_is_vouched_for_elsewhere() {
    let held =
        "[operations.o]\nrun = [\"/bin/x\"]\ntimeout = \"1h\"\nrequire = [{ step = \"approval\", of = \"ops\" }]\n";
    assert!(matches!(grants(held).unpinned(), Some(Unpinned::Mistake(said)) if said.line == 4));
    assert_eq!(grants(&format!("sha256 = \"{PIN}\"\n{held}")).unpinned(), None);
}

#[test]
fn what_bears_on_an_operation_without_code_is_in_its_digest() {
    let text = |file: &str| {
        let grants = grants(file);
        grants.digest_text(&named(&grants, "rotate"))
    };
    for (from, to) in [
        ("reply = \"json\"", "reply = \"none\""),
        ("stdin = \"data\"", ""),
        ("summary = \"Rotate the logs\"", "summary = \"Rotate\""),
        ("leave_children = true", ""),
        ("ends_host = true", ""),
        ("days = [1, 15]", "days = [1, 16]"),
    ] {
        assert!(FILE.contains(from), "{from}");
        assert_ne!(text(&FILE.replacen(from, to, 1)), text(FILE), "{from}");
    }
}

#[test]
fn the_module_may_be_named_as_it_is() {
    let checked = checked(&format!("module = \"commands\"\n{FILE}"));
    assert_eq!(checked.value.module, "commands");
    let file = Grants::parse("commands", "commands.toml", FILE, &config()).unwrap().value;
    assert_eq!((file.name.as_str(), file.module.as_str()), ("commands", "commands"));
}

#[test]
fn a_command_that_no_operation_without_code_runs_is_said() {
    let text = "[operations.o]\nallow = [{ user = \"a\" }]\nrun = [\"/bin/x\"]\n[commands.c]\nrun = [\"/bin/y\"]\n";
    let said: Vec<_> = checked(text).warnings.iter().map(ToString::to_string).collect();
    let nothing = "command c: nothing runs it, since operations with run have their own: take it out";
    assert_eq!(said, [format!("firewall.toml:4: {nothing}")]);
}
