//! Each limit that a plugin meets has a word of its own, and it is the same in the log, in the audit trail and when the module
//! is tried by hand. The caller hears the wire's words and nothing of the plugin's inside.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]

mod handmade;

use std::fs::{self, File};

use handmade::importing;
use regent_tests::{Running, World, code, error, eventually, fixture, needs_root};
use serde_json::{Value, json};

/// EX_DATAERR: the module is bad.
const BAD_MODULE: i32 = 65;
/// EX_SOFTWARE: the plugin broke a rule.
const BROKE_A_RULE: i32 = 70;

/// Operation of the hostile plugin, what its caller hears, and the word for it.
const LIMITS: [(&str, &str, &str); 13] = [
    ("loop", "timeout", "plugin-timeout"),
    ("loop-in-finish", "timeout", "plugin-timeout"),
    ("allocate", "failed", "plugin-memory"),
    ("trap", "failed", "plugin-trap"),
    ("trap-in-finish", "failed", "plugin-trap"),
    ("recurse", "failed", "plugin-trap"),
    ("exit", "failed", "plugin-trap"),
    ("sleep", "failed", "plugin-fault"),
    ("sixty-five", "failed", "plugin-fault"),
    ("big-reply", "failed", "plugin-fault"),
    ("big-state", "failed", "plugin-fault"),
    ("not-json", "failed", "plugin-fault"),
    ("bad-slot", "failed", "plugin-fault"),
];

fn world() -> World {
    needs_root();
    World::new().plugin("hostile", &fs::read_to_string(fixture("hostile.toml")).unwrap())
}

/// `regent plugin run` of the hostile fixture: how it ended, and its words.
fn tried(running: &Running<'_>, operation: &str) -> (i32, String) {
    let module = fixture("hostile.wasm").display().to_string();
    let grants = fixture("hostile.toml").display().to_string();
    let ran = running.regent(&["plugin", "run", &module, operation, "--grants", &grants, "--perform"]);
    (ran.status, ran.stdout + &ran.stderr)
}

#[test]
fn each_limit_has_its_word_in_the_log_in_the_audit_trail_and_where_it_is_tried() {
    let world = world();
    let running = world.start().serving("hostile");
    for (operation, heard, word) in LIMITS {
        let reply = running.op(operation, Value::Null);
        assert_eq!((error(&reply), code(&reply)), ("Operation failed", heard), "{operation}: {reply}");
        assert!(!reply.to_string().contains("plugin-"), "{operation}: its caller hears nothing of it: {reply}");
        let reference = reply["ref"].as_str().unwrap();
        let line = eventually("the log says why", || {
            let is_it = |line: &&str| line.contains(&format!("ref {reference}:"));
            running.log().lines().find(is_it).map(str::to_owned)
        });
        assert!(line.contains(&format!("{word}: ")), "{operation}: {line}");
        let outcome = eventually("the audit trail says why", || {
            let of = |line: &Value| line["ref"] == reference && line["outcome"].is_string();
            world.audit().into_iter().find(of).map(|line| line["outcome"].as_str().unwrap().to_owned())
        });
        assert!(outcome.contains(&format!("{word}: ")), "{operation}: {outcome}");
        let why = running.regent(&["why", reference]).stdout;
        assert!(why.contains(word), "{operation}: {why}");
        let (status, told) = tried(&running, operation);
        assert_eq!(status, BROKE_A_RULE, "{operation}: {told}");
        assert!(told.contains(&format!("code       {word}\n")), "{operation}: {told}");
    }
    // The twin: what keeps all rules.
    assert_eq!(running.op("well", Value::Null)["data"], "well");
    let (status, told) = tried(&running, "well");
    assert!(status == 0 && !told.contains("plugin-"), "{told}");
}

#[test]
fn what_a_module_may_not_import_and_how_large_it_may_be_has_its_word_where_it_is_listed_and_tried() {
    let world = world();
    let running = world.start().serving("hostile");
    let network = world.path("plugins/.network");
    fs::write(&network, importing(&[("wasi:sockets/tcp@0.2.0", "a")])).unwrap();
    let large = world.path("plugins/.large");
    File::create(&large).unwrap().set_len((64 << 20) + 1).unwrap();
    for (name, beside, word) in [("network", network, "plugin-import"), ("large", large, "plugin-size")] {
        let module = world.path(&format!("plugins/{name}.wasm"));
        fs::rename(beside, &module).unwrap();
        world.put(&format!("grants/{name}.toml"), format!("[operations.say]\nas = \"{name}\"\n"));
        let listed = running.wait_plugin(name, "not-serving");
        assert!(listed["reasons"][0].as_str().unwrap().starts_with(&format!("{word}: ")), "{listed}");
        assert!(running.log().contains(&format!("plugin {name} does not serve: {word}: ")));
        let module = module.display().to_string();
        for arguments in [&["plugin", "run", &module, "say"][..], &["plugin", "inspect", &module]] {
            let ran = running.regent(arguments);
            assert_eq!(ran.status, BAD_MODULE, "{ran:?}");
            assert!((ran.stdout.clone() + &ran.stderr).contains(&format!("{word}: ")), "{ran:?}");
        }
        let reply = running.op(name, json!(1));
        assert!(
            reply["success"] != true && !reply.to_string().contains(word),
            "its caller hears nothing of it: {reply}"
        );
    }
    assert_eq!(running.op("well", Value::Null)["data"], "well");
}
