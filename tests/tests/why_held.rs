//! `regent why REF` of what was held, kept under a key, or asked on the admin socket: whoever was told a reference, an
//! administrator can look it up, also after a restart.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]

use std::{fs, thread, time::Duration};

use regent_tests::{Running, World, code, eventually, needs_root};
use serde_json::{Value, json};

const HELD: &str = r#"sha256 = "PIN"
[operations.fine]
run = ["/usr/bin/true"]
require = [{ step = "approval", of = "ops" }]
[operations.fails]
run = ["/bin/sh", "-c", "echo no such day >&2; exit 3"]
require = [{ step = "approval", of = "ops" }]
[operations.brief]
run = ["/usr/bin/true"]
require = [{ step = "approval", of = "ops" }]
hold_for = "1s"
[operations.slow]
run = ["/usr/bin/sleep", "30"]
timeout = "40s"
require = [{ step = "approval", of = "ops" }]
[operations.at-once]
run = ["/bin/sh", "-c", "echo no such day >&2; exit 3"]
"#;

fn world() -> World {
    needs_root();
    World::new().without_code("desk", HELD)
}

/// What root is told of this reference.
#[track_caller]
fn why(running: &Running<'_>, reply: &Value) -> Value {
    let reference = reply["ref"].as_str().unwrap_or_else(|| panic!("not refused: {reply}"));
    let told = running.regent(&["why", reference, "--json"]);
    assert_eq!(told.status, 0, "{told:?}");
    serde_json::from_str(&told.stdout).unwrap()
}

/// A hold of this operation: its requester's handle and the approvers' name for it.
#[track_caller]
fn held(running: &Running<'_>, op: &str) -> (String, String) {
    let reply = running.op(op, json!({}));
    assert_eq!(reply["state"], "held", "{reply}");
    (reply["uid"].as_str().unwrap().to_owned(), running.only_pending())
}

/// Asks how it stands until it has ended.
#[track_caller]
fn ended(running: &Running<'_>, uid: &str) -> Value {
    eventually("the hold ends", || {
        let reply = running.ask(json!({"uid": uid}));
        reply["error"].is_string().then_some(reply)
    })
}

/// Who asked, by which socket, for what, and why not; the same from memory and, after a restart, from the store and the
/// log.
#[track_caller]
fn is_told(why: &Value, op: &str, id: &str, how: &str) {
    assert_eq!(
        (&why["requester"], &why["from"]["socket"], &why["operation"]),
        (&json!("root"), &json!("web"), &json!(op))
    );
    let told = why["why"].as_str().unwrap();
    assert!(told.starts_with(&format!("hold {id}: ")) && told.contains(how), "{told}");
}

/// Without the store: what is left is what the audit log tells.
fn forget_all_holds(world: &World) {
    for file in fs::read_dir(world.path("state")).unwrap().map(|entry| entry.unwrap().path()) {
        if file.is_file() {
            fs::remove_file(file).unwrap();
        }
    }
}

fn deny(running: &Running<'_>, id: &str) {
    let denied = running.regent_as("games", &["deny", id]);
    assert_eq!(denied.status, 0, "{denied:?}");
}

fn approve(running: &Running<'_>, id: &str) {
    let approved = running.regent_as("games", &["approve", id]);
    assert_eq!(approved.status, 0, "{approved:?}");
}

/// Brings one hold to its end and asks why: at once, after a restart, and when only the log is left.
fn known_thrice(op: &str, how: &str, end: impl Fn(&Running<'_>, &str, &str)) {
    let world = world();
    let running = world.start().serving("desk");
    let (uid, id) = held(&running, op);
    end(&running, &uid, &id);
    let reply = ended(&running, &uid);
    let at_once = why(&running, &reply);
    is_told(&at_once, op, &id, how);
    assert_eq!(at_once["data"], "{}");
    assert!(running.end().success());
    let running = world.start().serving("desk");
    let from_store = why(&running, &reply);
    assert_eq!(from_store, at_once, "the store knows it whole");
    assert!(running.end().success());
    forget_all_holds(&world);
    let running = world.start().serving("desk");
    let from_log = why(&running, &reply);
    is_told(&from_log, op, &id, how.split(" by ").next().unwrap());
    assert_eq!((&from_log["said"], &from_log["rule"]), (&at_once["said"], &at_once["rule"]));
}

#[test]
fn one_that_was_denied_is_told_with_who_denied_it() {
    known_thrice("fine", "denied by anna", |running, _, id| deny(running, id));
}

#[test]
fn one_that_failed_is_told_with_its_step_and_the_line_of_its_grant() {
    known_thrice("fails", "exit status 3: no such day", |running, uid, id| {
        approve(running, id);
        let told = why(running, &ended(running, uid));
        let line = usize::try_from(told["rule"]["line"].as_u64().unwrap()).unwrap();
        let file = fs::read_to_string(told["rule"]["file"].as_str().unwrap()).unwrap();
        assert_eq!(file.lines().nth(line - 1), Some("[operations.fails]"), "{told}");
    });
}

#[test]
fn one_that_expired_is_told_with_its_time() {
    known_thrice("brief", "expired: ", |_, _, _| {});
}

#[test]
fn one_that_was_cancelled_is_told() {
    known_thrice("fine", "cancelled by its requester", |running, uid, _| {
        let reply = running.ask(json!({"uid": uid, "cancel": true}));
        is_told(&why(running, &reply), "fine", &running_id(running, &reply), "cancelled");
    });
}

/// The ID in what is told of a reply.
fn running_id(running: &Running<'_>, reply: &Value) -> String {
    let told = why(running, reply);
    told["why"].as_str().unwrap()["hold ".len()..].split(':').next().unwrap().to_owned()
}

#[test]
fn one_that_is_void_is_told_with_what_has_changed() {
    let world = world();
    let running = world.start().serving("desk");
    let (uid, id) = held(&running, "fine");
    let changed = fs::read_to_string(world.path("grants/desk.toml")).unwrap().replacen("true\"]", "true\", \"x\"]", 1);
    fs::write(world.path("grants/desk.toml"), changed).unwrap();
    assert_eq!(running.regent(&["reload"]).status, 0);
    assert_eq!(running.regent_as("games", &["approve", &id]).status, 1);
    let reply = ended(&running, &uid);
    is_told(&why(&running, &reply), "fine", &id, "void: ");
    is_told(&why(&running, &reply), "fine", &id, "no longer what was shown to the approvers");
}

#[test]
fn one_that_was_interrupted_is_told_from_the_store_and_from_the_log() {
    let world = world();
    let running = world.start().serving("desk");
    let (uid, id) = held(&running, "slow");
    approve(&running, &id);
    eventually("it runs", || (running.ask(json!({"uid": uid}))["state"] == "performing").then_some(()));
    running.kill();
    let running = world.start().serving("desk");
    let reply = running.ask(json!({"uid": uid}));
    assert_eq!(reply["state"], "interrupted", "{reply}");
    is_told(&why(&running, &reply), "slow", &id, "nobody knows how far it came");
    assert!(running.end().success());
    forget_all_holds(&world);
    let running = world.start().serving("desk");
    is_told(&why(&running, &reply), "slow", &id, "nobody knows how far it came");
}

#[test]
fn who_waits_for_one_and_who_answers_one_that_has_ended_is_told_a_reference_that_is_known() {
    let world = world();
    let running = world.start().serving("desk");
    let (uid, id) = held(&running, "fine");
    let reply = thread::scope(|scope| {
        let waits = scope.spawn(|| running.ask(json!({"uid": uid, "wait": 20})));
        thread::sleep(Duration::from_millis(300));
        deny(&running, &id);
        waits.join().unwrap()
    });
    is_told(&why(&running, &reply), "fine", &id, "denied by anna");
    let reply = running.ask(json!({"uid": uid, "data": "yes"}));
    is_told(&why(&running, &reply), "fine", &id, "denied by anna");
}

#[test]
fn a_keyed_request_that_failed_is_told_the_first_time_and_when_it_is_asked_again() {
    let world = world();
    let running = world.start().serving("desk");
    let ask = || running.ask(json!({"op": "at-once", "data": {}, "key": "a key of more than sixteen"}));
    for reply in [ask(), ask()] {
        assert_eq!(code(&reply), "command-failed", "{reply}");
        let told = why(&running, &reply);
        assert!(told["why"].as_str().unwrap().contains("exit status 3: no such day"), "{told}");
        assert!(told["rule"]["line"].is_u64(), "{told}");
    }
}

#[test]
fn a_failed_command_is_told_with_the_line_of_its_grant_at_once_and_after_a_restart() {
    let world = world();
    let running = world.start().serving("desk");
    let reply = running.op("at-once", json!({}));
    let told = why(&running, &reply);
    let rule = told["rule"]["rule"].as_str().unwrap();
    assert!(rule.contains("as root with all of root's capabilities (setuid left out), ok = [0]"), "{told}");
    assert!(running.end().success());
    let running = world.start().serving("desk");
    assert_eq!(why(&running, &reply)["rule"], told["rule"]);
}

#[test]
fn one_who_asks_again_and_again_how_a_hold_ended_pushes_out_nothing_else() {
    let world = world();
    let running = world.start().serving("desk");
    let first = running.op("nonsense", json!("kept"));
    let (uid, id) = held(&running, "fine");
    deny(&running, &id);
    for _ in 0..70 {
        assert_eq!(running.ask(json!({"uid": uid}))["state"], "denied");
    }
    assert_eq!(why(&running, &first)["data"], "\"kept\"");
}

#[test]
fn a_refusal_on_the_admin_socket_is_told_with_the_person_and_the_hold() {
    let world = world();
    let running = world.start().serving("desk");
    let (_, id) = held(&running, "fine");
    // Of root, who asked: no second person.
    let refused = running.regent(&["approve", &id]);
    assert_ne!(refused.status, 0);
    let reference = |out: &regent_tests::Cli| {
        let all = format!("{}{}", out.stdout, out.stderr);
        let found = all.split("ref ").nth(1).unwrap_or_else(|| panic!("no reference: {all}"));
        json!({"ref": found.chars().take(8).collect::<String>()})
    };
    let told = why(&running, &reference(&refused));
    assert_eq!((&told["requester"], &told["from"]["socket"]), (&json!("root"), &json!("admin socket")));
    assert_eq!((&told["operation"], &told["data"]), (&json!("approve"), &json!(format!("\"{id}\""))));
    assert!(!told["why"].as_str().unwrap().is_empty(), "{told}");
    let unknown = running.regent_as("daemon", &["show", &id]);
    let told = why(&running, &reference(&unknown));
    assert!(told["why"].as_str().unwrap().contains("no hold that this person may see"), "{told}");
    let nobody_else = running.regent_as("daemon", &["why", told["reference"].as_str().unwrap_or("aaaaaaaa")]);
    assert_eq!(nobody_else.status, 77);
    assert!(running.end().success());
    let running = world.start().serving("desk");
    assert_eq!(why(&running, &reference(&refused))["operation"], "approve", "the log knows it too");
}
