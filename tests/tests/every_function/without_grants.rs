//! What a plugin may call without a grant: it is served at any time before the reply, it is bounded, and nothing is
//! gained by it.

use serde_json::json;

use super::attacks::{around, raw};
use super::stage::{COMMAND, OPERATION, Stage, preparing, using, with};
use super::{Cell, Row, shown};
use crate::handmade::Plugin;

/// One of these functions.
#[derive(Debug, Clone, Copy)]
struct Called {
    /// A call of it.
    call: &'static str,
    /// The same in a start function.
    started: &'static str,
}

const LOG: Called = Called { call: super::stage::TELLS, started: raw::LOG };
const SETTINGS: Called = Called { call: "(call $settings (i32.const 128))", started: raw::SETTINGS };
const RANDOM: Called = Called { call: "(call $random (i32.const 8) (i32.const 128))", started: raw::RANDOM };
const NOW: Called = Called { call: "(drop (call $now))", started: raw::NOW };
const MONOTONIC: Called = Called { call: "(drop (call $monotonic))", started: raw::MONOTONIC };

/// A reply from a clock is a number of no use to anybody.
const NO_POINTER: &str = "it takes nothing, and gives one number: there is no slot, no pointer and no length in it";

pub(crate) fn log() -> Vec<Row> {
    let level = || trapped("(call $log (i32.const 4) (i32.const 0) (i32.const 0))");
    vec![row("log.write", LOG, shown(level), shown(bounded_log))]
}

pub(crate) fn settings() -> Vec<Row> {
    let nowhere = || trapped("(call $settings (i32.const -4))");
    vec![row("settings.all", SETTINGS, shown(nowhere), shown(same_settings))]
}

pub(crate) fn random() -> Vec<Row> {
    let nowhere = || {
        trapped("(call $random (i32.const 8) (i32.const -4))");
        let much = preparing("(call $random (i32.const 65537) (i32.const 128))");
        Stage::new(&much, OPERATION).fails("plugin-fault", "too many random bytes, 65537; the limit is 65536", 0);
    };
    vec![row("random.bytes", RANDOM, shown(nowhere), shown(|| again(RANDOM)))]
}

pub(crate) fn clocks() -> Vec<Row> {
    vec![
        row("clocks.now", NOW, Cell::Nothing(NO_POINTER), shown(|| again(NOW))),
        row("clocks.monotonic", MONOTONIC, Cell::Nothing(NO_POINTER), shown(|| again(MONOTONIC))),
    ]
}

fn row(function: &'static str, called: Called, wrong: Cell, twice: Cell) -> Row {
    let without = move || drop(Stage::new(&calling(called.call), OPERATION).serves(&json!(1), 0));
    let off_the_plan = move || {
        let grants = format!("{OPERATION}{COMMAND}");
        Stage::new(&calling(called.call), &grants).serves(&json!(1), 0);
    };
    Row {
        function,
        cells: [
            shown(without),
            wrong,
            shown(move || whenever(called)),
            shown(off_the_plan),
            twice,
            shown(move || after_the_reply(called)),
        ],
    }
}

/// `prepare` that calls it and answers.
fn calling(call: &str) -> Plugin {
    with_monotonic(preparing(call))
}

/// The one import that the fixture leaves out.
fn with_monotonic(plugin: Plugin) -> Plugin {
    let imports = r#"(import "regent:plugin/clocks@0.1.0" "monotonic" (func $monotonic (result i64)))"#;
    Plugin { imports: imports.into(), ..plugin }
}

#[track_caller]
fn trapped(call: &str) {
    Stage::new(&calling(call), OPERATION).fails("plugin-trap", "it trapped: ", 0);
}

/// There is no wrong time for it but while the host itself is in the middle of something.
fn whenever(called: Called) {
    let Called { call, started } = called;
    // A plugin without operations: it starts, and what is wrong is that there is nothing to serve.
    Stage::of(raw::starting(started), OPERATION).never_serves("it has none at all");
    let plugin = with_monotonic(using("\"finishing\", \"authorising\""));
    let everywhere = Plugin {
        describe: format!("{call} {}", plugin.describe),
        authorise: format!("{call} {}", plugin.authorise),
        finish: format!("{call} {}", plugin.finish),
        ..plugin
    };
    Stage::new(&everywhere, OPERATION).serves(&json!(1), 0);
    // In the allocator, which the host calls while it hands over the data.
    let plugin = calling("");
    let realloc = plugin.realloc.replace("(local $at i32)", &format!("(local $at i32) {call}"));
    let allocating = Plugin { realloc, ..plugin };
    Stage::new(&allocating, OPERATION).fails("plugin-trap", "cannot leave component instance", 0);
}

/// Called twice it is served twice, and nothing runs.
#[track_caller]
fn again(called: Called) {
    let call = called.call;
    Stage::new(&calling(&format!("{call} {call}")), OPERATION).serves(&json!(1), 0);
}

/// 40 KiB twice is more than a request may log: the rest is dropped, and that is said.
fn bounded_log() {
    let line = "(call $log (i32.const 1) (i32.const 131072) (i32.const 40960))";
    let filled = "(memory.fill (i32.const 131072) (i32.const 97) (i32.const 40960))";
    let twice = calling(&format!("{filled} {line} {line}"));
    let stage = Stage::new(&twice, OPERATION);
    let running = stage.serves(&json!(1), 0);
    running.wait_log("plugin hostile: the rest of its log is dropped: 64 KiB a request");
    assert_eq!(
        running.log().matches("plugin hostile: aaaa").count(),
        1,
        "the first of them is there, the second is not"
    );
}

/// The whole table, and the same each time.
fn same_settings() {
    let twice = "(call $settings (i32.const 128)) (call $settings (i32.const 136))
        (if (i32.ne (i32.load (i32.const 132)) (i32.load (i32.const 140))) (then unreachable))";
    let grants = format!("{OPERATION}[settings]\nports = [22]\n");
    Stage::new(&calling(twice), &grants).serves(&json!(1), 0);
}

fn after_the_reply(called: Called) {
    let plugin = with(calling(""), &around::after("operation@0.1.0#prepare", called.call));
    Stage::new(&plugin, OPERATION).fails("plugin-trap", "cannot leave component instance", 0);
    let plugin = with(calling(""), &around::after("finishing@0.1.0#finish", called.call));
    Stage::new(&plugin, OPERATION).fails("plugin-trap", "cannot leave component instance", 0);
}
