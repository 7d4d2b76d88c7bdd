//! Each limit that a plugin meets has a word of its own, and it is the same in the log, in the audit trail and when the
//! module is tried by hand. The caller hears the wire's words and nothing of the plugin's inside.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]

mod handmade;

use std::fs::{self, File};
use std::path::PathBuf;

use handmade::{Plugin, describing, importing};
use regent_tests::{Running, World, code, error, eventually, fixture, needs_root};
use serde_json::{Value, json};

/// EX_DATAERR: the module is bad.
const BAD_MODULE: i32 = 65;
/// EX_SOFTWARE: the plugin broke a rule.
const BROKE_A_RULE: i32 = 70;

/// EX_CONFIG: the grants do not grant it.
const NOT_GRANTED: i32 = 78;

/// Operation of the hostile plugin, what its caller hears, and the word for it.
const LIMITS: [(&str, &str, &str); 19] = [
    ("loop", "timeout", "plugin-timeout"),
    ("loop-in-finish", "timeout", "plugin-timeout"),
    ("flood", "timeout", "plugin-timeout"),
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
    ("big-summary", "failed", "plugin-fault"),
    ("big-value", "failed", "plugin-fault"),
    ("big-random", "failed", "plugin-fault"),
    ("bad-slot", "failed", "plugin-fault"),
    ("missing-slot", "failed", "plugin-fault"),
    ("plan-in-finish", "failed", "plugin-fault"),
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

/// Asks for what fails: its caller hears this and nothing of the plugin, and the log, the audit trail and `regent why`
/// know why.
#[track_caller]
fn fails(running: &Running<'_>, world: &World, operation: &str, heard: &str, word: &str) {
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
        let of = |line: &Value| line["ref"] == reference && line["why"].is_string();
        world.audit().into_iter().find(of).map(|line| line["why"].as_str().unwrap().to_owned())
    });
    assert!(outcome.contains(&format!("{word}: ")), "{operation}: {outcome}");
    let why = running.regent(&["why", reference]).stdout;
    assert!(why.contains(word), "{operation}: {why}");
}

#[test]
fn each_limit_has_its_word_in_the_log_in_the_audit_trail_and_where_it_is_tried() {
    let world = world();
    let running = world.start().serving("hostile");
    for (operation, heard, word) in LIMITS {
        fails(&running, &world, operation, heard, word);
        let (status, told) = tried(&running, operation);
        assert_eq!(status, BROKE_A_RULE, "{operation}: {told}");
        assert!(told.contains(&format!("code       {word}\n")), "{operation}: {told}");
    }
    // What is not granted is the plugin's fault to a daemon, and to whoever tries it the grants'.
    fails(&running, &world, "undeclared", "failed", "plugin-fault: not granted");
    let (status, told) = tried(&running, "undeclared");
    assert!(status == NOT_GRANTED && told.contains("code       not-granted\n"), "{told}");
    // The twin: what keeps all rules.
    assert_eq!(running.op("well", Value::Null)["data"], "well");
    let (status, told) = tried(&running, "well");
    assert!(status == 0 && !told.contains("plugin-"), "{told}");
}

/// The records of a plugin that does not serve.
fn unserved(world: &World, name: &str) -> Vec<Value> {
    let is_it = |line: &Value| line["event"] == "plugin" && line["plugin"] == name && line["serving"] == "not-serving";
    world.audit().into_iter().filter(is_it).collect()
}

/// Lies beside its place, to be renamed.
fn beside(world: &World, name: &str, module: &[u8]) -> PathBuf {
    let path = world.path(&format!("plugins/.{name}"));
    fs::write(&path, module).unwrap();
    path
}

#[test]
fn what_a_module_may_not_import_how_large_it_may_be_and_how_it_begins_has_its_word_in_the_log_the_audit_trail_and_where_it_is_listed_and_tried()
 {
    let world = world();
    let running = world.start().serving("hostile");
    let large = beside(&world, "large", b"");
    File::options().write(true).open(&large).unwrap().set_len((64 << 20) + 1).unwrap();
    let network = beside(&world, "network", &importing(&[("wasi:sockets/tcp@0.2.0", "a")]));
    let begins = describing("{}").items("(func $start (loop $on (br $on))) (start $start)");
    let begins = beside(&world, "begins", &begins.component());
    let wants = beside(&world, "wants", &Plugin { pages: 1025, ..Plugin::default() }.component());
    let describes = Plugin { describe: "(loop $on (br $on)) (i32.const 0)".into(), ..Plugin::default() };
    let describes = beside(&world, "describes", &describes.component());
    for (name, beside, begin, word, ends) in [
        ("network", network, "", "plugin-import", BAD_MODULE),
        ("large", large, "", "plugin-size", BAD_MODULE),
        ("begins", begins, "", "plugin-timeout", BROKE_A_RULE),
        ("wants", wants, "", "plugin-memory", BROKE_A_RULE),
        ("describes", describes, "describe: ", "plugin-timeout", BROKE_A_RULE),
    ] {
        let module = world.path(&format!("plugins/{name}.wasm"));
        fs::rename(beside, &module).unwrap();
        world.put(&format!("grants/{name}.toml"), format!("[operations.say]\nas = \"{name}\"\n"));
        let why = eventually("it is judged", || {
            let reason = running.wait_plugin(name, "not-serving")["reasons"][0].as_str()?.to_owned();
            (!reason.contains("there is no") && !reason.contains("is being written")).then_some(reason)
        });
        assert!(why.starts_with(&format!("{begin}{word}: ")), "{why}");
        assert!(running.log().contains(&format!("plugin {name} does not serve: {why}")), "{}", running.log());
        let judged: Vec<Value> =
            unserved(&world, name).into_iter().filter(|line| line["why"].as_str().unwrap().starts_with(&why)).collect();
        assert_eq!(judged.len(), 1, "{judged:?}");
        assert_eq!(judged[0]["module"].is_string(), name != "large", "what is too large is not read: {judged:?}");
        let module = module.display().to_string();
        let ran = running.regent(&["plugin", "run", &module, "say"]);
        assert_eq!(ran.status, ends, "{ran:?}");
        assert!(ran.stdout.contains(&format!("code       {word}\nbecause    {begin}{word}: ")), "{ran:?}");
        let inspected = running.regent(&["plugin", "inspect", &module]);
        assert_eq!(inspected.status, ends, "{inspected:?}");
        assert!((inspected.stdout.clone() + &inspected.stderr).contains(&format!("{word}: ")), "{inspected:?}");
        let reply = running.op(name, json!(1));
        assert!(
            reply["success"] != true && !reply.to_string().contains(word),
            "its caller hears nothing of it: {reply}"
        );
    }
    assert_eq!(running.op("well", Value::Null)["data"], "well");
}

#[test]
fn a_module_that_does_not_serve_is_on_record_once_for_each_judgement_and_never_at_length() {
    let world = world();
    let running = world.start().serving("hostile");
    let named = |name: &str| importing(&[(format!("some:thing/{name}").as_str(), "a")]);
    world.put("plugins/bad.wasm", named("one"));
    world.put("grants/bad.toml", "[operations.say]\nas = \"bad\"\n");
    let recorded = |text: &str| {
        eventually(&format!("{text} is on record"), || {
            let records = unserved(&world, "bad");
            let last = records.last().is_some_and(|last| last["why"].as_str().unwrap().contains(text));
            last.then_some(records.len())
        })
    };
    let first = recorded("some:thing/one");
    for _ in 0..3 {
        running.regent(&["reload"]);
    }
    assert_eq!(unserved(&world, "bad").len(), first, "looked at again it is no news");
    world.put("plugins/bad.wasm", named("two"));
    assert_eq!(recorded("some:thing/two"), first + 1);
    let many: Vec<String> = (0..200).map(|number| format!("some:thing/{}{number}", "x".repeat(60))).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|name| (name.as_str(), "a")).collect();
    world.put("plugins/bad.wasm", importing(&many));
    assert_eq!(recorded("some:thing/xxx"), first + 2);
    let last = unserved(&world, "bad").pop().unwrap()["why"].as_str().unwrap().len();
    assert!(last < 3 << 10, "{last} bytes");
}
