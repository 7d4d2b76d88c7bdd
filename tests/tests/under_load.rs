//! While clients ask without pause, everything beside them changes: each gets its own answer, none is lost, and what
//! was used for it is given back.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]

mod handmade;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use handmade::saying;
use regent_tests::{Running, SECRET, Wire, World, bytes, eventually, needs_root, proc, relabelled};
use serde_json::{Value, json};

const CLIENTS: u64 = 8;
const ECHO: &str = "[operations.echo]\n";

/// Clients that ask echo without pause, each with data that nobody else sends.
struct Load {
    over: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
    clients: Vec<JoinHandle<()>>,
}

impl Load {
    fn begin(running: &Running<'_>) -> Self {
        let (over, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let client = |number| {
            let (over, answered, path) = (over.clone(), answered.clone(), running.world.socket_path("web"));
            thread::spawn(move || {
                let mut wire = Wire::connect(&path);
                for count in 0_u64.. {
                    if over.load(Ordering::Relaxed) {
                        return;
                    }
                    let data = json!({"client": number, "count": count, "text": "x".repeat((count % 300) as usize)});
                    let reply = wire.ask(&json!({"secret": SECRET, "op": "echo", "data": data}));
                    assert_eq!(reply, json!({"success": true, "uid": null, "data": data}));
                    answered.fetch_add(1, Ordering::Relaxed);
                    // Another connection now and then, as clients come and go.
                    if count % 100 == 99 {
                        wire = Wire::connect(&path);
                    }
                }
            })
        };
        let clients = (0..CLIENTS).map(client).collect();
        Self { over, answered, clients }
    }

    /// Waits until so many more have been answered; fails at once if a client has.
    #[track_caller]
    fn go_on(&self, more: u64) {
        let until = self.answered.load(Ordering::Relaxed) + more;
        eventually("they are answered", || {
            let failed = self.clients.iter().any(JoinHandle::is_finished);
            (failed || self.answered.load(Ordering::Relaxed) >= until).then_some(())
        });
    }

    #[track_caller]
    fn end(self) {
        self.over.store(true, Ordering::Relaxed);
        self.clients.into_iter().for_each(|client| client.join().expect("a client got what it should not"));
    }
}

fn world() -> World {
    needs_root();
    World::new().plugin("echo", ECHO)
}

fn sandboxes(running: &Running<'_>) -> usize {
    proc::named(running.pid(), "regent-sandbox").len()
}

/// What the daemon holds open when nobody is connected.
fn descriptors(running: &Running<'_>) -> usize {
    proc::descriptors(running.pid()).len()
}

/// Changes something so many times under load, and sees that nobody noticed and nothing is left.
#[track_caller]
fn nobody_notices(running: &Running<'_>, times: u32, mut change: impl FnMut(u32)) {
    let (processes, open) = (sandboxes(running), descriptors(running));
    let load = Load::begin(running);
    for time in 0..times {
        change(time);
        load.go_on(CLIENTS);
    }
    load.end();
    eventually("its processes are gone", || (sandboxes(running) == processes).then_some(()));
    eventually("its descriptors are closed", || (descriptors(running) <= open).then_some(()));
    let log = running.log();
    for word in ["Operation failed", "the plugin's fault", "panicked", "its sandbox is ended"] {
        assert!(!log.contains(word), "{word:?} is in the log");
    }
}

#[test]
fn fifty_reloads() {
    let world = world();
    let running = world.start().serving("echo");
    nobody_notices(&running, 50, |time| {
        if time % 2 == 0 {
            running.signal(rustix::process::Signal::HUP);
        } else {
            let reloaded = running.regent(&["reload"]);
            assert_eq!(reloaded.status, 0, "{reloaded:?}");
        }
    });
}

/// Clients that ask the neighbour itself, whichever there is. Which one could be there is known before and after each
/// reply: only such a one answers, or nobody does.
struct Visitors {
    over: Arc<AtomicBool>,
    dropped_in: Arc<AtomicU64>,
    clients: Vec<JoinHandle<(u64, u64)>>,
}

impl Visitors {
    fn begin(running: &Running<'_>) -> Self {
        let (over, dropped_in) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let client = |_| {
            let (over, dropped_in) = (over.clone(), dropped_in.clone());
            // Accepted, and so among what the daemon holds open, before anybody counts that.
            let mut wire = running.connect();
            wire.ask(&json!({"secret": SECRET, "op": "say"}));
            thread::spawn(move || visit(&mut wire, &over, &dropped_in))
        };
        let clients = (0..CLIENTS / 2).map(client).collect();
        Self { over, dropped_in, clients }
    }

    /// How often it answered, and how often nobody did.
    #[track_caller]
    fn end(self) -> (u64, u64) {
        self.over.store(true, Ordering::SeqCst);
        let counted = self.clients.into_iter().map(|client| client.join().expect("a visitor got what it should not"));
        counted.fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1))
    }
}

fn visit(wire: &mut Wire, over: &AtomicBool, dropped_in: &AtomicU64) -> (u64, u64) {
    let (mut answered, mut unknown) = (0, 0);
    while !over.load(Ordering::SeqCst) {
        let before = dropped_in.load(Ordering::SeqCst);
        let reply = wire.ask(&json!({"secret": SECRET, "op": "say"}));
        let after = dropped_in.load(Ordering::SeqCst);
        if reply["error"] == "Unknown operation" {
            unknown += 1;
            continue;
        }
        let right =
            (before..=after).any(|time| reply == json!({"success": true, "uid": null, "data": neighbour(time)}));
        assert!(right, "{reply} of neighbour {before} to {after}");
        answered += 1;
    }
    (answered, unknown)
}

fn neighbour(time: u64) -> String {
    format!("neighbour {time}")
}

#[test]
fn fifty_neighbours_that_come_and_go() {
    let world = world();
    let running = world.start().serving("echo");
    let visitors = Visitors::begin(&running);
    nobody_notices(&running, 50, |time| {
        visitors.dropped_in.store(time.into(), Ordering::SeqCst);
        let reply = json!(neighbour(time.into()));
        world.put("plugins/neighbour.wasm", saying(&["say"], &reply.to_string()));
        world.put("grants/neighbour.toml", "[operations.say]\n");
        running.wait_answer("say", &reply);
        world.take_away("grants/neighbour.toml");
        world.take_away("plugins/neighbour.wasm");
        running.wait_unknown("say");
    });
    let (answered, unknown) = visitors.end();
    assert!(answered >= 50 && unknown >= 50, "both were to be seen: {answered} {unknown}");
}

#[test]
fn twenty_modules_of_its_own_one_after_another() {
    let world = world();
    let running = world.start().serving("echo");
    nobody_notices(&running, 20, |time| {
        world.put("plugins/echo.wasm", relabelled(&bytes("echo"), &format!("{time}")));
        let digest = world.digest("echo");
        eventually("it serves", || (running.plugin("echo")["serves"] == digest).then_some(()));
    });
}

#[test]
fn fifty_grants_of_its_own_one_after_another() {
    let world = world();
    let running = world.start().serving("echo");
    nobody_notices(&running, 50, |time| {
        let settings = if time % 2 == 0 { format!("[settings]\nturn = {time}\n") } else { format!("# {time}\n") };
        world.put("grants/echo.toml", format!("{settings}{ECHO}"));
        running.regent(&["reload"]);
    });
}

#[test]
fn everything_at_once_and_modules_that_nobody_can_serve() {
    let world = world();
    let running = world.start().serving("echo");
    let good = bytes("echo");
    nobody_notices(&running, 30, |time| {
        let module = if time % 3 == 0 { b"no module".to_vec() } else { relabelled(&good, &format!("{time}")) };
        world.put("plugins/echo.wasm", module);
        world.put("grants/echo.toml", if time % 5 == 4 { "[operations.echo]\nnonsense = 1\n" } else { ECHO });
        world.put("grants/bad.toml", format!("[operations.echo-{time}]\nmodule = 7\n"));
        if time % 2 == 0 {
            running.signal(rustix::process::Signal::HUP);
        }
    });
    world.put("plugins/echo.wasm", &good);
    world.put("grants/echo.toml", ECHO);
    eventually("it serves what lies there", || {
        let plugin = running.plugin("echo");
        (plugin["serves"] == world.digest("echo") && plugin["reasons"] == Value::from(Vec::<Value>::new()))
            .then_some(())
    });
}
