//! What the daemon lives on, taken away or exchanged under it: the names of its sockets, its folders. It goes on, says
//! what is missing, and finds it again by itself.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]

mod handmade;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use handmade::saying;
use regent_tests::{Running, SECRET, World, eventually, needs_root};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use serde_json::{Value, json};

/// Folders are exchanged until so many reloads have ended well meanwhile, and each folder has been served.
const RELOADS: usize = 20;
/// Generous: they take seconds.
const WITHIN: Duration = Duration::from_secs(120);
/// Between two exchanges: about as long as a reload takes.
const PAUSE: Duration = Duration::from_millis(50);

fn world() -> World {
    needs_root();
    World::new().plugin("echo", "[operations.echo]\n")
}

fn echo() -> Value {
    json!({"secret": SECRET, "op": "echo", "data": 1})
}

/// The first one after its name was gone.
fn connects_again(running: &Running<'_>) {
    let path = running.world.socket_path("web");
    eventually("the socket is there again", || UnixStream::connect(&path).ok());
    assert_eq!(running.op("echo", json!(2))["data"], 2);
    let mode = path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o666, "as it is configured");
}

#[test]
fn sockets_whose_files_or_folders_were_deleted_are_there_again_and_who_was_connected_noticed_nothing() {
    let world = world();
    let running = world.start().serving("echo");
    let mut kept = running.connect();
    assert_eq!(kept.ask(&echo())["data"], 1);
    fs::remove_file(world.socket_path("web")).unwrap();
    assert_eq!(kept.ask(&echo())["data"], 1);
    connects_again(&running);
    for path in [world.socket_path("web"), world.admin_path()] {
        fs::remove_dir_all(path.parent().unwrap()).unwrap();
    }
    connects_again(&running);
    running.wait_log(&format!("{}: the socket's name was gone, and is there again", world.admin_path().display()));
    assert_eq!(running.regent(&["status"]).status, 0);
    assert_eq!(kept.ask(&echo())["data"], 1);
    assert!(running.end().success());
    assert!(!world.socket_path("web").exists(), "the end removes the one that is there");
}

#[test]
fn a_reload_makes_a_deleted_socket_at_once_and_says_so() {
    let world = world();
    let running = world.start().serving("echo");
    fs::remove_file(world.socket_path("web")).unwrap();
    let reloaded = running.regent(&["reload"]);
    assert_eq!(running.op("echo", json!(1))["data"], 1);
    let said = format!("{}: the socket's name was gone, and is there again", world.socket_path("web").display());
    assert!(reloaded.stdout.contains(&said) || running.log().contains(&said), "{reloaded:?}");
}

#[test]
fn what_took_a_sockets_name_stays_and_is_said_once_and_the_socket_is_back_when_it_has_gone() {
    let world = world();
    let running = world.start().serving("echo");
    let path = world.socket_path("web");
    fs::remove_file(&path).unwrap();
    fs::write(&path, "precious").unwrap();
    let why = format!("{}: something that is no socket has this name: remove it", path.display());
    running.wait_log(&why);
    let reloaded = running.regent(&["reload"]);
    assert_ne!(reloaded.status, 0, "{reloaded:?}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    fs::remove_file(&path).unwrap();
    connects_again(&running);
    let said = running.log().matches("a socket's name is gone, so nobody can connect there").count();
    assert_eq!(said, 1, "{}", running.log());
}

#[test]
fn one_name_that_is_taken_keeps_no_other_socket_away() {
    let world = world().socket("another", "operations = [\"*\"]");
    let running = world.start().serving("echo");
    for (taken, lost) in [("another", "web"), ("web", "another")] {
        for name in [taken, lost] {
            fs::remove_file(world.socket_path(name)).unwrap();
        }
        fs::write(world.socket_path(taken), "precious").unwrap();
        let path = world.socket_path(lost);
        eventually("the other is there again", || UnixStream::connect(&path).ok());
        assert_eq!(running.connect_to(lost).ask(&echo())["data"], 1);
        assert_eq!(fs::read_to_string(world.socket_path(taken)).unwrap(), "precious");
        fs::remove_file(world.socket_path(taken)).unwrap();
        eventually("so is this one", || UnixStream::connect(world.socket_path(taken)).ok());
    }
}

#[test]
fn while_the_plugin_folder_is_gone_nothing_of_it_is_served_and_that_is_said_and_when_it_is_back_it_is() {
    let world =
        world().module("other", &regent_tests::dist().join("plugins/echo.wasm"), "[operations.echo]\nas = \"other\"\n");
    let running = world.start().serving("echo").serving("other");
    let no_module = format!("there is no echo.wasm in {}: put it there", world.path("plugins").display());
    let no_folder = format!("{}: there is no such file", world.path("grants").display());
    for (folder, said) in [("plugins", no_module), ("grants", no_folder)] {
        fs::rename(world.path(folder), world.path("away")).unwrap();
        running.wait_unknown("echo");
        running.wait_unknown("other");
        running.wait_log(&said);
        let reloaded = running.regent(&["reload"]);
        assert!(format!("{}{}", reloaded.stdout, reloaded.stderr).contains(&said), "{reloaded:?}");
        fs::rename(world.path("away"), world.path(folder)).unwrap();
        for name in ["echo", "other"] {
            running.wait_answer(name, &Value::Null);
        }
    }
}

/// Two folders that are whole: whichever is there, `say` is served, with its own reply.
fn exchanged(world: &World) {
    for (name, reply) in [("first", "one"), ("second", "two")] {
        for kind in ["plugins", "grants"] {
            fs::create_dir(world.path(&format!("{name}-{kind}"))).unwrap();
        }
        fs::write(world.path(&format!("{name}-plugins/say.wasm")), saying(&["say"], &format!("\"{reply}\""))).unwrap();
        let grants = format!("[operations.say]\nsummary = \"{reply}\"\n");
        fs::write(world.path(&format!("{name}-grants/say.toml")), grants).unwrap();
    }
    for kind in ["plugins", "grants"] {
        fs::remove_dir_all(world.path(kind)).unwrap();
        fs::rename(world.path(&format!("first-{kind}")), world.path(kind)).unwrap();
    }
}

fn exchange(world: &World, kind: &str) {
    let other = world.path(&format!("second-{kind}"));
    renameat_with(CWD, world.path(kind), CWD, other, RenameFlags::EXCHANGE).unwrap();
}

#[test]
fn folders_that_are_exchanged_during_reloads_are_each_served_whole_and_the_last_one_stays() {
    needs_root();
    let world = World::new();
    exchanged(&world);
    let running = world.start().serving("say");
    let over = AtomicBool::new(false);
    let [reloaded, ones, twos] = [0, 0, 0].map(AtomicUsize::new);
    thread::scope(|scope| {
        let asks = scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                let reply = running.op("say", Value::Null);
                let served = if reply["data"] == "one" { &ones } else { &twos };
                assert!(reply["data"] == "one" || reply["data"] == "two", "{reply}");
                served.fetch_add(1, Ordering::Relaxed);
            }
        });
        let reloads = scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                let reload = running.regent(&["reload"]);
                // A module that is exchanged while it is read is taken for one that is being written.
                let between = reload.stderr.trim_end().ends_with("/plugins/say.wasm: is being written");
                assert!(reload.status == 0 || between && reload.stderr.lines().count() == 1, "{reload:?}");
                reloaded.fetch_add(usize::from(reload.status == 0), Ordering::Relaxed);
            }
        });
        let enough = || {
            [(&reloaded, RELOADS), (&ones, 1), (&twos, 1)].iter().all(|(n, least)| n.load(Ordering::Relaxed) >= *least)
        };
        let since = Instant::now();
        // What has panicked counts no further.
        while !enough() && since.elapsed() < WITHIN && !asks.is_finished() && !reloads.is_finished() {
            // Twice, and each is where it was.
            for _ in 0..2 {
                exchange(&world, "plugins");
                exchange(&world, "grants");
                thread::sleep(PAUSE);
            }
        }
        over.store(true, Ordering::Relaxed);
        reloads.join().unwrap();
        asks.join().unwrap();
        assert!(enough(), "reloads, answers of the first, answers of the second: {:?}", [&reloaded, &ones, &twos]);
    });
    running.wait_answer("say", &json!("one"));
    // The last one, during no reload: the second ones stay.
    exchange(&world, "plugins");
    exchange(&world, "grants");
    running.wait_answer("say", &json!("two"));
    let listed = running.regent(&["ops", "--json"]);
    assert!(listed.stdout.contains("two"), "{listed:?}");
    running.wait_plugin("say", "serving");
}
