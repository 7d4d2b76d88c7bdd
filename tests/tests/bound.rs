//! What a consent is bound to, changed in the store itself while the daemon is not there: as by somebody who got at the file.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]

use jiff::SignedDuration;
use regent_tests::{World, needs_root};
use regentd::hold::{Hold, HoldId};
use regentd::kept::store::Store;
use serde_json::{Value, json};

const GRANTS: &str = r#"
sha256 = "PIN"
[operations.whoami]
require = [{ step = "approval", of = "ops" }]
[commands.whoami]
run = ["/usr/bin/whoami"]
"#;

fn void_after(change: impl FnOnce(&mut Hold), field: &str) {
    needs_root();
    let world = World::new().socket("other", "operations = [\"*\"]").plugin("whoami", GRANTS);
    let running = world.start().serving("whoami");
    assert_eq!(running.op("whoami", json!({"n": 1}))["state"], "held");
    let id = running.only_pending();
    assert!(running.end().success());
    let store = Store::open_at(&world.path("state/holds.redb")).unwrap();
    let mut hold = store.hold(&HoldId::parse(&id).unwrap()).unwrap().unwrap();
    change(&mut hold);
    store.commit(&[hold], &store.last_transition().unwrap().unwrap(), &[]).unwrap();
    drop(store);
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
    let store = Store::open_at(&world.path("state/holds.redb")).unwrap();
    let hold = store.hold(&HoldId::parse(&id).unwrap()).unwrap().unwrap();
    let mark = store.last_transition().unwrap().unwrap();
    drop(store);
    // A new state folder beside the same log, into which the hold is carried.
    std::fs::remove_file(world.path("state/holds.redb")).unwrap();
    let store = Store::open_at(&world.path("state/holds.redb")).unwrap();
    store.commit(&[hold], &mark, &[]).unwrap();
    drop(store);
    let running = world.start().serving("whoami");
    assert_eq!(running.regent_as("games", &["approve", &id]).status, 1);
    let shown: Value = serde_json::from_str(&running.regent(&["show", &id, "--json"]).stdout).unwrap();
    assert_eq!(shown["outcome"], "void: instance");
}
