//! Many at once: guessers and drippers beside a good caller, approvals that race, requests to be held without end, and
//! handles that are nobody's.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]
#![allow(clippy::disallowed_methods, reason = "a test starts the others")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use regent_tests::{Running, SECRET, Wire, World, code, error, needs_root, user};
use serde_json::{Value, json};

const GUESSERS: usize = 200;
const DRIPPERS: usize = 100;
const GOOD: usize = 1_000;
const APPROVALS: usize = 100;
const HELD: usize = 10_000;
const CALLERS: usize = 50;
/// Of one requester.
const LIVE_EACH: usize = 8;
/// A busy machine is not a slow daemon: what waited for a guesser would take a second.
const NOT_DELAYED: Duration = Duration::from_millis(250);

/// `held` leaves a line a run in `runs`, and waits for one of ops.
fn world() -> World {
    needs_root();
    let world = World::new();
    let runs = world.path("runs").display().to_string();
    let run = format!("run = [\"/bin/sh\", \"{}\"]", world.path("script").display());
    std::fs::write(world.path("script"), format!("echo ran >>{runs}\n")).unwrap();
    let grants =
        format!("sha256 = \"PIN\"\n[operations.held]\n{run}\nrequire = [{{ step = \"approval\", of = \"ops\" }}]\n");
    world.without_code("tasks", &grants).plugin("echo", "[operations.echo]\n")
}

fn start(world: &World) -> Running<'_> {
    world.start().serving("tasks").serving("echo")
}

fn runs(world: &World) -> usize {
    std::fs::read_to_string(world.path("runs")).unwrap_or_default().lines().count()
}

/// As another user: connections that guess again and again, and connections that say a byte a second. Tells how many
/// are there, and when a dripper's was closed after how many seconds.
const CROWD: &str = r#"
import os, select, socket, sys, time
path, uid, guessers, drippers = sys.argv[1:]
os.setgroups([]); os.setgid(int(uid)); os.setuid(int(uid))
def connect():
    stream = socket.socket(socket.AF_UNIX)
    stream.connect(path)
    return stream
guess = b'{"secret": "guess", "op": "echo"}\n'
guessing = [connect() for _ in range(int(guessers))]
dripping = [connect() for _ in range(int(drippers))]
for stream in guessing: stream.sendall(guess)
begin = time.monotonic()
said = False
print("there", flush=True)
while os.getppid() != 1:
    for stream in dripping:
        try: stream.send(b"{")
        except OSError:
            if not said:
                said = True
                print("closed", time.monotonic() - begin, flush=True)
    until = time.monotonic() + 1
    while time.monotonic() < until:
        ready, _, _ = select.select(guessing, [], [], max(0, until - time.monotonic()))
        for stream in ready:
            if stream.recv(4096): stream.sendall(guess)
"#;

fn crowd(world: &World) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut crowd = Command::new("/usr/bin/python3")
        .args(["-c", CROWD])
        .arg(world.socket_path("web"))
        .args([user("games").to_string(), GUESSERS.to_string(), DRIPPERS.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(crowd.stdout.take().unwrap());
    let mut line = String::new();
    told.read_line(&mut line).unwrap();
    assert_eq!(line, "there\n");
    (crowd, told)
}

#[test]
fn two_hundred_guessers_and_a_hundred_drippers_of_one_user_do_not_delay_another_and_drippers_are_closed() {
    let world = world();
    let running = start(&world);
    let (mut crowd, mut told) = crowd(&world);
    let mut times: Vec<Duration> = (0..GOOD)
        .map(|number| {
            let begin = Instant::now();
            assert_eq!(running.op("echo", json!(number))["data"], number);
            begin.elapsed()
        })
        .collect();
    times.sort_unstable();
    let (median, p99) = (times[GOOD / 2], times[GOOD * 99 / 100]);
    println!("beside the crowd: p50 {median:?}, p99 {p99:?}");
    assert!(p99 < NOT_DELAYED, "p99 {p99:?}");
    let mut line = String::new();
    told.read_line(&mut line).unwrap();
    let after: f64 = line.strip_prefix("closed ").unwrap_or_else(|| panic!("{line}")).trim().parse().unwrap();
    assert!((4.0..30.0).contains(&after), "a line has its time in all, not each byte its own: {after} s");
    crowd.kill().unwrap();
    crowd.wait().unwrap();
}

fn hold(running: &Running<'_>) -> String {
    let held = running.op("held", json!({}));
    held["uid"].as_str().unwrap_or_else(|| panic!("{held}")).to_owned()
}

/// All connected before any says it: approvals as two persons, half each.
const APPROVE: &str = r#"
import json, os, socket, sys, threading
path, uid, count, hold = sys.argv[1:]
os.setgroups([]); os.setgid(int(uid)); os.setuid(int(uid))
streams = [socket.socket(socket.AF_UNIX) for _ in range(int(count))]
for stream in streams: stream.connect(path)
print("there", flush=True)
sys.stdin.readline()
for stream in streams: stream.sendall(json.dumps({"admin": "approve", "hold": hold}).encode() + b"\n")
for stream in streams: print(stream.makefile().readline(), end="", flush=True)
"#;

#[test]
fn of_a_hundred_approvals_at_once_one_counts_and_it_runs_once() {
    let world = world();
    let running = start(&world);
    let uid = hold(&running);
    let id = running.only_pending();
    let half = (APPROVALS / 2).to_string();
    let mut persons: Vec<_> = ["games", "mail"]
        .map(|name| {
            let mut person = Command::new("/usr/bin/python3")
                .args(["-c", APPROVE])
                .arg(world.admin_path())
                .args([&user(name).to_string(), &half, &id])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let mut told = BufReader::new(person.stdout.take().unwrap());
            let mut line = String::new();
            told.read_line(&mut line).unwrap();
            assert_eq!(line, "there\n");
            (person, told)
        })
        .into();
    persons.iter_mut().for_each(|(person, _)| writeln!(person.stdin.as_mut().unwrap(), "go").unwrap());
    let mut replies = Vec::new();
    for (mut person, told) in persons {
        replies.extend(told.lines().map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap()));
        assert!(person.wait().unwrap().success());
    }
    assert_eq!(replies.len(), APPROVALS);
    let (counted, refused): (Vec<_>, Vec<_>) = replies.into_iter().partition(|reply| reply["error"].is_null());
    assert_eq!(counted.len(), 1, "{counted:?}");
    for reply in &refused {
        let state = error(reply).strip_prefix("No longer held: ").unwrap_or_else(|| panic!("{reply}"));
        assert!(code(reply) == "failed" && ["approved", "performing", "done"].contains(&state), "{reply}");
    }
    assert_eq!(running.ask(json!({"uid": uid, "wait": 20}))["state"], "done");
    assert_eq!(runs(&world), 1);
}

#[test]
fn of_ten_thousand_equal_and_ten_thousand_different_requests_eight_are_held_and_others_can_hold() {
    let world = world();
    let running = start(&world);
    // Each refusal comes a little late: so by many, each on a connection of its own.
    let ask = |wire: &mut Wire, number: usize| {
        let id = if number < HELD { "same".to_owned() } else { number.to_string() };
        let reply = wire.ask(&json!({"secret": SECRET, "op": "held", "data": {}, "id": id}));
        if reply["state"] == "held" {
            return true;
        }
        assert_eq!((error(&reply), code(&reply)), ("Too many requests", "rate"));
        false
    };
    let held: usize = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| {
                let (mut wire, ask) = (running.connect(), &ask);
                scope
                    .spawn(move || (caller..2 * HELD).step_by(CALLERS).filter(|number| ask(&mut wire, *number)).count())
            })
            .collect();
        callers.into_iter().map(|caller| caller.join().unwrap()).sum()
    });
    assert_eq!(held, LIVE_EACH);
    let pending: Value = serde_json::from_str(&running.regent(&["pending", "--json"]).stdout).unwrap();
    assert_eq!(pending.as_array().unwrap().len(), LIVE_EACH, "what an approver sees");
    let other = running.regent_as("daemon", &["call", "held", "--data", "{}"]);
    assert_eq!(other.status, 75, "{other:?}");
    assert_eq!(runs(&world), 0);
}

/// The reply's bytes without what is every reply's own.
fn without_reference(reply: &str) -> String {
    let parsed: Value = serde_json::from_str(reply).unwrap();
    reply.replace(parsed["ref"].as_str().unwrap(), "REFERENC")
}

#[test]
fn a_handle_that_is_foreign_of_another_socket_forgotten_or_nobodys_is_told_by_the_same_bytes() {
    let config = |world: &World| format!("keep_results = \"1s\"\n{}", world.config());
    let world = world().socket("other", "operations = [\"*\"]");
    std::fs::write(world.path("regent.toml"), config(&world)).unwrap();
    std::fs::set_permissions(world.path("regent.toml"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let running = world.start_as_is(&[]).serving("tasks").serving("echo");
    let own = hold(&running);
    let foreign = running.regent_as("daemon", &["call", "held", "--data", "{}"]).stdout.trim().to_owned();
    let gone = hold(&running);
    running.ask(json!({"uid": gone, "cancel": true}));
    // Looked for at a start, and every minute.
    std::thread::sleep(Duration::from_millis(1_200));
    assert!(running.end().success());
    let running = world.start_as_is(&[]);
    let ask = |socket: &str, uid: &str| {
        let stream = UnixStream::connect(world.socket_path(socket)).unwrap();
        writeln!(&stream, "{}", json!({"secret": SECRET, "uid": uid})).unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).unwrap();
        line
    };
    let unknown = without_reference(&ask("web", "00000000-0000-4000-8000-000000000000"));
    assert_eq!(unknown, "{\"error\":\"Unknown or expired uid\",\"code\":\"unknown-uid\",\"ref\":\"REFERENC\"}\n");
    for (socket, uid) in [("web", foreign.as_str()), ("other", &own), ("web", ""), ("web", "x"), ("other", &foreign)] {
        assert_eq!(without_reference(&ask(socket, uid)), unknown, "{socket} {uid}");
    }
    regent_tests::eventually("it is forgotten", || {
        let reply = ask("web", &gone);
        (!reply.contains("cancelled")).then(|| assert_eq!(without_reference(&reply), unknown))
    });
    // How long each takes is no more to go by than that.
    let mut times: [Vec<Duration>; 2] = [Vec::new(), Vec::new()];
    let mut kept = running.connect();
    for _ in 0..GOOD {
        for (kind, uid) in ["00000000-0000-4000-8000-000000000000", &foreign].into_iter().enumerate() {
            let begin = Instant::now();
            assert_eq!(error(&kept.ask(&json!({"secret": SECRET, "uid": uid}))), "Unknown or expired uid");
            times[kind].push(begin.elapsed());
        }
    }
    let [unknown, foreign] = times.map(|mut times| {
        times.sort_unstable();
        times[GOOD / 2]
    });
    println!("unknown {unknown:?}, foreign {foreign:?}");
    let (less, more) = (unknown.min(foreign), unknown.max(foreign));
    assert!(more < less.mul_f64(1.5), "a handle that is nobody's takes {unknown:?}, another's {foreign:?}");
}
