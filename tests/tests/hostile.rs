//! A plugin that breaks every rule, served beside one that keeps them: its caller hears so much and no more, the log
//! says why, and nobody else notices.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use regent_tests::{Running, SECRET, Wire, World, code, error, eventually, fixture, kill_sandbox, needs_root, proc};
use rustix::process::Signal;
use serde_json::{Value, json};

/// What a request may write to the log, and room for the lines' own words.
const LOG_MAX: usize = 80 << 10;

fn grants() -> String {
    fs::read_to_string(fixture("hostile.toml")).unwrap()
}

fn world() -> World {
    needs_root();
    World::new().plugin("hostile", &grants()).plugin("echo", "[operations.echo]\n")
}

fn served(world: &World) -> Running<'_> {
    world.start().serving("hostile").serving("echo")
}

/// The line of the log with this reply's reference.
#[track_caller]
fn logged(running: &Running<'_>, reply: &Value) -> String {
    let reference = format!("ref {}:", reply["ref"].as_str().unwrap());
    eventually("the log says why", || running.log().lines().find(|line| line.contains(&reference)).map(str::to_owned))
}

/// It fails so, the log says why and whose fault it was, and both plugins go on: this one in another process, as soon
/// as the rate of faults allows, the other in the one that it had.
#[track_caller]
fn fails(running: &Running<'_>, op: &str, word: &str, why: &str) {
    let (before, times) = (running.sandboxes(), running.replacements("hostile"));
    let reply = running.op(op, Value::Null);
    assert_eq!((error(&reply), code(&reply)), ("Operation failed", word), "{op}: {reply}");
    let line = logged(running, &reply);
    assert!(line.contains("the plugin's fault: ") && line.contains(why), "{op}: {line}");
    assert_eq!(running.op("well", Value::Null)["data"], "well", "after {op} the next request is served");
    assert_eq!(running.op("echo", json!(op))["data"], op);
    let new = running.replaced("hostile", times + 1);
    let after = eventually("the old process is gone", || Some(running.sandboxes()).filter(|now| now.len() == 2));
    assert!(!before.contains(&new), "{op} costs its process");
    assert_eq!(after.iter().filter(|pid| before.contains(pid)).count(), 1, "{op}: {before:?}, then {after:?}");
    assert_eq!(running.replacements("echo"), 0);
}

/// The sandbox of the hostile plugin.
fn sandbox(running: &Running<'_>) -> u32 {
    running.op("trap", Value::Null);
    let pid = running.replaced("hostile", 1);
    eventually("the one before is gone", || (running.sandboxes().len() == 2).then_some(pid))
}

fn signal(pid: u32, signal: Signal) {
    let pid = rustix::process::Pid::from_raw(pid.cast_signed()).unwrap();
    rustix::process::kill_process(pid, signal).unwrap();
}

/// Stops every thread of it.
fn stop(pid: u32) {
    signal(pid, Signal::STOP);
    let stopped = |task: fs::DirEntry| {
        fs::read_to_string(task.path().join("status")).is_ok_and(|status| status.contains("State:\tT"))
    };
    eventually("it stands still", || {
        fs::read_dir(format!("/proc/{pid}/task")).unwrap().all(|task| stopped(task.unwrap())).then_some(())
    });
}

/// Asks, and leaves the reply for later.
fn begin(running: &Running<'_>, op: &str) -> Wire {
    let mut wire = running.connect();
    wire.send(format!("{{\"secret\": \"{SECRET}\", \"op\": \"{op}\"}}\n").as_bytes());
    wire
}

#[test]
fn each_broken_rule_fails_its_own_request_and_nothing_else() {
    let world = world();
    let running = served(&world);
    for (op, word, why) in [
        ("loop", "timeout", "it ran too long: it ran for 2"),
        ("loop-in-finish", "timeout", "it ran too long: it ran for 2"),
        ("recurse", "failed", "it trapped"),
        ("allocate", "failed", "it wanted too much: it wanted 64."),
        ("trap", "failed", "it trapped: it reached `unreachable`"),
        ("trap-in-finish", "failed", "it trapped: it reached `unreachable`"),
        ("exit", "failed", "it trapped: it called exit(0): plugins return"),
        ("sleep", "failed", "it called what it may not: it waits, and plugins do not wait"),
        ("big-reply", "failed", "its answer is none: its reply has 1048578 bytes; the limit is 1048576"),
        ("big-state", "failed", "its answer is none: its state has 65538 bytes; the limit is 65536"),
        ("big-summary", "failed", "its answer is none: its summary has 1048576 bytes; the limit is 500"),
        ("big-value", "failed", "it called what it may not: it planned a step of more than 64 KiB"),
        ("big-random", "failed", "it called what it may not: it asked for too many random bytes"),
        ("not-json", "failed", "its answer is none: its reply is not JSON"),
        ("sixty-five", "failed", "it called what it may not: it planned more than 64 steps"),
        ("plan-in-finish", "failed", "it called `commands.plan` in `finish`: only `prepare` plans"),
        ("undeclared", "failed", "not granted: add [commands.undeclared] to the grants of hostile"),
        ("bad-slot", "failed", "command say has no slot undeclared"),
        ("missing-slot", "failed", "command say: slot text was given no value"),
    ] {
        fails(&running, op, word, why);
    }
    assert!(running.log().contains("a panic's text reaches the log"));
    assert!(running.log().contains("[commands.undeclared]"), "what is not granted is told with the lines that would");
    assert_eq!(running.op("sixty-four", Value::Null)["success"], true, "the longest plan runs");
}

#[test]
fn a_step_that_fails_is_a_failure_which_the_plugin_may_only_word_and_the_steps_after_it_do_not_run() {
    let world = world();
    let running = served(&world);
    let unworded = running.op("failed-step", json!(false));
    assert_eq!((error(&unworded), code(&unworded)), ("Operation failed", "command-failed"));
    assert!(logged(&running, &unworded).contains("command false: exit status 1"));
    let worded = running.op("failed-step", json!(true));
    // Two results: of the one that went well, and of the one that did not.
    assert_eq!((error(&worded), code(&worded)), ("Step 2 of 3 failed", "failed"));
}

#[test]
fn a_log_without_end_ends_at_its_limit() {
    let world = world();
    let running = served(&world);
    for (op, dropped) in [("flood", 1), ("flood-stdout", 2)] {
        let before = running.log().len();
        let reply = running.op(op, Value::Null);
        assert_eq!(reply["code"], if op == "flood" { json!("timeout") } else { Value::Null }, "{reply}");
        eventually("the cut is said", || {
            (running.log().matches("the rest of its log is dropped: 64 KiB a request").count() == dropped).then_some(())
        });
        assert!(running.log().len() - before < LOG_MAX, "{op}: {} bytes", running.log().len() - before);
        assert_eq!(running.op("well", Value::Null)["data"], "well");
    }
}

#[test]
fn while_one_plugin_loops_another_answers() {
    let world = world();
    let running = served(&world);
    // On every lane that it has.
    let looping: Vec<_> = (0..4).map(|_| begin(&running, "loop")).collect();
    let ends: Vec<_> = looping
        .into_iter()
        .map(|mut wire| thread::spawn(move || (code(&wire.reply()).to_owned(), Instant::now())))
        .collect();
    for number in 0..20 {
        assert_eq!(running.op("echo", json!(number))["data"], number);
    }
    let answered = Instant::now();
    for end in ends {
        let (word, ended) = end.join().unwrap();
        assert_eq!(word, "timeout");
        assert!(answered < ended, "the neighbour waited for the loop's end");
    }
}

#[test]
fn while_a_lane_loops_the_same_plugins_other_lanes_answer() {
    let world = world();
    let running = served(&world);
    let mut looping = begin(&running, "loop");
    let end = thread::spawn(move || (code(&looping.reply()).to_owned(), Instant::now()));
    for _ in 0..5 {
        assert_eq!(running.op("well", Value::Null)["data"], "well");
    }
    let answered = Instant::now();
    let (word, ended) = end.join().unwrap();
    assert_eq!(word, "timeout");
    assert!(answered < ended, "the other lanes waited for the loop's end");
}

#[test]
fn a_sandbox_that_is_killed_is_started_again_for_the_next_request() {
    let world = world();
    let running = served(&world);
    let before = running.sandboxes();
    before.iter().for_each(|pid| kill_sandbox(*pid));
    assert_eq!(running.op("echo", json!("again"))["data"], "again");
    assert_eq!(running.op("well", Value::Null)["data"], "well");
    let after = running.sandboxes();
    assert!(after.len() == 2 && after.iter().all(|pid| !before.contains(pid)), "{before:?}, then {after:?}");
    for plugin in ["echo", "hostile"] {
        assert!(running.log().contains(&format!("plugin {plugin}: its sandbox is ended: ")));
        assert!(running.log().contains(&format!("plugin {plugin}: a new sandbox serves")));
    }
}

#[test]
fn what_was_being_prepared_when_its_sandbox_was_killed_is_prepared_again() {
    let world = world();
    let running = served(&world);
    let pid = sandbox(&running);
    // Stopped, it has the requests and cannot answer them.
    stop(pid);
    let waiting: Vec<_> = (0..3).map(|_| begin(&running, "well")).collect();
    assert_eq!(running.op("echo", json!("meanwhile"))["data"], "meanwhile");
    thread::sleep(Duration::from_millis(200));
    kill_sandbox(pid);
    for mut wire in waiting {
        assert_eq!(wire.reply()["data"], "well");
    }
}

#[test]
fn a_sandbox_that_does_not_answer_is_killed_and_only_the_request_that_it_left_unanswered_fails() {
    let world = world();
    let running = served(&world);
    let pid = sandbox(&running);
    stop(pid);
    let since = Instant::now();
    let mut unanswered = begin(&running, "well");
    thread::sleep(Duration::from_millis(500));
    let mut other = begin(&running, "well");
    assert_eq!(running.op("echo", json!("meanwhile"))["data"], "meanwhile");
    let reply = unanswered.reply();
    let took = since.elapsed();
    assert_eq!((error(&reply), code(&reply)), ("Operation failed", "timeout"));
    let why = "the plugin's fault: plugin-timeout: it ran too long: it did not answer in time";
    assert!(logged(&running, &reply).contains(why));
    let records = world.audit();
    let record = records.iter().find(|record| record["ref"] == reply["ref"]).unwrap();
    assert!(record["event"] == "refused" && record["why"].as_str().unwrap().contains(why), "{record}");
    assert!((Duration::from_secs(3)..Duration::from_secs(4)).contains(&took), "{took:?}");
    assert_eq!(other.reply()["data"], "well", "it was not this one's fault");
    eventually("it is gone", || proc::status(pid, "Pid").is_none().then_some(()));
}

#[test]
fn what_authorise_says_counts() {
    let world = world();
    let running = served(&world);
    let denied = running.op("authorise-deny", Value::Null);
    assert_eq!((error(&denied), code(&denied)), ("Authorisation failed", "not-authorised"));
    assert!(logged(&running, &denied).contains("the plugin denied it: not today"), "the caller does not hear why");
    // It asks for an approval, and consent without a pin would be bound to nothing.
    let unpinned = running.op("authorise-steps", Value::Null);
    assert_eq!(error(&unpinned), "Authorisation failed");
    drop(running);
    let pinned = format!("sha256 = \"PIN\"\n{}", grants());
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
    assert_eq!(text, "Invalid data: one\\u{a}two\\u{1b}[31m red \\u{202e}backwards\\u{200b}");
    assert!(logged(&running, &reply).ends_with(text));
    let reply = running.op("big-refusal", Value::Null);
    assert_eq!((error(&reply).len(), code(&reply)), ("Invalid data: ".len() + 500, "invalid-data"));
}

#[test]
fn a_plugin_sees_nothing_of_the_machine() {
    let world = world();
    let running = served(&world);
    let seen = running.op("environment", Value::Null)["data"].clone();
    for (what, nothing) in [
        ("arguments", json!([])),
        ("variables", json!([])),
        ("stdin", json!({"Ok": []})),
        ("folder", json!({"Ok": "/"})),
    ] {
        assert_eq!(seen[what], nothing, "{what}");
    }
    for what in ["root", "file"] {
        assert!(seen[what]["Err"].is_string(), "{what}: {seen}");
    }
}
