//! Files without a mistake: what each key comes to, and what is served with a warning.

use std::path::Path;
use std::time::Duration;

use super::{CONFIG, PIN, checked, grants};
use crate::{Config, Engine, Principal, Recycle, SandboxUids, SecretSource, TIMEOUT_DEFAULT, Visible, weak_secret};

fn warnings(text: &str) -> Vec<String> {
    Config::parse("f", text).unwrap().warnings.iter().map(ToString::to_string).collect()
}

#[test]
fn what_is_left_out_of_regent_toml_has_its_default() {
    let checked = Config::parse("regent.toml", CONFIG).unwrap();
    assert!(checked.warnings.is_empty());
    let config = checked.value;
    assert_eq!(config.audit, Path::new("/var/lib/regent/audit.jsonl"));
    assert_eq!((config.grants, config.admin), (None, None));
    assert_eq!(config.keep_results, Duration::from_secs(86400));
    assert_eq!(config.sandbox, SandboxUids { first: 1_900_000_000, count: 1000 });
    assert_eq!(config.engine, Engine::Native);
    assert_eq!(config.recycle, Recycle { after: 10_000, idle: Duration::from_secs(3600) });
    let socket = &config.sockets[0];
    assert_eq!((socket.mode, socket.trust_peer_uid, socket.line), (0o660, true, 3));
    assert!(socket.operations.sees("open") && !socket.operations.sees("reboot"));
    assert_eq!((socket.operations_line, socket.trust_line), (7, None));
    assert!(matches!(&socket.secret, SecretSource::File(path) if path == Path::new("/etc/regent/web.secret")));
    assert_eq!(config.people["ben"].user, "1001");
    assert!(config.people["cleo"].admin && !config.people["anna"].admin);
}

#[test]
fn all_that_regent_toml_can_say_is_read() {
    let text = r#"
plugins = ["/a", "/b"]
grants = "/etc/regent/plugins"
state = "/s"
audit = "/var/log/regent/audit.jsonl"
keep_results = "90m"
[sandbox]
uids = "100000+5"
allow_missing = ["landlock"]
engine = "interpreter"
recycle_after = 7
recycle_idle = "90m"
[[sockets]]
name = "web"
path = "/run/w/s"
mode = "0600"
group = 33
secret = "0123456789abcdefg"
operations = ["*"]
[[sockets]]
name = "container"
path = "/run/c/s"
mode = "666"
secret = "123456"
operations = ["*"]
trust_peer_uid = false
[admin]
path = "/run/a/s"
mode = "0660"
group = "approvers"
"#;
    let checked = Config::parse("f", text).unwrap();
    let config = &checked.value;
    assert_eq!(config.keep_results, Duration::from_secs(5400));
    assert_eq!(config.sandbox, SandboxUids { first: 100_000, count: 5 });
    assert_eq!((&config.allow_missing[..], config.engine), (&[regent_lane::Layer::Landlock][..], Engine::Interpreter));
    assert_eq!(config.recycle, Recycle { after: 7, idle: Duration::from_secs(5400) });
    assert_eq!((config.sockets[1].operations_line, config.sockets[1].trust_line), (25, Some(26)));
    assert_eq!(config.sockets[0].group.as_deref(), Some("33"));
    assert_eq!((config.sockets[0].operations.clone(), config.sockets[1].mode), (Visible::All, 0o666));
    assert_eq!(config.admin.as_ref().unwrap().group.as_deref(), Some("approvers"));
    let SecretSource::Text(secret) = &config.sockets[0].secret else { panic!() };
    assert_eq!(secret.reveal(), "0123456789abcdefg");
    assert!(!format!("{checked:?}").contains("0123456789abcdefg"));
    assert_eq!(
        warnings(text),
        [
            "f:18: the secret is in this file, and known to whoever reads it: write secret_file = …",
            "f:20: operations = [\"*\"] where peers' uids are not trusted: all that is granted is asked for with the secret \
             alone: name the operations",
            "f:23: every user of this machine may connect: write mode = \"0660\" and group",
            "f:24: the secret is in this file, and known to whoever reads it: write secret_file = …",
            "f:24: weak secret: 123456 is what everybody tries first; write 16 random bytes or more",
        ]
    );
}

#[test]
fn a_weak_secret_is_told_from_a_strong_one() {
    for weak in ["", "123456", "short", "fifteen-bytes-x", "aaaaaaaaaaaaaaaaaaaaaaaa"] {
        assert!(weak_secret(weak).is_some(), "{weak}");
    }
    assert_eq!((weak_secret("sixteen-bytes-xx"), weak_secret("aaaaaaaaaaaaaaab")), (None, None));
}

#[test]
fn what_is_left_out_of_a_grants_file_has_its_default_and_is_said() {
    let checked = checked("[operations.o]\n[commands.c]\nrun = [\"/bin/true\"]\n");
    let said: Vec<_> = checked.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        ["firewall.toml:1: operation o: whoever knows the secret may ask, and a command runs at once with the rights \
             of whoever started the daemon: add allow = [{ user = \"NAME\" }], require or run_as",]
    );
    let grants = checked.value;
    assert_eq!((grants.module.as_str(), grants.file.as_str()), ("firewall", "firewall.toml"));
    let operation = &grants.operations[0];
    assert_eq!((operation.allow_line, operation.require_line), (None, None));
    assert_eq!((operation.called.as_str(), &operation.allow, operation.deadline), ("o", &None, None));
    assert_eq!((operation.hold_for.as_secs(), operation.run_within.as_secs(), operation.show_plan), (900, 300, false));
    let command = grants.command("c").unwrap();
    assert_eq!((command.timeout, command.umask, command.output_max), (TIMEOUT_DEFAULT, 0o022, 1 << 20));
    assert_eq!((command.ok.as_slice(), &command.run_as, &command.cwd, command.line), ([0].as_slice(), &None, &None, 2));
    assert_eq!((command.stdin_data, command.leave_children, command.ends_host), (false, false, false));
    assert_eq!(command.render(&[]).unwrap().argv(), ["/bin/true"]);
    assert_eq!(grants.settings, "{}");
}

#[test]
fn all_that_a_grants_file_can_say_is_read() {
    let text = format!(
        r#"
sha256 = ["{PIN}", "{}"]
module = "ufw"
[settings]
when = 2026-11-23T18:00:00Z
deep = {{ a = [1, 2.5, true, "x"], hex = 0xff }}
[operations.open]
as = "open-port"
allow = [{{ user = "www-data" }}, {{ group = "ops" }}, {{ uid = 82 }}, {{ gid = 0 }}]
require = [{{ step = "approval", of = "ops", count = 2 }}]
deadline = "10s"
show_plan = true
hold_for = "1h"
run_within = "10s"
[commands.c]
run = ["/bin/x", "{{{{", "}}}}", "a{{{{b}}}}", "", "{{", "}}"]
timeout = "10m"
run_as = 33
ok = [0, 3]
env = {{ TZ = "UTC", _x9 = "" }}
cwd = "/srv/"
umask = "077"
output_max = 1024
stdin = "data"
leave_children = true
ends_host = true
"#,
        "AB".repeat(32)
    );
    let checked = checked(&text);
    assert!(checked.warnings.is_empty());
    let grants = checked.value;
    assert_eq!((grants.name.as_str(), grants.module.as_str()), ("firewall", "ufw"));
    assert_eq!((grants.sha256.len(), grants.sha256[1]), (2, [0xab; 32]));
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&grants.settings).unwrap(),
        serde_json::json!({"when": "2026-11-23T18:00:00Z", "deep": {"a": [1, 2.5, true, "x"], "hex": 255}})
    );
    let operation = &grants.operations[0];
    assert_eq!((operation.line, operation.allow_line, operation.require_line), (7, Some(9), Some(10)));
    let user = Principal::User("www-data".into());
    let allow = [user, Principal::Group("ops".into()), Principal::Uid(82), Principal::Gid(0)];
    assert_eq!(operation.allow.as_deref(), Some(allow.as_slice()));
    assert_eq!((operation.called.as_str(), operation.deadline), ("open-port", Some(Duration::from_secs(10))));
    let command = grants.command("c").unwrap();
    assert_eq!(command.render(&[]).unwrap().argv(), ["/bin/x", "{", "}", "a{b}", "", "{", "}"]);
    assert_eq!((command.run_as.as_deref(), command.ok.as_slice()), (Some("33"), [0, 3].as_slice()));
    assert_eq!((command.cwd.as_deref(), command.umask), (Some(Path::new("/srv")), 0o077));
    assert_eq!((command.stdin_data, command.leave_children, command.ends_host), (true, true, true));
    assert_eq!((command.output_max, command.env["TZ"].as_str()), (1024, "UTC"));
}

#[test]
fn a_command_may_last_as_long_as_the_deadline_and_no_longer() {
    let with =
        |operation: &str| format!("[operations.o]\n{operation}\n[commands.c]\nrun = [\"/bin/x\"]\ntimeout = \"6s\"\n");
    assert_eq!(grants(&with("deadline = \"6s\"")).operations.len(), 1);
    let held = format!("sha256 = \"{PIN}\"\n{}", with("require = [{ step = \"approval\", of = \"ops\" }]"));
    assert_eq!(grants(&held).operations.len(), 1);
}

#[test]
fn operations_stand_in_the_order_of_the_file() {
    let grants = grants("[operations.z]\n[operations.a]\n[operations.m]\nas = \"b\"\n");
    let called: Vec<_> =
        grants.operations.iter().map(|operation| (operation.called.as_str(), operation.line)).collect();
    assert_eq!(called, [("z", 1), ("a", 2), ("b", 3)]);
}
