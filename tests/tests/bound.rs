//! What a consent is bound to, changed in the store itself while the daemon is not there: as by somebody who got at the
//! file.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown};

use jiff::SignedDuration;
use regent_tests::{World, needs_root};
use regentd::kept::store::Store;
use regentd::record::hold::{Hold, HoldId};
use serde_json::{Value, json};

const GRANTS: &str = r#"
sha256 = "PIN"
[operations.whoami]
require = [{ step = "approval", of = "ops" }]
[commands.whoami]
run = ["/usr/bin/whoami"]
"#;

/// The store of a daemon that has ended; the tests are root, and it takes its own user's file alone.
fn own(world: &World) -> Store {
    let path = world.path("state/holds.redb");
    if path.exists() {
        chown(&path, Some(0), Some(0)).unwrap();
    }
    Store::open_at(&path).unwrap()
}

fn give_back(world: &World) {
    let state = fs::metadata(world.path("state")).unwrap();
    chown(world.path("state/holds.redb"), Some(state.uid()), Some(state.gid())).unwrap();
}

fn void_after(change: impl FnOnce(&mut Hold), field: &str) {
    needs_root();
    let world = World::new().socket("other", "operations = [\"*\"]").plugin("whoami", GRANTS);
    let running = world.start().serving("whoami");
    assert_eq!(running.op("whoami", json!({"n": 1}))["state"], "held");
    let id = running.only_pending();
    assert!(running.end().success());
    let store = own(&world);
    let mut hold = store.hold(&HoldId::parse(&id).unwrap()).unwrap().unwrap();
    change(&mut hold);
    store.commit(&[hold], &store.last_transition().unwrap().unwrap(), &[]).unwrap();
    drop(store);
    give_back(&world);
    let running = world.start().serving("whoami");
    assert_eq!(running.regent_as("games", &["approve", &id]).status, 1);
    let shown: Value = serde_json::from_str(&running.regent(&["show", &id, "--json"]).stdout).unwrap();
    assert_eq!(shown["outcome"], format!("void: {field}"));
    assert!(world.audit().iter().all(|line| line["state"] != "performing"), "nothing ran");
}

#[test]
fn changed_data_voids_and_says_data() {
    void_after(|hold| hold.data = regent_protocol::Data::string("another"), "data");
}

#[test]
fn a_changed_state_voids_and_says_state() {
    void_after(|hold| hold.plugin_state.push(0), "state");
}

#[test]
fn another_socket_voids_and_says_socket() {
    void_after(|hold| hold.requester.socket = "other".into(), "socket");
}

#[test]
fn another_requester_voids_and_says_peer_uid() {
    void_after(|hold| hold.requester.uid = 33, "peer uid");
}

#[test]
fn a_longer_time_voids_and_says_expiry() {
    void_after(|hold| hold.expires += SignedDuration::from_hours(24), "expiry");
}

#[test]
fn another_command_line_voids_and_says_plan() {
    void_after(|hold| hold.plan[0].argv.push("--help".into()), "plan");
}

#[test]
fn a_hold_of_another_state_folder_voids_and_says_instance() {
    needs_root();
    let world = World::new().plugin("whoami", GRANTS);
    let running = world.start().serving("whoami");
    assert_eq!(running.op("whoami", json!(1))["state"], "held");
    let id = running.only_pending();
    assert!(running.end().success());
    let store = own(&world);
    let hold = store.hold(&HoldId::parse(&id).unwrap()).unwrap().unwrap();
    let mark = store.last_transition().unwrap().unwrap();
    drop(store);
    give_back(&world);
    // A new state folder beside the same log, into which the hold is carried.
    fs::remove_file(world.path("state/holds.redb")).unwrap();
    let store = own(&world);
    store.commit(&[hold], &mark, &[]).unwrap();
    drop(store);
    give_back(&world);
    let running = world.start().serving("whoami");
    assert_eq!(running.regent_as("games", &["approve", &id]).status, 1);
    let shown: Value = serde_json::from_str(&running.regent(&["show", &id, "--json"]).stdout).unwrap();
    assert_eq!(shown["outcome"], "void: instance");
}
