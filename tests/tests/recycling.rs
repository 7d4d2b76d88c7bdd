//! The process that a plugin runs in is replaced: after a fault, when it is worn, when it crashed. No request is lost
//! by it, no neighbour notices, and what crashes again and again is left alone for a while.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use regent_tests::{
    Running, SECRET, Wire, World, bytes, code, error, eventually, fixture, kill_sandbox, needs_root, proc, relabelled,
};
use serde_json::{Value, json};

const ECHO: &str = "[operations.echo]\n";
/// Processes that faults may cost at once, and then a second.
const FAULTS_AT_ONCE: usize = 8;
const FAULTS_A_SECOND: f64 = 4.0;

/// With these lines of `[sandbox]`.
fn world(sandbox: &str) -> World {
    needs_root();
    World::new().socket_lines(&format!("[sandbox]\n{sandbox}\n"))
}

fn hostile(world: World) -> World {
    let grants = fs::read_to_string(fixture("hostile.toml")).unwrap();
    world.plugin("hostile", &grants)
}

fn begin(running: &Running<'_>, op: &str) -> Wire {
    let mut wire = running.connect();
    wire.send(format!("{{\"secret\": \"{SECRET}\", \"op\": \"{op}\"}}\n").as_bytes());
    wire
}

/// The line of the log with this reply's reference.
#[track_caller]
fn logged(running: &Running<'_>, reply: &Value) -> String {
    let reference = format!("ref {}:", reply["ref"].as_str().unwrap());
    eventually("the log says why", || running.log().lines().find(|line| line.contains(&reference)).map(str::to_owned))
}

/// What an administrator is told of this reply, whether or not the log had room for one more refusal of one caller.
#[track_caller]
fn explained(running: &Running<'_>, reply: &Value) -> String {
    let told = running.regent(&["why", reply["ref"].as_str().unwrap()]);
    assert_eq!(told.status, 0, "{told:?}");
    told.stdout
}

/// Descriptors of the daemon, and sandboxes.
fn used(running: &Running<'_>) -> (usize, usize) {
    (proc::descriptors(running.pid()).len(), running.sandboxes().len())
}

#[track_caller]
fn given_back(running: &Running<'_>, before: (usize, usize)) {
    eventually("descriptors and processes are given back", || (used(running) == before).then_some(()));
}

#[test]
fn after_a_fault_the_next_request_meets_another_process_and_the_neighbour_keeps_its_own() {
    let world = hostile(world("")).plugin("echo", ECHO);
    let running = world.start().serving("hostile").serving("echo");
    let before = running.sandboxes();
    assert_eq!(code(&running.op("trap", Value::Null)), "failed");
    assert_eq!(running.op("well", Value::Null)["data"], "well");
    let new = running.replaced("hostile", 1);
    let after = eventually("the old one is gone", || Some(running.sandboxes()).filter(|now| now.len() == 2));
    assert!(!before.contains(&new) && after.iter().any(|pid| before.contains(pid)), "{before:?}, then {after:?}");
    assert_eq!((running.replacements("hostile"), running.replacements("echo")), (1, 0));
    assert!(running.plugin("hostile").get("crashes").is_none(), "a fault is no crash");
}

#[test]
fn what_a_caller_gets_wrong_costs_no_process() {
    let world = hostile(world(""));
    let running = world.start().serving("hostile");
    let before = running.only_sandbox();
    for op in ["big-refusal", "control-text", "authorise-deny", "failed-step", "nonsense"] {
        assert_eq!(running.op(op, json!(true)).get("success"), None, "{op}");
    }
    assert_eq!(running.op("well", Value::Null)["data"], "well");
    assert_eq!((running.only_sandbox(), running.replacements("hostile")), (before, 0));
}

#[test]
fn what_runs_on_other_lanes_when_one_faults_ends_as_it_would_have() {
    let world = hostile(world(""));
    let running = world.start().serving("hostile");
    let before = running.only_sandbox();
    let mut looping = begin(&running, "loop");
    let end = thread::spawn(move || (looping.reply(), Instant::now()));
    assert_eq!(code(&running.op("trap", Value::Null)), "failed");
    let trapped = Instant::now();
    let (reply, ended) = end.join().unwrap();
    assert!(trapped < ended, "it ran on when its process was not to be used any more");
    assert_eq!(code(&reply), "timeout");
    assert!(logged(&running, &reply).contains("it ran too long: it ran for "));
    assert_eq!(running.op("well", Value::Null)["data"], "well");
    assert_ne!(running.only_sandbox(), before);
    assert!(!running.log().contains("its sandbox is ended"), "nothing was killed in the middle");
}

#[test]
fn faults_without_end_cost_no_more_processes_than_their_rate_and_open_no_breaker() {
    let world = hostile(world(""));
    let running = world.start().serving("hostile");
    let before = used(&running);
    let since = Instant::now();
    for turn in 0..120 {
        let reply = running.op("trap", Value::Null);
        assert_eq!((error(&reply), code(&reply)), ("Operation failed", "failed"));
        assert!(explained(&running, &reply).contains("it trapped"), "each is served, and so told whose fault it is");
        if turn % 20 == 0 {
            assert_eq!(running.op("well", Value::Null)["data"], "well");
        }
    }
    let cost = running.replacements("hostile");
    let most = FAULTS_AT_ONCE + 1 + (since.elapsed().as_secs_f64() * FAULTS_A_SECOND).ceil() as usize;
    assert!((FAULTS_AT_ONCE..=most).contains(&cost), "{cost} processes, at most {most}");
    eventually("the last one is not forgotten", || {
        let log = running.log();
        let last = |what: &str| log.rfind(what);
        (last("plugin hostile: a new sandbox serves") > last("plugin hostile: panicked")).then_some(())
    });
    running.replaced("hostile", cost);
    given_back(&running, before);
    assert_eq!(running.plugin("hostile")["state"], "serving");
    assert_eq!(running.op("well", Value::Null)["data"], "well");
}

#[test]
fn under_load_a_worn_process_is_replaced_and_no_request_is_lost() {
    let world = world("recycle_after = 5").plugin("echo", ECHO);
    let running = world.start().serving("echo");
    let before = used(&running);
    let enough = Arc::new(AtomicBool::new(false));
    let client = |number: u64| {
        let (path, enough) = (running.world.socket_path("web"), Arc::clone(&enough));
        thread::spawn(move || {
            let mut wire = Wire::connect(&path);
            for count in (0..).take_while(|count| *count < 200 || !enough.load(Ordering::Relaxed)) {
                let data = json!([number, count]);
                let reply = wire.ask(&json!({"secret": SECRET, "op": "echo", "data": data}));
                assert_eq!(reply, json!({"success": true, "uid": null, "data": data}));
            }
        })
    };
    let clients: Vec<_> = (0..6).map(client).collect();
    // However slow this machine is to start one.
    eventually("ten are worn and replaced", || (running.replacements("echo") >= 10).then_some(()));
    enough.store(true, Ordering::Relaxed);
    clients.into_iter().for_each(|client| client.join().expect("a request was lost"));
    eventually("the last one is not worn", || {
        let times = running.replacements("echo");
        thread::sleep(Duration::from_millis(300));
        (running.replacements("echo") == times).then_some(())
    });
    assert!(running.replacements("echo") >= 10, "{}", running.replacements("echo"));
    given_back(&running, before);
    let log = running.log();
    assert!(log.contains("the one before was asked "));
    for word in ["Operation failed", "the plugin's fault", "its sandbox is ended", "panicked"] {
        assert!(!log.contains(word), "{word:?} is in the log");
    }
}

#[test]
fn what_is_not_worn_is_not_replaced() {
    let world = world("recycle_after = 50").plugin("echo", ECHO);
    let running = world.start().serving("echo");
    for number in 0..30 {
        assert_eq!(running.op("echo", json!(number))["data"], number);
    }
    thread::sleep(Duration::from_millis(300));
    assert_eq!(running.replacements("echo"), 0);
}

#[test]
fn a_process_that_nobody_asks_is_replaced_once_and_the_new_one_waits_for_its_first_request() {
    let world = world("recycle_idle = \"1s\"").plugin("echo", ECHO);
    let running = world.start().serving("echo");
    for turn in 1..=2 {
        assert_eq!(running.op("echo", json!(turn))["data"], turn);
        let new = running.replaced("echo", turn);
        assert_eq!(running.only_sandbox(), new);
        thread::sleep(Duration::from_millis(2500));
        assert_eq!((running.replacements("echo"), running.only_sandbox()), (turn, new), "it never served");
    }
    assert!(running.log().contains("nobody has asked for 1 s"));
}

#[test]
fn a_held_operation_whose_plugin_was_recycled_meanwhile_runs_when_it_is_approved() {
    let world = world("recycle_idle = \"1s\"");
    let ran = world.path("ran").display().to_string();
    let grants = format!(
        "sha256 = \"PIN\"\n[settings]\nports = [22]\n[operations.open]\nrequire = [{{ step = \"approval\", of = \"ops\" }}]\n\
         [commands.open-port]\nrun = [\"/usr/bin/mkdir\", \"{ran}-{{ip}}-{{port}}\"]\n\
         params.ip = {{ type = \"ipv4\", scope = \"public\" }}\nparams.port = {{ type = \"integer\", one_of = \"settings.ports\" }}\n\
         [commands.list-ports]\nrun = [\"/usr/bin/true\"]\n"
    );
    let world = world.plugin("firewall", &grants);
    let running = world.start().serving("firewall");
    let held = running.op("open", json!({"ip": "8.8.8.8", "port": 22}));
    assert_eq!(held["state"], "held", "{held}");
    running.replaced("firewall", 1);
    assert_eq!(running.regent_as("games", &["approve", &running.only_pending()]).status, 0);
    let reply = || running.ask(json!({"uid": held["uid"], "data": null}));
    let done = eventually("it has run", || Some(reply()).filter(|reply| reply["uid"].is_null()));
    assert_eq!((&done["success"], &done["state"]), (&json!(true), &json!("done")), "{done}");
    assert!(world.path("ran-8.8.8.8-22").exists());
}

/// Kills the process five times, each as soon as it is there; then the plugin rests.
#[track_caller]
fn crash_until_it_rests(running: &Running<'_>, plugin: &str, first: u32) -> Value {
    let mut pid = first;
    let before = running.replacements(plugin);
    for time in 1..=5 {
        kill_sandbox(pid);
        if time < 5 {
            pid = running.replaced(plugin, before + time);
        }
    }
    running.wait_plugin(plugin, "resting")
}

#[test]
fn five_crashes_within_a_minute_are_followed_by_a_rest_that_everybody_is_told_of_and_a_reload_ends() {
    let world = hostile(world(""));
    let running = world.start().serving("hostile");
    let neighbours = used(&running);
    let listed = crash_until_it_rests(&running, "hostile", running.only_sandbox());
    let crashes = &listed["crashes"];
    assert_eq!((&crashes["count"], &crashes["last"]), (&json!(5), &json!("its process was ended by signal 9")));
    let until = crashes["until"].as_str().unwrap().to_owned();
    assert!(listed["reasons"][0].as_str().unwrap().contains("regent reload starts it at once"), "{listed}");
    let text = running.regent(&["plugin", "list", "hostile"]).stdout;
    for part in ["hostile: resting", "5, the last because its process was ended by signal 9; it rests until ", &until] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    let status: Value = serde_json::from_str(&running.regent(&["status", "--json"]).stdout).unwrap();
    assert_eq!((&status["serving"], &status["troubled"]), (&json!(0), &json!(1)));
    // At once: it has ten seconds.
    let since = Instant::now();
    let refused = running.op("well", Value::Null);
    assert!(since.elapsed() < Duration::from_secs(5));
    assert_eq!((error(&refused), code(&refused)), ("Operation failed", "busy"));
    assert!(
        logged(&running, &refused).contains("it crashed too often, at last because its process was ended by signal 9")
    );
    let loud: Vec<_> =
        running.log().lines().filter(|line| line.starts_with("regentd: error:")).map(str::to_owned).collect();
    assert!(
        loud.len() == 1 && loud[0].contains("plugin hostile: its sandbox has ended 5 times within 60 s"),
        "{loud:?}"
    );
    assert_eq!(running.sandboxes(), [0_u32; 0], "nothing is started meanwhile");
    assert_eq!(running.regent(&["reload"]).status, 0);
    assert_eq!(running.op("well", Value::Null)["data"], "well");
    let listed = running.plugin("hostile");
    assert_eq!((&listed["state"], listed.get("crashes")), (&json!("serving"), None));
    given_back(&running, neighbours);
}

#[test]
fn another_module_ends_the_rest_of_the_one_that_crashed_and_its_neighbour_served_all_along() {
    let world = world("").plugin("echo", ECHO);
    let running = world.start().serving("echo");
    let echo = running.only_sandbox();
    fs::write(world.path("plugins/other.wasm"), relabelled(&bytes("echo"), "other")).unwrap();
    world.put("grants/other.toml", "[operations.echo]\nas = \"other\"\n");
    running.wait_answer("other", &Value::Null);
    crash_until_it_rests(&running, "echo", echo);
    assert_eq!(code(&running.op("echo", json!(1))), "busy");
    assert_eq!((running.op("other", json!(2))["data"].clone(), running.replacements("other")), (json!(2), 0));
    world.put("plugins/echo.wasm", relabelled(&bytes("echo"), "repaired"));
    running.wait_answer("echo", &Value::Null);
    assert_eq!(running.wait_plugin("echo", "serving").get("crashes"), None);
}

#[test]
fn four_crashes_are_told_and_are_followed_by_no_rest() {
    let world = world("").plugin("echo", ECHO);
    let running = world.start().serving("echo");
    let before = used(&running);
    let mut pid = running.only_sandbox();
    for time in 1..=4 {
        kill_sandbox(pid);
        assert_eq!(running.op("echo", json!(time))["data"], time, "whoever can wait for the next start does");
        pid = running.replaced("echo", time);
    }
    let listed = running.plugin("echo");
    assert_eq!((&listed["state"], &listed["crashes"]["count"]), (&json!("serving"), &json!(4)));
    assert_eq!((listed["crashes"].get("until"), &listed["reasons"]), (None, &json!([])));
    given_back(&running, before);
}

#[test]
fn after_its_rest_one_start_is_tried_and_a_crash_is_followed_by_another_rest_at_once() {
    let world = world("").plugin("echo", ECHO);
    let running = world.start().serving("echo");
    let since = Instant::now();
    crash_until_it_rests(&running, "echo", running.only_sandbox());
    // A minute, by itself: nobody asks.
    running.wait_plugin("echo", "serving");
    assert!(since.elapsed() > Duration::from_secs(55), "{:?}", since.elapsed());
    kill_sandbox(running.only_sandbox());
    let listed = running.wait_plugin("echo", "resting");
    assert_eq!(listed["crashes"]["count"], 6);
    assert_eq!(running.regent(&["reload"]).status, 0);
    assert_eq!(running.op("echo", json!(1))["data"], 1);
}
