//! A disk that is full or cannot be written, under the audit log and under the state: nothing runs that could not be
//! written down, whoever asked is told that it failed, the log says why, and with room again it goes on.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]
#![allow(clippy::disallowed_methods, reason = "a test starts strace")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::thread;
use std::time::Duration;

use regent_tests::{Injected, Mount, Running, World, code, dist, error, eventually, needs_root};
use serde_json::{Value, json};

/// EX_UNAVAILABLE, EX_IOERR.
const CANNOT_START: i32 = 69;
const DISK_FAILED: i32 = 74;
/// Where room ends, one record more may still fit: more often than this none does.
const SOON: usize = 100;

/// `deed` runs a spy that leaves a line a run and stays while a file is there, `held` does so with consent, `echo` runs
/// nothing.
fn world() -> World {
    needs_root();
    let world = World::new();
    let spy = world.path("spy");
    let (runs, stays) = (world.path("runs"), world.path("stays"));
    let body = format!("echo $1 >>{}\nwhile [ -e {} ]; do sleep 0.05; done\n", runs.display(), stays.display());
    fs::write(&spy, format!("#!/bin/sh\n{body}")).unwrap();
    fs::set_permissions(&spy, fs::Permissions::from_mode(0o755)).unwrap();
    let run = |name: &str| format!("run = [\"{}\", \"{name}\"]\ntimeout = \"20s\"\ndeadline = \"25s\"", spy.display());
    let consent = "require = [{ step = \"approval\", of = \"ops\" }]";
    let tasks = format!(
        "sha256 = \"PIN\"\n[operations.deed]\n{}\n[operations.held]\n{}\n{consent}\n",
        run("deed"),
        run("held")
    );
    world.without_code("tasks", &tasks).plugin("echo", "[operations.echo]\n")
}

fn start(world: &World) -> Running<'_> {
    world.start().serving("tasks").serving("echo")
}

fn runs(world: &World) -> usize {
    fs::read_to_string(world.path("runs")).unwrap_or_default().lines().count()
}

/// Asks for a deed until none is done any more: what could not be written down has not run.
#[track_caller]
fn until_refused(running: &Running<'_>) {
    for _ in 0..SOON {
        let before = runs(running.world);
        let reply = running.op("deed", json!({}));
        if reply["success"] == true {
            assert_eq!(runs(running.world), before + 1);
            continue;
        }
        assert_eq!((error(&reply), code(&reply)), ("Operation failed", "failed"));
        assert_eq!(runs(running.world), before, "it ran and was not written down");
        return;
    }
    panic!("there is still room");
}

/// What a daemon says and ends with that does not come to be ready.
fn does_not_start(world: &World) -> String {
    let config = world.write_config();
    let out = Command::new(dist().join("bin/regentd")).arg("--config").arg(config).output().unwrap();
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(CANNOT_START), "{said}");
    said
}

/// The same, unless it has not ended after some seconds.
fn does_not_start_soon(world: &World) -> Option<String> {
    let mut command = Command::new("timeout");
    let out =
        command.arg("5").arg(dist().join("bin/regentd")).arg("--config").arg(world.write_config()).output().unwrap();
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    (out.status.code() == Some(CANNOT_START)).then_some(said)
}

#[test]
fn with_a_full_audit_log_nothing_runs_or_is_held_or_decided_and_with_room_again_everything_is() {
    let world = world();
    let log = Mount::small(&world.path("log"), 64);
    let running = start(&world);
    let pid = running.pid();
    let waits = running.op("held", json!({}));
    let id = running.only_pending();
    log.fill();
    until_refused(&running);
    assert_eq!(running.op("echo", json!(1))["data"], 1, "what runs nothing is answered");
    let held = running.op("held", json!({}));
    assert_eq!((error(&held), code(&held)), ("Operation failed", "failed"));
    let keyed = running.ask(json!({"op": "deed", "data": {}, "key": "K"}));
    assert_eq!((error(&keyed), code(&keyed)), ("Operation failed", "failed"));
    for verb in ["approve", "deny"] {
        let decided = running.regent_as("games", &[verb, &id]);
        assert!(decided.status != 0 && decided.stderr.contains("the audit log cannot be written"), "{decided:?}");
    }
    let cancelled = running.ask(json!({"uid": waits["uid"], "cancel": true}));
    assert_eq!((error(&cancelled), code(&cancelled)), ("Operation failed", "failed"));
    let why = running.regent(&["why", cancelled["ref"].as_str().unwrap()]);
    assert!(why.stdout.contains("the audit log cannot be written"), "{why:?}");
    assert_eq!(running.ask(json!({"uid": waits["uid"]}))["state"], "held", "it waits as before");
    let why = running.regent(&["why", held["ref"].as_str().unwrap()]);
    assert!(why.stdout.contains("No space left on device"), "{why:?}");
    let before = runs(&world);
    log.make_room();
    assert_eq!(running.op("deed", json!({}))["success"], true);
    assert_eq!(running.regent_as("games", &["approve", &id]).status, 0);
    assert_eq!(running.ask(json!({"uid": waits["uid"], "wait": 10}))["state"], "done");
    assert_eq!((runs(&world), running.pid()), (before + 2, pid));
    // The chain has no gap: a start reads it, and what was done is told.
    assert!(running.end().success());
    let running = start(&world);
    assert_eq!(running.ask(json!({"uid": waits["uid"]}))["state"], "done");
}

#[test]
fn what_has_run_while_the_audit_log_was_full_is_written_down_as_soon_as_there_is_room() {
    let world = world();
    let log = Mount::small(&world.path("log"), 64);
    let running = start(&world);
    let held = running.op("held", json!({}));
    fs::write(world.path("stays"), "").unwrap();
    assert_eq!(running.regent_as("games", &["approve", &running.only_pending()]).status, 0);
    eventually("it runs", || (runs(&world) == 1).then_some(()));
    // Full, and not a record more fits.
    log.fill();
    until_full(&running);
    fs::remove_file(world.path("stays")).unwrap();
    running.wait_log("it has ended, and that is not written down");
    assert_eq!(running.ask(json!({"uid": held["uid"]}))["state"], "performing");
    log.make_room();
    let done = running.ask(json!({"uid": held["uid"], "wait": 20}));
    assert_eq!((&done["state"], runs(&world)), (&json!("done"), 1), "{done}");
    let said = running.log().matches("it has ended, and that is not written down").count();
    assert_eq!(said, 1, "{}", running.log());
}

/// An echo runs nothing, and leaves the shortest record: where that does not fit, no other does.
fn until_full(running: &Running<'_>) {
    for _ in 0..SOON {
        if running.log().contains("No space left on device") {
            return;
        }
        running.op("echo", json!(1));
        thread::sleep(Duration::from_millis(5));
    }
    panic!("there is still room");
}

#[test]
fn a_start_over_a_full_disk_says_so_and_the_next_one_goes_on_where_there_is_room() {
    let world = world();
    let log = Mount::small(&world.path("log"), 64);
    let running = start(&world);
    let held = running.op("held", json!({}));
    log.fill();
    until_refused(&running);
    assert!(running.end().success());
    // What is left of the file's last page may have room for the record of a start, and of some.
    let said = (0..SOON).find_map(|_| does_not_start_soon(&world)).expect("there is still room");
    assert!(said.contains("the audit log cannot be written: No space left on device"), "{said}");
    log.make_room();
    let running = start(&world);
    assert_eq!(running.ask(json!({"uid": held["uid"]}))["state"], "held");
}

#[test]
fn a_state_folder_without_room_ends_the_daemon_before_anything_is_told_and_the_next_one_settles_it() {
    let world = world();
    let state = Mount::small(&world.path("state"), 8 << 10);
    let running = start(&world);
    let first = running.op("held", json!({}));
    state.fill();
    // Deeds that need nobody's consent are in the audit log alone.
    assert_eq!(running.op("deed", json!({}))["success"], true);
    let mut told = vec![first["uid"].clone()];
    let ended = fill_with_holds(&running, &mut told);
    let status = if ended { running.ended() } else { panic!("{} holds found room", told.len()) };
    assert_eq!(status.code(), Some(DISK_FAILED));
    state.make_room();
    let running = start(&world);
    for uid in told {
        assert_eq!(running.ask(json!({"uid": uid}))["state"], "held", "it was told that it is held");
    }
    assert_eq!(runs(&world), 1);
}

/// Asks for holds of many requesters until the daemon ends; whether it did.
fn fill_with_holds(running: &Running<'_>, told: &mut Vec<Value>) -> bool {
    for _ in 0..8 {
        let request = json!({"secret": regent_tests::SECRET, "op": "held", "data": {}, "id": "x".repeat(100)});
        let mut wire = running.connect();
        wire.send(format!("{request}\n").as_bytes());
        let Some(line) = wire.line() else { return true };
        let reply: Value = serde_json::from_str(&line).unwrap();
        told.extend(Some(reply["uid"].clone()).filter(Value::is_string));
    }
    false
}

#[test]
fn an_audit_log_that_became_read_only_lets_nothing_run_and_nothing_is_lost() {
    let world = world();
    let running = start(&world);
    // Nor can what was half written be taken back.
    let injected = Injected::at(running.pid(), "pwrite64,ftruncate:error=EROFS");
    let reply = running.op("deed", json!({}));
    assert_eq!((error(&reply), code(&reply), runs(&world)), ("Operation failed", "failed", 0));
    running.wait_log("the audit log cannot be written: Read-only file system");
    drop(injected);
    assert_eq!(running.op("deed", json!({}))["success"], true);
    assert_eq!(runs(&world), 1);
}

#[test]
fn a_folder_that_cannot_be_written_ends_the_start_and_is_named() {
    let world = world();
    assert!(start(&world).end().success());
    for (folder, file) in [("state", "state/holds.redb"), ("log", "log/audit.jsonl")] {
        let read_only = Mount::read_only(&world.path(folder));
        let said = does_not_start(&world);
        assert!(said.contains("Read-only file system"), "{said}");
        assert!(said.contains(world.path(file).to_str().unwrap()), "{said}");
        drop(read_only);
    }
    assert!(start(&world).end().success());
}

#[test]
fn a_state_folder_that_cannot_be_written_any_more_keeps_nothing_from_being_served() {
    let world = world();
    let running = start(&world);
    let read_only = Mount::read_only(&world.path("state"));
    world.put("plugins/whoami.wasm", regent_tests::bytes("whoami"));
    world.put("grants/whoami.toml", "[operations.whoami]\n[commands.whoami]\nrun = [\"/usr/bin/whoami\"]\n");
    running.wait_log("Read-only file system");
    running.wait_answer("whoami", &json!("root"));
    assert_eq!(running.op("deed", json!({}))["success"], true);
    drop(read_only);
    running.regent(&["reload"]);
    assert_eq!(running.op("whoami", json!(null))["data"], "root");
}
