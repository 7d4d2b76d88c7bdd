//! What a hole in the engine gains at all: whatever the administrator granted to that plugin, in a request that its
//! lane serves, with values that the slots take, after whoever has to consent. It need not ask the plugin, and that is
//! the gain.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]

mod handmade;
mod native;

use native::{Had, bare, fails, instance, marks, served, world};
use regent_tests::{code, error};
use serde_json::{Value, json};

fn plan(calls: &[Value]) -> Value {
    json!({"attack": "plan", "calls": calls})
}

fn mark(word: &str) -> Value {
    json!(["mark", [["word", word]]])
}

#[test]
fn a_granted_command_runs_with_what_its_slots_take_in_the_request_that_is_served_and_is_on_record() {
    let world = world(1);
    let running = served(&world, 1);
    let reply = running.op("native-0", plan(&[mark("gained"), json!(["whoami", []])]));
    assert_eq!(reply["data"], json!(["taken", "taken"]), "{reply}");
    assert_eq!(marks(&world), ["gained"]);
    let audit = world.audit();
    let record = audit.iter().find(|record| record["event"] == "performing").unwrap_or_else(|| panic!("{audit:?}"));
    assert_eq!(record["operation"], "native-0");
    assert!(record["plan"].to_string().contains("gained"), "{record}");
}

#[test]
fn what_a_slot_does_not_take_is_not_planned_and_the_rest_of_its_answer_counts() {
    let world = world(1);
    let running = served(&world, 1);
    let calls = ["../out", "UPPER", "", "a b", "-x", "a\u{0}", "toolongbyfar"].map(mark);
    let reply = running.op("native-0", plan(&calls));
    assert_eq!(reply["data"], Value::from(vec!["word: not accepted"; calls.len()]), "{reply}");
    assert_eq!(marks(&world), [""; 0]);
}

#[test]
fn what_was_not_granted_is_not_done_though_the_code_says_that_it_was() {
    let granted = mark("before");
    let attacks = [
        (json!(["neighbours", []]), "not granted: add [commands.neighbours] to the grants of native-0"),
        (json!(["nothing", []]), "not granted: add [commands.nothing] to the grants of native-1"),
        (json!(["../mark", [["word", "x"]]]), "not granted: add [commands.../mark] to the grants of native-2"),
        (json!(["mark", []]), "command mark: slot word was given no value"),
        (json!(["mark", [["other", "x"]]]), "command mark has no slot other"),
        (json!(["mark", [["word", "x"], ["word", "y"]]]), "command mark: slot word was given twice"),
        (json!(["mark", [["word", "x"], ["more", "y"]]]), "command mark has no slot more"),
    ];
    let world = world(attacks.len());
    let running = served(&world, attacks.len());
    let had = Had::of(&running, attacks.len());
    for (number, (attack, why)) in attacks.iter().enumerate() {
        // A step that is granted does not run either; nor does it help to claim the reply.
        for claims in [Value::Null, json!("\"done\"")] {
            let attack = json!({"attack": "plan", "calls": [granted, attack], "claims": claims});
            fails(&running, &format!("native-{number}"), &attack, why);
        }
    }
    assert_eq!(marks(&world), [""; 0]);
    had.is_all(&running, attacks.len());
}

#[test]
fn a_plan_has_sixty_four_steps_and_no_more() {
    let world = world(2);
    let running = served(&world, 2);
    let who = json!(["whoami", []]);
    let reply = running.op("native-0", plan(&vec![who.clone(); 64]));
    assert_eq!(reply["data"], Value::from(vec!["taken"; 64]));
    fails(&running, "native-1", &plan(&vec![who; 65]), "it planned more than 64 steps");
}

#[test]
fn a_reply_that_is_claimed_takes_the_place_of_nothing_that_was_planned() {
    let world = world(1);
    let running = served(&world, 1);
    let claims = json!({"attack": "plan", "calls": [mark("planned")], "claims": "\"nothing to do\""});
    assert_eq!(running.op("native-0", claims)["data"], json!(["taken"]), "what came of the plan");
    assert_eq!(marks(&world), ["planned"]);
}

#[test]
fn nobody_consents_in_the_place_of_those_who_must() {
    let require = "require = [{ step = \"approval\", of = \"ops\" }]";
    let world = instance(bare(), "held", require, "");
    let pinned = format!("sha256 = \"{}\"\n", world.digest("native"));
    let grants = std::fs::read_to_string(world.path("grants/held.toml")).unwrap();
    let world = world.grants("held", &(pinned + &grants));
    let running = world.start().serving("held").serving("echo");
    let claims = json!({"attack": "plan", "calls": [mark("unasked")], "claims": "\"done\""});
    let held = running.op("held", claims);
    assert_eq!(held["state"], "held", "{held}");
    let claims = json!({"attack": "plan", "calls": [], "claims": "\"done\""});
    let empty = running.op("held", claims);
    assert_eq!(empty["state"], "held", "an empty plan is consented to as well: {empty}");
    assert_eq!(marks(&world), [""; 0]);
    let list = running.regent(&["pending", "--json"]);
    let pending: Value = serde_json::from_str(&list.stdout).unwrap();
    let ids: Vec<_> = pending.as_array().unwrap().iter().map(|hold| hold["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 2);
    assert!(
        ids.iter().any(|id| running.regent(&["show", id]).stdout.contains("unasked")),
        "the approver sees what would run"
    );
    assert_eq!(marks(&world), [""; 0]);
}

/// Another instance of the very same module is another plugin.
#[test]
fn settings_commands_and_requests_of_another_instance_are_not_its_own() {
    let world = instance(bare(), "one", "", "[commands.only-one]\nrun = [\"/usr/bin/true\"]\n");
    let world = instance(world, "other", "", "");
    let running = world.start().serving("one").serving("other").serving("echo");
    let only = plan(&[json!(["only-one", []])]);
    assert_eq!(running.op("one", only.clone())["data"], json!(["taken"]));
    fails(&running, "other", &only, "not granted: add [commands.only-one] to the grants of other");
    let unknown = running.op("neighbours", Value::Null);
    assert_eq!((error(&unknown), code(&unknown)), ("Unknown operation", "unknown-operation"));
}
