//! `key`: what was asked under it is done at most once, however often and from wherever it is asked again, over the
//! daemon's end and its death. Each with the twin that is done anew.
//!
//! The plugin `whoami` runs the command of that name; here that is a script which leaves a line a run beside itself,
//! and prints something that no two runs print.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::thread;

use regent_tests::{Running, SECRET, World, code, error, eventually, needs_root};
use regentd::held::{KEYED, LIVE};
use serde_json::{Value, json};

const APPROVAL: &str = "require = [{ step = \"approval\", of = \"ops\" }]";
const ENDLESS: &str = "deadline = \"60s\"";

/// A world whose `whoami` runs this after it has left its line.
fn world(body: &str, operation: &str) -> World {
    needs_root();
    let world = World::new().socket("other", "operations = [\"*\"]");
    let program = world.path("program");
    let script = format!("#!/bin/sh\necho run >>$0.runs\n{body}\ncat /proc/sys/kernel/random/uuid\n");
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let run = program.display();
    let grants = format!(
        "sha256 = \"PIN\"\n[operations.whoami]\n{operation}\n[commands.whoami]\nrun = [\"{run}\"]\ntimeout = \"50s\"\n"
    );
    world.plugin("whoami", &grants).plugin("echo", "[operations.echo]\n")
}

fn start(world: &World) -> Running<'_> {
    world.start().serving("whoami").serving("echo")
}

fn keyed(key: &str) -> Value {
    json!({"op": "whoami", "data": {"n": 1}, "key": key})
}

fn runs(world: &World) -> usize {
    fs::read_to_string(world.path("program.runs")).unwrap_or_default().lines().count()
}

#[track_caller]
fn printed(reply: &Value) -> String {
    assert_eq!((&reply["success"], &reply["uid"]), (&json!(true), &Value::Null), "{reply}");
    reply["data"].as_str().unwrap().to_owned()
}

#[test]
fn what_was_done_under_a_key_is_told_again_and_not_done_again() {
    let world = world("", ENDLESS);
    let running = start(&world);
    let first = running.ask(keyed("order 17"));
    let text = printed(&first);
    for _ in 0..3 {
        assert_eq!(running.ask(keyed("order 17")), first);
    }
    assert_eq!(runs(&world), 1);
    assert_ne!(printed(&running.ask(keyed("order 18"))), text, "another deed");
    assert_ne!(printed(&running.op("whoami", json!({"n": 1}))), text, "no key");
    assert_ne!(printed(&running.ask(json!({"op": "whoami", "data": {"n": 1}, "key": null}))), text, "no key either");
    assert_eq!(runs(&world), 4);
    // The same by the command line, whose data is other bytes for the same; a key stands for bytes.
    let again = running.regent(&["call", "--key", "order 17", "whoami", "--data", "{\"n\":1}"]);
    assert_eq!((again.status, again.stdout.trim()), (0, text.as_str()), "{again:?}");
    assert_eq!(runs(&world), 4);
}

#[test]
fn asked_twenty_times_at_once_it_runs_once_and_all_hear_the_same() {
    let world = world("sleep 0.5", ENDLESS);
    let running = start(&world);
    let replies: Vec<Value> = thread::scope(|scope| {
        let asked: Vec<_> = (0..20).map(|_| scope.spawn(|| running.ask(keyed("k")))).collect();
        asked.into_iter().map(|asked| asked.join().unwrap()).collect()
    });
    let text = printed(&replies[0]);
    assert!(replies.iter().all(|reply| printed(reply) == text), "{replies:?}");
    assert_eq!(runs(&world), 1);
}

#[test]
fn held_twenty_times_at_once_it_is_one_hold() {
    let world = world("", APPROVAL);
    let running = start(&world);
    let replies: Vec<Value> = thread::scope(|scope| {
        let asked: Vec<_> = (0..20).map(|_| scope.spawn(|| running.ask(keyed("k")))).collect();
        asked.into_iter().map(|asked| asked.join().unwrap()).collect()
    });
    assert!(replies.iter().all(|reply| *reply == replies[0] && reply["state"] == "held"), "{replies:?}");
    running.only_pending();
}

#[test]
fn who_hung_up_meanwhile_asks_again_and_hears_how_it_ended() {
    let world = world("sleep 1", ENDLESS);
    let running = start(&world);
    let mut request = keyed("k");
    request["secret"] = SECRET.into();
    let mut wire = running.connect();
    wire.send(format!("{request}\n").as_bytes());
    eventually("it runs", || (runs(&world) == 1).then_some(()));
    drop(wire);
    printed(&running.ask(keyed("k")));
    assert_eq!(runs(&world), 1);
}

#[test]
fn it_is_told_again_after_the_daemons_end_and_after_its_death() {
    let world = world("", ENDLESS);
    let running = start(&world);
    let first = running.ask(keyed("k"));
    printed(&first);
    assert!(running.end().success());
    let running = start(&world);
    assert_eq!(running.ask(keyed("k")), first);
    running.kill();
    let running = start(&world);
    assert_eq!(running.ask(keyed("k")), first);
    assert_eq!(runs(&world), 1);
}

#[test]
fn what_ran_when_the_daemon_died_is_interrupted_for_ever_and_never_run_again() {
    let world = world("sleep 30", ENDLESS);
    let running = start(&world);
    let mut request = keyed("k");
    request["secret"] = SECRET.into();
    let mut wire = running.connect();
    wire.send(format!("{request}\n").as_bytes());
    eventually("it runs", || (runs(&world) == 1).then_some(()));
    running.kill();
    let running = start(&world);
    for _ in 0..2 {
        let reply = running.ask(keyed("k"));
        assert_eq!((error(&reply), &reply["state"]), ("Operation failed", &json!("interrupted")), "{reply}");
    }
    running.kill();
    let running = start(&world);
    assert_eq!(running.ask(keyed("k"))["state"], "interrupted");
    assert_eq!(runs(&world), 1, "whether it happened is not known, so it is not done again");
}

#[test]
fn what_has_failed_is_told_again_and_not_tried_again() {
    let world = world("exit 3", ENDLESS);
    let running = start(&world);
    let first = running.ask(keyed("k"));
    assert_eq!((code(&first), &first["state"]), ("command-failed", &json!("failed")), "{first}");
    assert_eq!(running.ask(keyed("k")), first, "its reference too, which stands in the log");
    assert_eq!(runs(&world), 1);
    assert_eq!(code(&running.ask(keyed("another"))), "command-failed");
    assert_eq!(runs(&world), 2, "under another key it is tried again");
}

#[test]
fn a_request_that_is_refused_before_it_runs_uses_no_key_up() {
    let world = world("", ENDLESS);
    let running = start(&world);
    let request = json!({"op": "nonsense", "data": 1, "key": "k"});
    assert_eq!(code(&running.ask(request.clone())), "unknown-operation");
    assert_eq!(code(&running.ask(request)), "unknown-operation");
    printed(&running.ask(keyed("k")));
    assert_eq!(runs(&world), 1);
}

#[test]
fn a_hold_under_a_key_is_one_hold_and_then_its_result() {
    let world = world("", APPROVAL);
    let running = start(&world);
    let held = running.ask(keyed("k"));
    assert_eq!(held["state"], "held", "{held}");
    assert_eq!(running.ask(keyed("k")), held, "the same uid and all");
    running.kill();
    let running = start(&world);
    assert_eq!(running.ask(keyed("k")), held, "the uid is not kept, and is the same");
    let id = running.only_pending();
    let waiting = thread::scope(|scope| {
        let mut request = keyed("k");
        request["wait"] = 30.into();
        let waiting = scope.spawn(|| running.ask(request));
        assert_eq!(running.regent_as("games", &["approve", &id]).status, 0);
        waiting.join().unwrap()
    });
    let text = printed(&waiting);
    assert_eq!(printed(&running.ask(keyed("k"))), text);
    assert_eq!(printed(&running.ask(json!({"uid": held["uid"]}))), text, "as by its uid");
    assert_eq!(runs(&world), 1);
}

#[test]
fn a_hold_that_was_denied_stays_denied_under_its_key() {
    let world = world("", APPROVAL);
    let running = start(&world);
    assert_eq!(running.ask(keyed("k"))["state"], "held");
    assert_eq!(running.regent_as("games", &["deny", &running.only_pending()]).status, 0);
    let reply = running.ask(keyed("k"));
    assert_eq!((code(&reply), &reply["state"]), ("not-authorised", &json!("denied")));
    assert_eq!(running.regent(&["pending", "--json"]).stdout.trim(), "[]");
    assert_eq!(running.ask(keyed("another"))["state"], "held");
}

#[test]
fn the_same_key_for_another_request_is_a_mistake_of_the_caller() {
    let world = world("", ENDLESS);
    let running = start(&world);
    let first = running.ask(keyed("k"));
    for other in [
        json!({"op": "whoami", "data": {"n": 2}, "key": "k"}),
        json!({"op": "echo", "data": {"n": 1}, "key": "k"}),
        json!({"op": "nonsense", "key": "k"}),
    ] {
        let reply = running.ask(other);
        let said = (error(&reply), code(&reply));
        assert_eq!(said, ("Invalid message: key was given to another request", "invalid-message"));
    }
    assert_eq!(running.ask(keyed("k")), first);
    assert_eq!(runs(&world), 1);
}

#[test]
fn a_key_is_of_its_socket_and_user() {
    let world = world("", ENDLESS);
    let running = start(&world);
    let mine = printed(&running.ask(keyed("k")));
    let call = ["call", "--key", "k", "whoami", "--data", "{\"n\":1}"];
    let theirs = running.regent_as("games", &call);
    assert_eq!(theirs.status, 0, "{theirs:?}");
    assert_ne!(theirs.stdout.trim(), mine);
    assert_eq!(running.regent_as("games", &call).stdout, theirs.stdout);
    let mut request = keyed("k");
    request["secret"] = SECRET.into();
    let elsewhere = printed(&running.connect_to("other").ask(&request));
    assert_ne!(elsewhere, mine);
    assert_eq!(runs(&world), 3);
}

#[test]
fn a_key_that_could_mean_nothing_is_refused() {
    let world = world("", ENDLESS);
    let running = start(&world);
    for request in [
        json!({"op": "whoami", "key": "k", "dry_run": true}),
        json!({"uid": "00000000-0000-4000-8000-000000000000", "key": "k"}),
        json!({"list": true, "key": "k"}),
    ] {
        assert_eq!(error(&running.ask(request)), "Invalid message: key is not served");
    }
    for key in [json!(""), json!("x".repeat(129)), json!(17), json!(["k"])] {
        let reply = running.ask(json!({"op": "whoami", "key": key}));
        assert_eq!(error(&reply), "Invalid message: wrong type of key");
    }
    assert_eq!(runs(&world), 0);
    printed(&running.ask(json!({"op": "whoami", "key": "x".repeat(128)})));
}

#[test]
fn one_key_too_many_is_refused_and_takes_nothing_from_others() {
    let world = world("", ENDLESS);
    let running = start(&world);
    let mut wire = running.connect();
    let mut echo = |key: usize| wire.ask(&json!({"secret": SECRET, "op": "echo", "data": key, "key": key.to_string()}));
    for key in 0..KEYED.each {
        assert_eq!(echo(key)["data"], key);
    }
    let reply = echo(KEYED.each);
    assert_eq!((error(&reply), code(&reply)), ("Too many requests", "rate"));
    assert_eq!(echo(0)["data"], 0, "none of the earlier was pushed out");
    assert_eq!(running.op("echo", json!(1))["data"], 1, "without a key");
    let other = running.regent_as("games", &["call", "--key", "k", "echo"]);
    assert_eq!(other.status, 0, "{other:?}");
}

#[test]
fn a_requester_that_holds_all_it_may_still_hears_what_its_keys_came_to() {
    let world = world("", APPROVAL);
    let running = start(&world);
    let held: Vec<Value> = (0..LIVE.each).map(|key| running.ask(keyed(&key.to_string()))).collect();
    assert_eq!(code(&running.ask(keyed("one more"))), "rate");
    for (key, held) in held.iter().enumerate() {
        assert_eq!(running.ask(keyed(&key.to_string())), *held);
    }
}
