//! A plugin that componentize-py made of Python and `wit/` alone: it is served like any other.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]

use std::thread;

use regent_tests::{World, code, error};
use serde_json::json;

const GRANTS: &str = r#"
[operations.say]
# It is compiled while the first request waits.
deadline = "60s"
[commands.say]
run = ["/usr/bin/echo", "{text}"]
params.text = { type = "text", pattern = "[a-z ]+", max = 64 }
"#;

#[test]
fn what_is_asked_while_it_still_compiles_waits_and_is_answered() {
    let world = World::new().plugin("python", GRANTS);
    let running = world.start();
    assert!(!running.log().contains("plugin python serves"), "it takes seconds to compile");
    let reply = running.op("say", json!({"text": "hello there"}));
    assert_eq!(reply["data"], json!({"asked": "hello there", "said": "hello there"}), "{reply}");
}

#[test]
fn what_nobody_grants_is_unknown_even_while_it_compiles() {
    let world = World::new().plugin("python", GRANTS);
    let running = world.start();
    let reply = running.op("sing", json!({"text": "hello"}));
    assert_eq!((error(&reply), code(&reply)), ("Unknown operation", "unknown-operation"));
}

#[test]
fn whoever_cannot_wait_so_long_hears_that_it_failed_and_never_that_it_is_unknown() {
    let world = World::new().plugin("python", &GRANTS.replace("60s", "4s").replacen("4s", "3500ms", 1));
    let running = world.start();
    let reply = running.op("say", json!({"text": "hello"}));
    if reply["success"] != true {
        assert_eq!(error(&reply), "Operation failed", "{reply}");
    }
}

#[test]
fn its_refusals_are_the_callers_to_hear_and_its_words_for_a_failure_too() {
    let failing = format!("{GRANTS}timeout = \"1s\"\n").replace("\"/usr/bin/echo\"", "\"/usr/bin/false\"");
    let world = World::new().plugin("python", GRANTS);
    let running = world.start().serving("python");
    for data in [json!(null), json!({}), json!({"text": 7}), json!(["text"])] {
        let reply = running.op("say", data);
        assert_eq!((error(&reply), code(&reply)), ("Invalid data: Missing text", "invalid-data"));
    }
    // What the grant does not take the host refuses, and the plugin hands that on.
    let reply = running.op("say", json!({"text": "; reboot"}));
    assert_eq!((error(&reply), code(&reply)), ("Invalid data: text: not accepted", "invalid-data"));
    assert_eq!(running.op("say", json!({"text": "well"}))["data"]["said"], "well");
    drop(running);
    let world = world.grants("python", &failing);
    let running = world.start().serving("python");
    let reply = running.op("say", json!({"text": "well"}));
    assert_eq!((error(&reply), code(&reply)), ("Nothing could be said", "failed"));
}

#[test]
fn four_at_once_are_answered_each_with_its_own() {
    let world = World::new().plugin("python", GRANTS);
    let running = world.start().serving("python");
    thread::scope(|scope| {
        for word in ["one", "two", "three", "four"] {
            let running = &running;
            scope.spawn(move || {
                for _ in 0..10 {
                    assert_eq!(running.op("say", json!({"text": word}))["data"]["said"], word);
                }
            });
        }
    });
}
