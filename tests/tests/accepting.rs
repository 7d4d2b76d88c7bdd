//! Which module may serve by which grants: pins, the list that a package brings, and the modules that served before.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]

mod handmade;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use handmade::saying;
use regent_tests::{Running, World, eventually, needs_root};
use serde_json::{Value, json};

const SAY: &str = "[operations.say]\n";
const HELD: &str = "[operations.say]\nrequire = [{ step = \"approval\", of = \"ops\" }]\n";

fn says(reply: &str) -> Vec<u8> {
    saying(&["say"], &format!("\"{reply}\""))
}

/// `say` replies "one" by a pinned module.
fn pinned() -> World {
    needs_root();
    let world = World::new();
    world.put("plugins/say.wasm", says("one"));
    world.grants("say", &format!("sha256 = \"PIN\"\n{SAY}"))
}

fn reasons(plugin: &Value) -> String {
    plugin["reasons"].as_array().unwrap().iter().map(|why| why.as_str().unwrap()).collect::<Vec<_>>().join("\n")
}

/// Asks for a held operation, has it approved, and tells what came of it.
fn approved(running: &Running<'_>) -> Value {
    let held = running.op("say", Value::Null);
    let handle = held["uid"].as_str().unwrap_or_else(|| panic!("not held: {held}")).to_owned();
    let id = running.only_pending();
    assert_eq!(running.regent_as("games", &["approve", &id]).status, 0);
    eventually("it is over", || {
        let reply = running.ask(json!({"uid": handle, "data": null}));
        (reply["state"] != "held" && reply["state"] != "approved" && reply["state"] != "performing").then_some(reply)
    })
}

#[test]
fn another_module_than_the_pinned_one_waits_while_the_accepted_one_serves_on_also_after_a_restart() {
    let world = pinned();
    let one = world.digest("say");
    let mut running = world.start().serving("say");
    world.put("plugins/say.wasm", says("two"));
    let two = world.digest("say");
    for restarted in [false, true] {
        let listed = running.wait_plugin("say", "serving-accepted");
        assert_eq!((&listed["serves"], &listed["file"]), (&json!(one), &json!(two)));
        let why = reasons(&listed);
        for part in ["say.wasm is not the module that say.toml pins", &two, &one, "regent plugin upgrade say"] {
            assert!(why.contains(part), "{part:?} is not in {why:?}");
            assert!(running.log().contains(part), "{part:?} is not in the log");
        }
        let shown = running.regent(&["plugin", "list", "say"]).stdout;
        for part in ["serving, but not the module that is in the folder", &one[..12], &two[..12], "upgrade say"] {
            assert!(shown.contains(part), "{part:?} is not in\n{shown}");
        }
        assert_eq!(running.op("say", Value::Null)["data"], "one");
        if !restarted {
            drop(running);
            running = world.start().serving("say");
        }
    }
}

#[test]
fn what_serves_after_a_restart_needs_no_file_in_the_compile_cache() {
    let world = pinned();
    drop(world.start().serving("say"));
    world.put("plugins/say.wasm", says("two"));
    fs::remove_dir_all(world.path("state/compiled")).unwrap();
    let running = world.start().serving("say");
    assert_eq!(running.op("say", Value::Null)["data"], "one");
}

#[test]
fn a_kept_module_that_was_tampered_with_serves_no_more() {
    let world = pinned();
    let one = world.digest("say");
    drop(world.start().serving("say"));
    world.put("plugins/say.wasm", says("two"));
    let kept = world.path(&format!("state/modules/{one}.wasm"));
    assert_eq!(fs::metadata(kept.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    fs::write(&kept, says("evil")).unwrap();
    let running = world.start();
    running.wait_plugin("say", "not-serving");
    assert_eq!(running.op("say", Value::Null)["success"], Value::Null);
    running.wait_log("is not the module that was kept: dropped");
}

#[test]
fn a_pin_that_names_the_new_digest_has_the_new_module_serve_and_the_old_pin_the_old_one_again() {
    let world = pinned();
    let running = world.start().serving("say");
    let old = fs::read(world.path("grants/say.toml")).unwrap();
    world.put("plugins/say.wasm", says("two"));
    running.wait_plugin("say", "serving-accepted");
    let new = format!("sha256 = \"{}\"\n{SAY}", world.digest("say"));
    world.put("grants/say.toml", &new);
    running.wait_answer("say", &json!("two"));
    assert_eq!(running.wait_plugin("say", "serving")["reasons"], json!([]));
    // Back, although the file is no longer in any folder.
    world.put("grants/say.toml", old);
    running.wait_answer("say", &json!("one"));
    running.wait_plugin("say", "serving-accepted");
}

#[test]
fn two_pins_let_either_module_serve_so_that_a_package_can_be_installed_before_or_after() {
    let world = pinned();
    let one = world.digest("say");
    let running = world.start().serving("say");
    let next = World::new();
    next.put("plugins/say.wasm", says("two"));
    world.put("grants/say.toml", format!("sha256 = [\"{one}\", \"{}\"]\n{SAY}", next.digest("say")));
    running.wait_log("serves say");
    assert_eq!(running.op("say", Value::Null)["data"], "one");
    world.put("plugins/say.wasm", says("two"));
    running.wait_answer("say", &json!("two"));
    world.put("plugins/say.wasm", says("three"));
    running.wait_plugin("say", "serving-accepted");
    assert_eq!(running.op("say", Value::Null)["data"], "two", "the one that served last");
}

#[test]
fn a_pin_that_no_module_has_serves_nothing_of_a_new_plugin() {
    needs_root();
    let world = World::new();
    world.put("plugins/say.wasm", says("one"));
    let world = world.grants("say", &format!("sha256 = \"{}\"\n{SAY}", "ab".repeat(32)));
    let running = world.start();
    let listed = running.wait_plugin("say", "not-serving");
    assert!(reasons(&listed).contains("is not the module that say.toml pins"), "{listed}");
    let reply = running.op("say", Value::Null);
    assert_eq!(reply["error"], "Operation failed", "{reply}");
}

#[test]
fn what_a_package_lists_is_vouched_for_and_may_be_held_without_a_pin() {
    needs_root();
    let world = World::new();
    world.put("plugins/say.wasm", says("one"));
    let listed = format!("{}  say.wasm\n", world.digest("say"));
    world.put("plugins/SHA256SUMS", &listed);
    let world = world.grants("say", HELD);
    let running = world.start().serving("say");
    assert_eq!(running.plugin("say")["pin"], "SHA256SUMS");
    assert_eq!(approved(&running)["data"], "one");
    // The package is replaced: the list first, as dpkg may, and then the module.
    let next = World::new();
    next.put("plugins/say.wasm", says("two"));
    world.put("plugins/SHA256SUMS", format!("{}  say.wasm\n", next.digest("say")));
    eventually("it is said", || reasons(&running.plugin("say")).contains("SHA256SUMS beside it").then_some(()));
    assert_eq!(approved(&running)["data"], "one", "what served goes on");
    world.put("plugins/say.wasm", says("two"));
    eventually("the new one serves", || (running.plugin("say")["serves"] == world.digest("say")).then_some(()));
    assert_eq!((approved(&running)["data"].clone(), reasons(&running.plugin("say"))), (json!("two"), String::new()));
}

#[test]
fn a_module_that_the_list_names_otherwise_is_not_accepted_and_one_that_no_list_names_may_not_be_held() {
    needs_root();
    let world = World::new();
    world.put("plugins/say.wasm", says("one"));
    let found = world.digest("say");
    let world = world.grants("say", HELD);
    let running = world.start();
    let unpinned = running.wait_plugin("say", "not-serving");
    assert!(reasons(&unpinned).contains("sha256"), "{unpinned}");
    assert_eq!(running.op("say", Value::Null)["error"], "Unknown operation");
    world.put("plugins/SHA256SUMS", format!("{}  say.wasm\n", "ab".repeat(32)));
    let why = eventually("the list is read", || {
        Some(reasons(&running.plugin("say"))).filter(|why| why.contains("SHA256SUMS beside it"))
    });
    assert!(why.contains(&found) && why.contains("Install the package again, or pin it"), "{why}");
    assert!(running.op("say", Value::Null)["state"] != "held");
    world.put("plugins/SHA256SUMS", format!("{found}  say.wasm\n"));
    running.wait_plugin("say", "serving");
    assert_eq!(approved(&running)["data"], "one");
}

#[test]
fn a_list_that_others_may_write_vouches_for_nothing() {
    needs_root();
    let world = World::new();
    world.put("plugins/say.wasm", says("one"));
    let list = world.put("plugins/SHA256SUMS", format!("{}  say.wasm\n", world.digest("say")));
    fs::set_permissions(&list, fs::Permissions::from_mode(0o666)).unwrap();
    let world = world.grants("say", HELD);
    let running = world.start();
    let unpinned = running.wait_plugin("say", "not-serving");
    assert!(reasons(&unpinned).contains("sha256"), "{unpinned}");
    fs::set_permissions(&list, fs::Permissions::from_mode(0o644)).unwrap();
    running.wait_plugin("say", "serving");
}

#[test]
fn what_was_approved_for_one_module_does_not_run_on_the_next() {
    let world = pinned();
    let world = world.grants("say", &format!("sha256 = \"PIN\"\n{HELD}"));
    let running = world.start().serving("say");
    let held = running.op("say", Value::Null);
    let id = running.only_pending();
    world.put("plugins/say.wasm", says("two"));
    world.put("grants/say.toml", format!("sha256 = \"{}\"\n{HELD}", world.digest("say")));
    running.wait_plugin("say", "serving");
    eventually("the new one serves", || (running.plugin("say")["serves"] == world.digest("say")).then_some(()));
    running.regent_as("games", &["approve", &id]);
    let reply = running.ask(json!({"uid": held["uid"], "data": null}));
    assert_eq!(reply["state"], "void", "{reply}");
}
