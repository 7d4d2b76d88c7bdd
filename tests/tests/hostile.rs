//! A plugin that breaks every rule, served beside one that keeps them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]

use std::time::Instant;

use regent_tests::{Running, SECRET, World, code, error, fixture, needs_root, proc};
use serde_json::{Value, json};

fn world() -> World {
    needs_root();
    let grants = std::fs::read_to_string(fixture("hostile.toml")).unwrap();
    World::new().plugin("hostile", &grants).plugin("echo", "[operations.echo]\n")
}

fn served(world: &World) -> Running<'_> {
    world.start().serving("hostile").serving("echo")
}

/// It fails so, the log says why, and both plugins go on.
#[track_caller]
fn fails(running: &Running<'_>, op: &str, word: &str, why: &str) {
    let reply = running.op(op, Value::Null);
    assert_eq!((error(&reply), code(&reply)), ("Operation failed", word), "{op}: {reply}");
    running.wait_log(why);
    assert_eq!(running.op("well", Value::Null)["success"], true, "after {op} the next request is served");
    assert_eq!(running.op("echo", json!(op))["data"], op);
}

#[test]
fn each_broken_rule_fails_its_own_request_and_nothing_else() {
    let world = world();
    let running = served(&world);
    fails(&running, "loop", "timeout", "it ran too long");
    fails(&running, "loop-in-finish", "timeout", "it ran too long");
    fails(&running, "recurse", "failed", "it trapped");
    fails(&running, "allocate", "failed", "it wanted too much");
    fails(&running, "trap", "failed", "a panic's text reaches the log");
    fails(&running, "exit", "failed", "it called exit(0)");
    fails(&running, "sleep", "failed", "plugins do not wait");
    fails(&running, "big-reply", "failed", "its reply has");
    fails(&running, "big-state", "failed", "its state has");
    fails(&running, "big-summary", "failed", "its summary has");
    fails(&running, "not-json", "failed", "its reply is not JSON");
    fails(&running, "sixty-five", "failed", "more than 64 steps");
    fails(&running, "plan-in-finish", "failed", "only `prepare` plans");
    fails(&running, "undeclared", "failed", "not granted: add [commands.undeclared] to the grants of hostile");
    fails(&running, "bad-slot", "failed", "has no slot undeclared");
    fails(&running, "missing-slot", "failed", "was given no value");
    assert_eq!(running.op("sixty-four", Value::Null)["success"], true, "the longest plan runs");
}

#[test]
fn a_log_without_end_ends_at_its_limit() {
    let world = world();
    let running = served(&world);
    let before = running.log().len();
    assert_eq!(error(&running.op("flood", Value::Null)), "Operation failed");
    running.wait_log("dropped");
    assert!(running.log().len() - before < 80 << 10, "{} bytes", running.log().len() - before);
}

#[test]
fn while_one_plugin_loops_another_answers() {
    let world = world();
    let running = served(&world);
    let mut looping = running.connect();
    let begin = Instant::now();
    looping.send(format!("{{\"secret\": \"{SECRET}\", \"op\": \"loop\"}}\n").as_bytes());
    for number in 0..20 {
        assert_eq!(running.op("echo", json!(number))["data"], number);
    }
    let answered = begin.elapsed();
    assert_eq!(error(&looping.reply()), "Operation failed");
    assert!(answered < begin.elapsed(), "the neighbour did not wait for the loop's end");
}

#[test]
fn a_sandbox_that_is_killed_is_started_again_for_the_next_request() {
    let world = world();
    let running = served(&world);
    for sandbox in proc::named(running.pid(), "regent-sandbox") {
        let pid = rustix::process::Pid::from_raw(sandbox.cast_signed()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    }
    assert_eq!(running.op("echo", json!("again"))["data"], "again");
    assert_eq!(running.op("well", Value::Null)["success"], true);
}

#[test]
fn what_authorise_says_counts() {
    let world = world();
    let running = served(&world);
    let denied = running.op("authorise-deny", Value::Null);
    assert_eq!((error(&denied), code(&denied)), ("Authorisation failed", "not-authorised"));
    // It asks for an approval, and consent without a pin would be bound to nothing.
    let unpinned = running.op("authorise-steps", Value::Null);
    assert_eq!(error(&unpinned), "Authorisation failed");
    drop(running);
    let pinned = format!("sha256 = \"PIN\"\n{}", std::fs::read_to_string(fixture("hostile.toml")).unwrap());
    let world = world.grants("hostile", &pinned);
    let running = served(&world);
    assert_eq!(running.op("authorise-steps", Value::Null)["state"], "held");
}

#[test]
fn words_of_a_plugin_reach_people_without_what_moves_a_terminal() {
    let world = world();
    let running = served(&world);
    let reply = running.op("control-text", Value::Null);
    let text = error(&reply);
    assert!(text.starts_with("Invalid data: ") && text.is_ascii(), "{text:?}");
    assert!(!text.contains('\u{1b}') && !text.contains('\n'), "{text:?}");
}
