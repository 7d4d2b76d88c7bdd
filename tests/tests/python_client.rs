//! The client of 2022, unchanged from PyPI, against this daemon: all that it can send, each with its denied twin.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]

use regent_tests::{Running, SECRET, World, client, eventually, needs_root};
use serde_json::{Value, json};

fn world() -> World {
    needs_root();
    let world = World::new();
    let ran = world.path("ran").display().to_string();
    let grants = format!(
        "sha256 = \"PIN\"\n[settings]\nports = [22]\n[operations.open]\nrequire = [{{ step = \"approval\", of = \"ops\" }}]\n[operations.close]\n[commands.open-port]\nrun = [\"/usr/bin/mkdir\", \"-p\", \"{ran}/{{ip}}-{{port}}\"]\nparams.ip = {{ type = \"ipv4\", scope = \"public\" }}\nparams.port = {{ type = \"integer\", one_of = \"settings.ports\" }}\n[commands.close-port]\nrun = [\"/usr/bin/false\", \"{{ip}}\", \"{{port}}\"]\nparams.ip = {{ type = \"ipv4\" }}\nparams.port = {{ type = \"integer\" }}\n[commands.list-ports]\nrun = [\"/usr/bin/true\"]\n"
    );
    world
        .plugin("firewall", &grants)
        .plugin("echo", "[operations.echo]\n")
        .plugin("whoami", "[operations.whoami]\n[commands.whoami]\nrun = [\"/usr/bin/whoami\"]\n")
}

fn served(world: &World) -> Running<'_> {
    world.start().serving("firewall").serving("echo").serving("whoami")
}

const OPEN: &str = "request('open', {'ip': '8.8.8.8', 'port': 22})";

#[test]
fn a_request_is_answered_as_the_original_answered_it() {
    let world = world();
    let running = served(&world);
    assert_eq!(client(&running, SECRET, "request('whoami')"), json!({"success": true, "uid": null, "data": "root"}));
    let data = "{'a': [1, 2.5, None, True, 'ä']}";
    let reply = client(&running, SECRET, &format!("request('echo', {data})"));
    assert_eq!(reply["data"], json!({"a": [1, 2.5, null, true, "ä"]}));
    let reply = client(&running, SECRET, "request('echo', 'x' * 60000)");
    assert_eq!(reply["data"].as_str().unwrap().len(), 60_000);
}

#[test]
fn each_error_has_the_text_that_the_original_had() {
    let world = world();
    let running = served(&world);
    for (secret, call, text) in [
        ("wrong", "request('whoami')", "Permission denied"),
        (SECRET, "request('reboot')", "Unknown operation"),
        (SECRET, "call_service({'data': 1})", "Invalid message: operation not found"),
        (SECRET, "request('open', {'port': 22})", "Invalid data: Missing IP"),
        (SECRET, "request('open', {'ip': 'x', 'port': 22})", "Invalid data: Invalid IP"),
        (SECRET, "request('open', {'ip': '2001:db8::1', 'port': 22})", "Invalid data: IPv4 only"),
        (SECRET, "request('open', {'ip': '192.168.0.1', 'port': 22})", "Invalid data: IP not allowed"),
        (SECRET, "request('close', {'ip': '8.8.8.8', 'port': 22})", "Failed to change firewall"),
        (SECRET, "auth('no such uid')", "Unknown or expired uid"),
        (SECRET, "auth('no such uid', '123456')", "Unknown or expired uid"),
        (SECRET, "call_service({'uid': 'u', 'key': 'k'})", "Invalid message: key is not served"),
        (SECRET, "call_service({'op': 'echo', 'list': True})", "Invalid message: list is not served"),
        (SECRET, "call_service({'op': 'echo', 'stream': True})", "Invalid message: stream is not served"),
        (SECRET, "call_service({'op': 'echo', 'wait': 'long'})", "Invalid message: wrong type of wait"),
        (SECRET, "request('echo', 'x' * 70000)", "Request too long"),
    ] {
        assert_eq!(client(&running, secret, call)["error"], text, "{call}");
    }
}

#[test]
fn a_held_operation_is_read_waited_for_and_given_up() {
    let world = world();
    let running = served(&world);
    let held = client(&running, SECRET, OPEN);
    let uid = held["uid"].as_str().unwrap();
    assert_eq!((&held["success"], &held["state"]), (&json!(true), &json!("held")));
    assert_eq!(client(&running, SECRET, &format!("auth('{uid}')"))["state"], "held", "reading is no answer");
    let answered = client(&running, SECRET, &format!("auth('{uid}', '123456')"));
    assert_eq!((&answered["error"], &answered["state"]), (&json!("Authorisation failed"), &json!("held")));
    let id = running.only_pending();
    assert_eq!(running.regent_as("games", &["approve", &id]).status, 0);
    let done = client(&running, SECRET, &format!("call_service({{'uid': '{uid}', 'wait': 4}})"));
    assert_eq!((&done["success"], &done["uid"], &done["state"]), (&json!(true), &Value::Null, &json!("done")));
    let second = client(&running, SECRET, OPEN);
    let uid = second["uid"].as_str().unwrap();
    let cancelled = client(&running, SECRET, &format!("call_service({{'uid': '{uid}', 'cancel': True}})"));
    assert_eq!((&cancelled["error"], &cancelled["state"]), (&json!("Operation failed"), &json!("cancelled")));
    eventually("nothing is pending", || (running.regent(&["pending", "--json"]).stdout.trim() == "[]").then_some(()));
}

#[test]
fn the_additions_are_used_by_call_service() {
    let world = world();
    let running = served(&world);
    let call = "call_service({'op': 'open', 'data': {'ip': '8.8.8.8', 'port': 22}, 'dry_run': True, 'id': 'mine'})";
    let shown = client(&running, SECRET, call);
    assert_eq!((&shown["id"], &shown["data"]["plan"][0]["command"]), (&json!("mine"), &json!("open-port")));
    assert_eq!(running.regent(&["pending", "--json"]).stdout.trim(), "[]", "nothing was held");
}
