//! What an administrator asks of a daemon that runs, and does to it: its state, and a secret that is replaced without a
//! gap.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on panics")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use regent_tests::{Running, SECRET, World, code, needs_root};
use serde_json::{Value, json};

/// As people read it; what differs from one run to the next is in capitals.
const STATUS: &str = include_str!("administering-status.txt");

fn status(running: &Running<'_>) -> Value {
    let told = running.regent(&["status", "--json"]);
    assert_eq!(told.status, 0, "{told:?}");
    serde_json::from_str(&told.stdout).unwrap()
}

#[test]
fn the_state_of_a_daemon_is_told_to_people_and_to_programs() {
    needs_root();
    let world = World::new().plugin("echo", "[operations.echo]\n").grants("gone", "[operations.gone]\n");
    let running = world.start().serving("echo");
    running.wait_log("gone");
    let _open = running.connect();
    let state = status(&running);
    assert_eq!(state["pid"], running.pid());
    assert_eq!(state["config"], world.path("regent.toml").to_str().unwrap());
    assert_eq!((&state["serving"], &state["troubled"], &state["held"]), (&json!(1), &json!(1), &json!(0)));
    let web = &state["sockets"][0];
    assert_eq!((&web["name"], &web["operations"], &web["connections"]), (&json!("web"), &json!(["*"]), &json!(1)));
    let mistakes = state["mistakes"].to_string();
    assert!(mistakes.contains(&format!("{}: ", world.path("grants/gone.toml").display())), "{mistakes}");
    let told = running.regent(&["status"]);
    let shown = told
        .stdout
        .replace(world.path("").to_str().unwrap(), "WORLD/")
        .replace(state["since"].as_str().unwrap(), "SINCE")
        .replace(&format!("pid {}", running.pid()), "pid PID")
        .replace(&format!(" as {}, ", state["user"].as_str().unwrap()), " as USER, ")
        .replace(state["version"].as_str().unwrap(), "VERSION");
    // What a machine lacks is its own.
    let (lacks, shown): (Vec<_>, Vec<_>) = shown.lines().partition(|line| line.starts_with("lacks "));
    assert_eq!(lacks.len(), state["lacks"].as_array().unwrap().len(), "{lacks:?}");
    assert_eq!(shown.join("\n") + "\n", STATUS);
}

#[test]
fn a_daemon_tells_its_state_to_administrators_alone() {
    needs_root();
    let world = World::new().plugin("echo", "[operations.echo]\n");
    let running = world.start();
    let told = running.regent_as("games", &["status"]);
    assert_eq!((told.status, told.stdout.as_str()), (77, ""), "{told:?}");
}

/// What a client hears that gives the first secret of this file as it was then.
fn opens(running: &Running<'_>, secret: &str) -> bool {
    let reply = running.connect_to("more").ask(&json!({"secret": secret, "op": "echo", "data": 1}));
    assert!(reply["data"] == 1 || code(&reply) == "denied", "{reply}");
    reply["data"] == 1
}

fn first_line(path: &Path) -> String {
    fs::read_to_string(path).unwrap().lines().find(|line| !line.starts_with('#')).unwrap().to_owned()
}

#[test]
fn while_a_secret_is_replaced_both_open_the_socket_and_afterwards_the_new_one_alone() {
    needs_root();
    let world = World::new();
    let (secret, old) = (world.path("more.secret"), "4f1c0a7be2d94c6680f1e2b7aa35c9d0");
    fs::write(&secret, format!("{old}\n")).unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let lines = format!(
        "[[sockets]]\nname = \"more\"\npath = \"{}\"\nmode = \"0666\"\nsecret_file = \"{}\"\noperations = [\"*\"]\n",
        world.socket_path("more").display(),
        secret.display()
    );
    let world = world.socket_lines(&lines).plugin("echo", "[operations.echo]\n");
    let running = world.start().serving("echo");
    let config = world.path("regent.toml");
    let rotate = |words: &[&str]| {
        let words = [&["secret", "rotate", "more", "--config", config.to_str().unwrap()], words].concat();
        let rotated = running.regent(&words);
        assert_eq!(rotated.status, 0, "{rotated:?}");
        assert_eq!(running.regent(&["reload"]).status, 0);
    };
    assert!(opens(&running, old) && !opens(&running, SECRET));
    rotate(&[]);
    let new = first_line(&secret);
    assert_ne!(new, old);
    assert!(opens(&running, old) && opens(&running, &new), "both");
    rotate(&["--finish"]);
    assert!(!opens(&running, old) && opens(&running, &new), "the new one alone");
}
