//! `commands.plan`: the one function by which a plugin has an effect.

use serde_json::json;

use super::attacks::{around, raw};
use super::stage::{COMMAND, OPERATION, Stage, preparing, using, with};
use super::{Row, shown};
use crate::handmade::Plugin;

const PLAN: &str = "(call $plan_one)";
/// A command with a slot.
const SLOT: &str = "[commands.command]\nrun = [\"/usr/bin/mktemp\", \"-p\", \"FOLDER\", \"{name}\"]\n\
                    params.name = { type = \"text\", pattern = \"[a-zX.]+\", first_any = true }\n";

pub(crate) fn rows() -> Vec<Row> {
    vec![Row {
        function: "commands.plan",
        cells: [
            shown(without_a_grant),
            shown(with_wrong_slots),
            shown(at_the_wrong_time),
            shown(off_the_plan),
            shown(twice),
            shown(after_the_reply),
        ],
    }]
}

/// The administrator's words: an operation, and this.
fn granting(command: &str) -> String {
    format!("{OPERATION}{command}")
}

fn without_a_grant() {
    let says = "not granted: add [commands.command] to the grants of hostile";
    Stage::new(&preparing(PLAN), OPERATION).fails("plugin-fault", says, 0);
    // Another's name is no grant.
    let other = COMMAND.replace("commands.command", "commands.other");
    Stage::new(&preparing(PLAN), &granting(&other)).fails("plugin-fault", says, 0);
}

/// `plan` with these pairs of a slot and its text.
fn plan(pairs: &[(&str, &str)]) -> String {
    let mut stores = String::new();
    let mut at = 8192;
    for (number, word) in pairs.iter().flat_map(|(slot, text)| [slot, text]).enumerate() {
        for (offset, byte) in word.bytes().enumerate() {
            stores += &format!("(i32.store8 (i32.const {}) (i32.const {byte}))", at + offset);
        }
        let pair = 128 + 8 * number;
        let length = word.len();
        stores += &format!("(i32.store (i32.const {pair}) (i32.const {at}))");
        stores += &format!("(i32.store (i32.const {}) (i32.const {length}))", pair + 4);
        at += 64;
    }
    let count = pairs.len();
    format!("{stores} (call $plan (i32.const 1057) (i32.const 7) (i32.const 128) (i32.const {count}) (i32.const 96))")
}

fn with_wrong_slots() {
    let grants = granting(SLOT);
    let fails = |pairs: &[(&str, &str)], says: &str| {
        Stage::new(&preparing(&plan(pairs)), &grants).fails("plugin-fault", says, 0);
    };
    fails(&[], "command command: slot name was given no value");
    fails(&[("other", "aXXX")], "command command has no slot other");
    fails(&[("name", "aXXX"), ("name", "bXXX")], "command command: slot name was given twice");
    // What the slot does not take is the caller's, and no step.
    Stage::new(&preparing(&plan(&[("name", "../aXXX")])), &grants).serves(&json!(1), 0);
    // The twin.
    Stage::new(&preparing(&plan(&[("name", "aXXX")])), &grants).serves(&json!(1), 1);
}

fn at_the_wrong_time() {
    let grants = granting(COMMAND);
    let says = |place: &str| format!("it called `commands.plan` in {place}: only `prepare` plans");
    let plugin = using("\"finishing\"");
    let describe = Plugin { describe: format!("{PLAN} {}", plugin.describe), ..plugin.clone() };
    Stage::new(&describe, &grants).never_serves(&says("`describe`"));
    Stage::of(raw::starting(raw::PLAN), &grants).never_serves(&says("its start-up"));
    let finish = Plugin { finish: format!("{PLAN} {}", plugin.finish), ..plugin };
    Stage::new(&finish, &grants).fails("plugin-fault", &says("`finish`"), 0);
    let plugin = using("\"authorising\"");
    let authorise = Plugin { authorise: format!("{PLAN} {}", plugin.authorise), ..plugin };
    Stage::new(&authorise, &grants).fails("plugin-fault", &says("`authorise`"), 0);
    let plugin = preparing("(call $settings (i32.const 128))");
    let realloc =
        Plugin { realloc: plugin.realloc.replace("(local $at i32)", "(local $at i32) (call $plan_one)"), ..plugin };
    Stage::new(&realloc, &grants).fails("plugin-trap", "cannot leave component instance", 0);
}

/// What is granted and was not planned does not run, whatever else the plugin says.
fn off_the_plan() {
    Stage::new(&preparing(""), &granting(COMMAND)).serves(&json!(1), 0);
    // Refused, it is no step, though the plugin goes on as if it were; and what is planned runs.
    let (refused, planned) = (plan(&[("name", "../aXXX")]), plan(&[("name", "aXXX")]));
    Stage::new(&preparing(&format!("{refused} {planned}")), &granting(SLOT)).serves(&json!(1), 1);
}

/// Twice planned is two steps, which are shown as two; the same step is not run again by itself.
fn twice() {
    let stage = Stage::new(&preparing(&format!("{PLAN} {PLAN}")), &granting(COMMAND));
    let running = stage.start();
    let dry = running.ask(json!({"op": "attack", "data": 1, "dry_run": true}));
    assert_eq!(dry["data"]["plan"].as_array().map(Vec::len), Some(2), "{dry}");
    stage.left(0);
    assert_eq!(running.op("attack", json!(1))["success"], true);
    stage.left(2);
}

/// After the reply nothing can be called, and the reply does not count: what it planned before does not run.
fn after_the_reply() {
    let plugin = with(preparing(PLAN), &around::after("operation@0.1.0#prepare", PLAN));
    Stage::new(&plugin, &granting(COMMAND)).fails("plugin-trap", "cannot leave component instance", 0);
    Stage::new(&preparing(PLAN), &granting(COMMAND)).serves(&json!(1), 1);
}
