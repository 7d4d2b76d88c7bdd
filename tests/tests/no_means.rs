//! A machine that has no descriptor, process or memory to give: the daemon waits without spinning, says it, fails what
//! cannot be had, and goes on where it can be had again.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]
#![allow(clippy::disallowed_methods, reason = "a test limits a process that runs")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::thread;
use std::time::Duration;

use regent_tests::{Injected, Running, SECRET, World, code, error, eventually, kill_sandbox, needs_root, proc};
use serde_json::{Value, json};

/// What the daemon and two plugins have open, and a few connections.
const FEW: [&str; 2] = ["prlimit", "--nofile=64:64"];
/// More than the rest.
const CROWD: usize = 100;
/// How long the daemon is watched, and what of it, in hundredths of a second, it may spend: a loop would spend all.
const WATCHED: Duration = Duration::from_secs(4);
const AT_REST: u64 = 100;

fn world() -> World {
    needs_root();
    World::new()
        .plugin("echo", "[operations.echo]\n")
        .plugin("whoami", "[operations.whoami]\n[commands.whoami]\nrun = [\"/usr/bin/whoami\"]\n")
}

fn request(op: &str) -> Value {
    json!({"secret": SECRET, "op": op, "data": 1})
}

/// Processor time of a process, in hundredths of a second.
fn processor_time(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let after_name: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    after_name[11].parse::<u64>().unwrap() + after_name[12].parse::<u64>().unwrap()
}

/// More who are connected than such a daemon can have. It keeps half of its descriptors for itself, and says so to who
/// is one too many.
fn crowd(running: &Running<'_>) -> Vec<UnixStream> {
    let path = running.world.socket_path("web");
    let crowd = (0..CROWD).map(|_| UnixStream::connect(&path).unwrap()).collect();
    eventually("one is too many", || {
        let mut one_more = BufReader::new(UnixStream::connect(&path).ok()?);
        let mut line = String::new();
        one_more.get_mut().set_read_timeout(Some(Duration::from_millis(200))).ok()?;
        let _silent = one_more.read_line(&mut line);
        line.contains("Too many requests").then_some(())
    });
    crowd
}

#[test]
fn a_connection_that_the_kernel_has_no_room_to_watch_is_closed_and_said_and_others_are_answered() {
    let world = world();
    let running = world.start().serving("echo");
    let mut kept = running.connect();
    assert_eq!(kept.ask(&request("echo"))["data"], 1);
    let injected = Injected::at(running.pid(), "epoll_ctl:error=ENOSPC");
    let mut silent = UnixStream::connect(world.socket_path("web")).unwrap();
    silent.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    assert_eq!(silent.read(&mut [0; 1]).unwrap(), 0, "it is closed");
    running.wait_log("a connection is closed, for it cannot be waited for: No space left on device");
    assert_eq!(kept.ask(&request("echo"))["data"], 1, "who is connected is answered");
    drop(injected);
    assert_eq!(running.op("echo", json!(1))["data"], 1, "and who comes later");
}

#[test]
fn with_64_descriptors_it_serves_waits_without_spinning_when_they_are_gone_and_goes_on_when_they_are_back() {
    let world = world();
    let running = world.start_under(&FEW).serving("echo").serving("whoami");
    let pid = running.pid();
    let mut kept = running.connect();
    assert_eq!(kept.ask(&request("whoami"))["data"], "root", "64 are enough to serve");
    let crowd = crowd(&running);
    assert_eq!(kept.ask(&request("echo"))["data"], 1, "who is connected is answered");
    // And where another took the last one.
    let injected = Injected::at(pid, "accept4:error=EMFILE");
    let waiting = thread::scope(|scope| {
        let waiting = scope.spawn(|| running.op("whoami", Value::Null));
        running.wait_log("cannot accept: Too many open files");
        let before = processor_time(pid);
        thread::sleep(WATCHED);
        let spent = processor_time(pid) - before;
        assert!(spent < AT_REST, "{spent} hundredths of a second of {WATCHED:?}");
        assert_eq!(kept.ask(&request("echo"))["data"], 1, "who is connected is answered");
        assert!(!waiting.is_finished(), "who connects waits");
        drop((injected, crowd));
        waiting.join().unwrap()
    });
    assert_eq!(waiting["data"], "root", "and is answered as soon as there is room");
    assert_eq!(kept.ask(&request("whoami"))["data"], "root");
    assert_eq!(running.pid(), pid);
    let said = running.log().matches("cannot accept").count();
    assert!(said <= 2, "it is said now and then, not {said} times");
}

#[test]
fn a_sandbox_that_ends_while_there_is_no_descriptor_is_replaced_when_there_is_one() {
    let world = world();
    let running = world.start_under(&FEW).serving("echo").serving("whoami");
    let mut kept = running.connect();
    assert_eq!(kept.ask(&request("echo"))["data"], 1);
    let injected = Injected::at(running.pid(), "pipe2:error=EMFILE");
    running.sandboxes().into_iter().for_each(kill_sandbox);
    let reply = kept.ask(&request("echo"));
    assert_eq!(error(&reply), "Operation failed", "{reply}");
    let command = kept.ask(&request("whoami"));
    assert_eq!(error(&command), "Operation failed", "a command needs descriptors: {command}");
    drop(injected);
    running.wait_answer("echo", &Value::Null);
    running.wait_answer("whoami", &json!("root"));
}

fn spawner(running: &Running<'_>) -> u32 {
    proc::named(running.pid(), "regent-spawner")[0]
}

#[test]
fn without_a_process_to_be_had_a_command_fails_and_says_why_and_the_next_runs() {
    let world = world();
    let running = world.start().serving("echo").serving("whoami");
    for (errno, why) in [("ENOMEM", "Cannot allocate memory"), ("EAGAIN", "Resource temporarily unavailable")] {
        let injected = Injected::at(spawner(&running), &format!("clone3:error={errno}"));
        let reply = running.op("whoami", Value::Null);
        assert_eq!((error(&reply), code(&reply)), ("Operation failed", "command-failed"));
        running.wait_log(&format!("fork: {why}"));
        assert_eq!(running.op("echo", json!(1))["data"], 1, "what needs no process is answered");
        drop(injected);
        assert_eq!(running.op("whoami", Value::Null)["data"], "root");
    }
}

#[test]
fn without_a_process_to_be_had_a_sandbox_is_replaced_as_soon_as_there_is_one() {
    let world = world();
    let running = world.start().serving("echo").serving("whoami");
    let injected = Injected::at(spawner(&running), "clone3:error=ENOMEM");
    running.sandboxes().into_iter().for_each(kill_sandbox);
    let reply = running.op("echo", json!(1));
    assert_eq!(error(&reply), "Operation failed", "{reply}");
    let listed = running.regent(&["plugin", "list"]);
    assert!(listed.stdout.contains("Cannot allocate memory"), "{listed:?}");
    drop(injected);
    running.wait_answer("echo", &Value::Null);
    running.wait_answer("whoami", &json!("root"));
}

#[test]
fn a_program_for_which_there_is_no_memory_is_a_command_that_failed() {
    let world =
        world().without_code("tasks", "[operations.hungry]\nrun = [\"/usr/bin/python3\", \"-c\", \"print(1)\"]\n");
    let running = world.start().serving("echo").serving("tasks");
    let limit = |bytes: &str| {
        let pid = spawner(&running).to_string();
        let done = Command::new("prlimit").args(["--pid", &pid, &format!("--as={bytes}")]).status().unwrap();
        assert!(done.success());
    };
    // Room for the spawner and a little more, but for no interpreter.
    let size = proc::status(spawner(&running), "VmSize").unwrap();
    let kilobytes: u64 = size.split(' ').next().unwrap().parse().unwrap();
    limit(&format!("{}:unlimited", (kilobytes + 512) << 10));
    let reply = running.op("hungry", json!({}));
    assert_eq!((error(&reply), code(&reply)), ("Operation failed", "command-failed"));
    assert_eq!(running.op("echo", json!(1))["data"], 1);
    limit("unlimited:unlimited");
    assert_eq!(running.op("hungry", json!({}))["data"], "1");
}
