//! The machine's clock, set forwards and back under a daemon that runs or between two: what was held does not wait for
//! longer than it may, and what is over stays over.
//!
//! The clock is the daemon's alone: libfaketime, which is told by a file by how much it is wrong. Time itself passes as
//! ever.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use regent_tests::{Running, World, error, eventually, needs_root};
use serde_json::{Value, json};

/// How long a hold waits here.
const HELD_FOR: Duration = Duration::from_secs(3);
const A_DAY: i64 = 24 * 3600;

/// `held` leaves a line a run; `keep` is the same for longer than any test.
fn world() -> World {
    needs_root();
    let world = World::new();
    let run = format!("run = [\"/usr/bin/mkdir\", \"{}\"]", world.path("ran").display());
    let consent = "require = [{ step = \"approval\", of = \"ops\" }]";
    world.without_code(
        "tasks",
        &format!(
            "sha256 = \"PIN\"\n[operations.held]\n{run}\n{consent}\nhold_for = \"{}s\"\n\
             [operations.keep]\n{run}\n{consent}\nhold_for = \"1h\"\n[operations.now]\nrun = [\"/usr/bin/true\"]\n",
            HELD_FOR.as_secs()
        ),
    )
}

/// Where Debian puts it, on whatever processor.
fn library() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").unwrap().map(|folder| folder.unwrap().path());
    let mut found = folders.map(|folder| folder.join("faketime/libfaketimeMT.so.1"));
    found.find(|path| path.exists()).expect("apt-get install faketime")
}

/// By how many seconds the daemon's clock is wrong from now on.
fn wrong_by(world: &World, seconds: i64) {
    world.put("clock", format!("{seconds:+}\n"));
}

fn start(world: &World) -> Running<'_> {
    let preload = format!("LD_PRELOAD={}", library().display());
    let file = format!("FAKETIME_TIMESTAMP_FILE={}", world.path("clock").display());
    let wrapper = ["env", &preload, &file, "FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1"];
    world.start_under(&wrapper).serving("tasks")
}

fn hold(running: &Running<'_>, op: &str) -> (String, String) {
    let held = running.op(op, json!({}));
    let uid = held["uid"].as_str().unwrap_or_else(|| panic!("{held}"));
    (uid.to_owned(), running.only_pending())
}

fn state(running: &Running<'_>, uid: &str) -> Value {
    running.ask(json!({"uid": uid}))["state"].clone()
}

/// It is over, whatever anybody does.
#[track_caller]
fn stays_expired(running: &Running<'_>, uid: &str, id: &str) {
    assert_eq!(state(running, uid), "expired");
    assert_ne!(running.regent_as("games", &["approve", id]).status, 0);
    assert_eq!(state(running, uid), "expired");
    assert!(!running.world.path("ran").exists());
}

#[test]
fn a_clock_that_is_set_back_gives_no_hold_more_time() {
    let world = world();
    wrong_by(&world, 0);
    let running = start(&world);
    let (uid, id) = hold(&running, "held");
    wrong_by(&world, -A_DAY);
    assert_eq!(state(&running, &uid), "held", "nor less");
    thread::sleep(HELD_FOR);
    eventually("it expires", || (state(&running, &uid) == "expired").then_some(()));
    stays_expired(&running, &uid, &id);
    running.wait_log("the machine's clock went back by ");
    // What is asked from now on waits as long as ever, too.
    let (uid, id) = hold(&running, "held");
    thread::sleep(HELD_FOR);
    eventually("it expires", || (state(&running, &uid) == "expired").then_some(()));
    stays_expired(&running, &uid, &id);
}

#[test]
fn a_clock_that_is_set_back_between_two_daemons_gives_no_hold_more_time() {
    let world = world();
    wrong_by(&world, 0);
    let running = start(&world);
    let (uid, id) = hold(&running, "held");
    running.kill();
    thread::sleep(HELD_FOR);
    wrong_by(&world, -A_DAY);
    let running = start(&world);
    eventually("it expires", || (state(&running, &uid) == "expired").then_some(()));
    stays_expired(&running, &uid, &id);
}

#[test]
fn what_expired_by_a_clock_that_was_ahead_stays_over_when_that_is_put_right_also_after_a_restart() {
    let world = world();
    wrong_by(&world, 0);
    let running = start(&world);
    let (uid, id) = hold(&running, "keep");
    wrong_by(&world, A_DAY);
    eventually("it expires", || (state(&running, &uid) == "expired").then_some(()));
    wrong_by(&world, 0);
    stays_expired(&running, &uid, &id);
    running.kill();
    stays_expired(&start(&world), &uid, &id);
}

#[test]
fn what_is_asked_while_the_clock_is_ahead_waits_no_longer_for_that_and_can_be_approved() {
    let world = world();
    wrong_by(&world, A_DAY);
    let running = start(&world);
    let (uid, id) = hold(&running, "held");
    wrong_by(&world, 0);
    thread::sleep(HELD_FOR);
    eventually("it expires", || (state(&running, &uid) == "expired").then_some(()));
    stays_expired(&running, &uid, &id);
    let (uid, id) = hold(&running, "keep");
    running.kill();
    let running = start(&world);
    assert_eq!(state(&running, &uid), "held");
    let approved = running.regent_as("games", &["approve", &id]);
    assert_eq!(approved.status, 0, "{approved:?}");
    assert_eq!(running.ask(json!({"uid": uid, "wait": 20}))["state"], "done");
}

#[test]
fn what_runs_and_who_waits_do_not_notice_the_clock() {
    let world = world();
    wrong_by(&world, 0);
    let running = start(&world);
    let (uid, id) = hold(&running, "keep");
    for seconds in [60, -60, 600, -A_DAY, 0] {
        wrong_by(&world, seconds);
        assert_eq!(running.op("now", json!({}))["success"], true);
        assert_eq!(running.ask(json!({"uid": uid, "wait": 1}))["state"], "held", "it waits its second");
    }
    assert_eq!(running.regent_as("games", &["approve", &id]).status, 0);
    assert_eq!(running.ask(json!({"uid": uid, "wait": 20}))["state"], "done");
    // Each record has the machine's clock, right or wrong, and how long the machine had been up.
    let up: Vec<f64> = world.audit().iter().map(|line| line["up"].as_f64().unwrap()).collect();
    assert!(up.is_sorted(), "{up:?}");
    assert_eq!(error(&running.op("nonsense", json!(1))), "Unknown operation");
}
