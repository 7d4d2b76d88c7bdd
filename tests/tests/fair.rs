//! One user takes all that it can: connections with the right secret, requests that run, places in a queue, bytes.
//! Another has its answer all the same, and what was taken is given back.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]

use std::fs;
use std::io::Write as _;
use std::time::{Duration, Instant};

use regent_tests::{Running, SECRET, Wire, World, error, eventually, fixture, needs_root, proc};
use regentd::connection::BYTES;
use regentd::pipeline::ASKING;
use regentd::plugin::places::WAITING;
use serde_json::{Value, json};

/// What a plugin serves at a time.
const LANES: usize = 4;

fn world() -> World {
    needs_root();
    World::new()
        .plugin("echo", "[operations.echo]\n")
        .plugin("hostile", &fs::read_to_string(fixture("hostile.toml")).unwrap())
        .without_code("tasks", "sha256 = \"PIN\"\n[operations.slow]\nrun = [\"/usr/bin/sleep\", \"20\"]\ndeadline = \"60s\"\ntimeout = \"30s\"\n")
}

fn start(world: &World) -> Running<'_> {
    world.start().serving("echo").serving("hostile").serving("tasks")
}

fn request(op: &str, data: &Value) -> Vec<u8> {
    format!("{}\n", json!({"secret": SECRET, "op": op, "data": data})).into_bytes()
}

/// So many connections of root's, each of which has asked for this and reads nothing yet.
fn crowd(running: &Running<'_>, count: usize, request: &[u8]) -> Vec<Wire> {
    let mut crowd: Vec<_> = (0..count).map(|_| running.connect()).collect();
    crowd.iter_mut().for_each(|wire| wire.send(request));
    crowd
}

/// How many of them were told so.
fn told(crowd: &mut [Wire], text: &str) -> usize {
    crowd.iter_mut().map(Wire::reply).filter(|reply| reply["error"] == text).count()
}

/// Another user asks.
#[track_caller]
fn another_is_served(running: &Running<'_>, words: &[&str]) {
    let other = running.regent_as("games", &[&["call"], words].concat());
    assert_eq!(other.status, 0, "{other:?}");
}

#[test]
fn who_fills_the_queue_of_a_plugin_keeps_no_place_from_another_user() {
    let world = world();
    let running = start(&world);
    let mut crowd = crowd(&running, LANES + WAITING.each + 2, &request("loop", &Value::Null));
    std::thread::sleep(Duration::from_millis(200));
    another_is_served(&running, &["well"]);
    let busy = crowd.iter_mut().map(Wire::reply).filter(|reply| reply["code"] == "busy").count();
    assert!(busy >= 2, "{busy} of {} were one too many", LANES + WAITING.each + 2);
}

#[test]
fn one_request_too_many_that_runs_is_told_so_and_another_user_runs_one() {
    let world = world();
    let running = start(&world);
    let slow = request("slow", &Value::Null);
    let mut held = Vec::new();
    // No more at once than may wait for a lane.
    while held.len() < ASKING.each {
        held.extend(crowd(&running, WAITING.each / 2, &slow));
        eventually("they run", || (proc::named(running.pid(), "sleep").len() >= held.len()).then_some(()));
    }
    let reply = running.op("echo", json!(1));
    assert_eq!(error(&reply), "Too many requests");
    let told = running.regent(&["why", reply["ref"].as_str().unwrap()]).stdout;
    assert!(told.contains(&format!("{} requests of one user", ASKING.each)), "{told}");
    another_is_served(&running, &["echo", "n=1"]);
    assert!(held.iter_mut().map(Wire::reply).all(|reply| reply["success"] == true));
    assert_eq!(running.op("echo", json!(1))["data"], 1, "and there is room again");
}

#[test]
fn one_long_line_too_many_is_told_so_and_another_user_sends_one() {
    let world = world();
    let running = start(&world);
    let long = request("echo", &json!("x".repeat(60 << 10)));
    let places = BYTES.each / (128 << 10);
    let mut halves = crowd(&running, places, &long[..40 << 10]);
    eventually("one more is too many", || {
        let mut wire = running.connect();
        wire.send(&long);
        let reply = wire.reply();
        (reply["error"] == "Too many requests").then_some(())
    });
    another_is_served(&running, &["echo", &format!("text={}", "x".repeat(50 << 10))]);
    assert_eq!(running.op("echo", json!(1))["data"], 1, "a short one needs no such place");
    halves.iter_mut().for_each(|wire| wire.send(&long[40 << 10..]));
    assert_eq!(told(&mut halves, "Too many requests"), 0);
    assert_eq!(running.op("echo", json!("x".repeat(60 << 10)))["success"], true, "and its place comes back");
}

#[test]
fn who_asks_and_reads_nothing_costs_no_more_than_its_share_and_nobody_else_waits_for_it() {
    let world = world();
    let running = start(&world);
    let (open, before) = (proc::descriptors(running.pid()).len(), proc::resident(running.pid()));
    let long = request("echo", &json!("x".repeat(60 << 10)));
    let mut crowd: Vec<_> = (0..400).map(|_| running.connect()).collect();
    for wire in &mut crowd {
        wire.stream.set_nonblocking(true).unwrap();
        // As many as fit: requests that are taken one by one, and replies that nobody takes.
        while wire.stream.write_all(&long).is_ok() {}
    }
    another_is_served(&running, &["echo", "n=1"]);
    std::thread::sleep(Duration::from_secs(1));
    let grown = proc::resident(running.pid()).saturating_sub(before) << 10;
    assert!(grown < 3 * BYTES.each as u64, "it grew by {grown} bytes");
    another_is_served(&running, &["echo", "n=1"]);
    drop(crowd);
    eventually("the descriptors are as before", || (proc::descriptors(running.pid()).len() <= open).then_some(()));
}

#[test]
fn who_is_refused_without_end_waits_a_little_for_each_refusal_and_nobody_for_what_it_may() {
    let world = world();
    let running = start(&world);
    let mut wire = running.connect();
    let mut refused = || error(&wire.ask(&json!({"secret": SECRET, "op": "nonsense"}))).to_owned();
    (0..60).for_each(|_| assert_eq!(refused(), "Unknown operation"));
    let since = Instant::now();
    (0..25).for_each(|_| assert_eq!(refused(), "Unknown operation"));
    assert!(since.elapsed() >= 20 * Duration::from_millis(20), "{:?}", since.elapsed());
    assert_eq!(running.op("echo", json!(1))["data"], 1);
}

#[test]
fn a_connection_counts_until_its_peer_has_taken_what_it_was_sent() {
    let world = world();
    let running = start(&world);
    let open = proc::descriptors(running.pid()).len();
    let mut wire = running.connect();
    wire.send(&request("echo", &json!("x".repeat(10 << 10))));
    wire.stream.shutdown(std::net::Shutdown::Write).unwrap();
    // Longer than the daemon needs to answer and to hear that no more comes.
    std::thread::sleep(Duration::from_millis(500));
    assert!(proc::descriptors(running.pid()).len() > open, "it was forgotten with its reply unread");
    // And it keeps nobody waiting: neither does one whose secret is wrong, nor one that is turned away.
    let mut guesses = running.connect();
    guesses.send(b"{\"secret\": \"a guess of more than sixteen bytes\", \"op\": \"echo\"}\n");
    let mut too_long = running.connect();
    too_long.send(&[vec![b'x'; 70 << 10], vec![b'\n']].concat());
    for half in [&guesses, &too_long] {
        half.stream.shutdown(std::net::Shutdown::Write).unwrap();
    }
    std::thread::sleep(Duration::from_millis(1_500));
    assert_eq!(running.op("echo", json!("heard"))["data"], "heard");
    assert_eq!(running.regent(&["status"]).status, 0, "nor anybody on the admin socket");
    drop((guesses, too_long));
    assert_eq!(wire.reply()["success"], true);
    eventually("it is closed", || (proc::descriptors(running.pid()).len() <= open).then_some(()));
}
