//! `operation`, which every plugin exports: the daemon calls it, and never because somebody asked for that function.

use regent_tests::error;
use serde_json::json;

use super::attacks::around;
use super::stage::{COMMAND, HELD, OPERATION, Stage, TELLS, approved, preparing, told, using, with};
use super::{Row, shown};
use crate::handmade::{Plugin, describing};

const PLAN: &str = "(call $plan_one)";

pub(crate) fn rows() -> Vec<Row> {
    vec![describe(), prepare()]
}

/// One that writes a line when it is asked to describe itself.
fn describes() -> Plugin {
    let plugin = using("\"finishing\"");
    Plugin { describe: format!("{TELLS} {}", plugin.describe), ..plugin }
}

fn describe() -> Row {
    Row {
        function: "operation.describe",
        cells: [
            // A module that nobody granted anything is not run.
            shown(|| told(&Stage::without_grants(describes().component()).start_without(), 0)),
            shown(what_it_wants_is_no_grant),
            shown(nobody_asks_for_it),
            shown(|| {
                let plugin = describes();
                let plans = Plugin { describe: format!("{PLAN} {}", plugin.describe), ..plugin };
                let stage = Stage::new(&plans, &format!("{OPERATION}{COMMAND}"));
                stage.never_serves("it called `commands.plan` in `describe`");
            }),
            shown(it_is_asked_once_for_each_module),
            shown(|| {
                let after = with(describes(), &around::after("operation@0.1.0#describe", PLAN));
                let stage = Stage::new(&after, &format!("{OPERATION}{COMMAND}"));
                stage.never_serves("plugin-trap: it trapped: wasm trap: cannot leave component instance");
            }),
        ],
    }
}

fn what_it_wants_is_no_grant() {
    let plugin = describing(
        r#"{"operations":[{"name":"attack"}],"wants":[{"command":"command","slots":[],"reason":"it is mine"}]}"#,
    );
    let plugin = Plugin { prepare: format!("{PLAN} {}", plugin.prepare), ..plugin };
    Stage::new(&plugin, OPERATION).fails("plugin-fault", "not granted: add [commands.command]", 0);
}

/// A caller names operations, and no function is one.
fn nobody_asks_for_it() {
    let stage = Stage::new(&describes(), OPERATION);
    let running = stage.start();
    for name in ["describe", "operation.describe", "regent:plugin/operation@0.1.0#describe", "prepare", "*"] {
        assert_eq!(error(&running.op(name, json!(1))), "Unknown operation", "{name}");
    }
    told(&running, 1);
}

fn it_is_asked_once_for_each_module() {
    let stage = Stage::new(&describes(), OPERATION);
    told(&stage.start(), 1);
    told(&stage.start(), 0);
    let running = stage.start();
    running.regent(&["reload"]);
    assert_eq!(running.op("attack", json!(1))["success"], true);
    told(&running, 0);
}

fn prepare() -> Row {
    let tells = || preparing(TELLS);
    Row {
        function: "operation.prepare",
        cells: [
            shown(what_is_described_and_not_granted_is_not_prepared),
            shown(what_reads_in_two_ways_is_not_prepared),
            shown(move || {
                // At the run of what was held the plan is made of what was kept, and nobody prepares again.
                let stage = Stage::new(&preparing(&format!("{TELLS} {PLAN}")), &format!("{HELD}{COMMAND}"));
                let running = stage.start();
                approved(&running);
                told(&running, 1);
                stage.left(1);
            }),
            shown(move || drop(Stage::new(&tells(), &format!("{OPERATION}{COMMAND}")).serves(&json!(1), 0))),
            shown(move || told(&Stage::new(&tells(), OPERATION).serves(&json!(1), 0), 1)),
            shown(|| {
                let after = with(preparing(PLAN), &around::after("operation@0.1.0#prepare", "unreachable"));
                let stage = Stage::new(&after, &format!("{OPERATION}{COMMAND}"));
                stage.fails("plugin-trap", "it reached `unreachable`", 0);
            }),
        ],
    }
}

fn what_is_described_and_not_granted_is_not_prepared() {
    let plugin = describing(r#"{"operations":[{"name":"attack"},{"name":"other"}]}"#);
    let plugin = Plugin { prepare: format!("{TELLS} {}", plugin.prepare), ..plugin };
    let stage = Stage::new(&plugin, "[operations.other]\n");
    let running = stage.start();
    assert_eq!(error(&running.op("attack", json!(1))), "Unknown operation");
    told(&running, 0);
    assert_eq!(running.op("other", json!(1))["success"], true);
    told(&running, 1);
}

fn what_reads_in_two_ways_is_not_prepared() {
    let stage = Stage::new(&preparing(TELLS), OPERATION);
    let running = stage.start();
    for data in [r#"{"a":1,"a":2}"#, r#""\ud800""#, "1e999", "[1,"] {
        let line = format!(r#"{{"secret":"{}","op":"attack","data":{data}}}"#, regent_tests::SECRET);
        assert!(!error(&running.connect().raw(line)).is_empty(), "{data}");
    }
    told(&running, 0);
}
