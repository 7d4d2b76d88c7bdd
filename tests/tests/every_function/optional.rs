//! The optional interfaces: called for those operations alone whose description names them, and what they say only
//! adds.

use regent_tests::error;
use serde_json::{Value, json};

use super::attacks::around;
use super::stage::{COMMAND, HELD, OPERATION, Stage, TELLS, approved, told, using, with};
use super::{Cell, Row, shown};
use crate::handmade::Plugin;

const PLAN: &str = "(call $plan_one)";

fn granted() -> String {
    format!("{OPERATION}{COMMAND}")
}

fn held() -> String {
    format!("{HELD}{COMMAND}")
}

/// One that plans a step, and whose `authorise` does this before it asks for nothing.
fn authorises(uses: &str, body: &str) -> Plugin {
    let plugin = using(uses);
    Plugin {
        prepare: format!("{PLAN} {}", plugin.prepare),
        authorise: format!("{body} {}", plugin.authorise),
        ..plugin
    }
}

pub(crate) fn authorising() -> Vec<Row> {
    const USES: &str = "\"authorising\"";
    vec![Row {
        function: "authorising.authorise",
        cells: [
            shown(|| told(&Stage::new(&authorises("", TELLS), &granted()).serves(&Value::Null, 1), 0)),
            shown(|| {
                // It asks for what it was given as its state: a step of somebody who is not there.
                let plugin = authorises(USES, "(return (call $json (local.get 2) (local.get 3)))");
                let stage = Stage::new(&plugin, &held());
                let running = stage.start();
                let steps = json!([{"step": "approval", "of": "nobody-at-all"}]);
                assert_eq!(error(&running.op("attack", steps)), "Authorisation failed");
                stage.left(0);
            }),
            shown(|| {
                let says = "it called `commands.plan` in `authorise`";
                Stage::new(&authorises(USES, PLAN), &granted()).fails("plugin-fault", says, 0);
            }),
            shown(|| {
                // `[]` takes away nothing of what the administrator asks for.
                let stage = Stage::new(&authorises(USES, ""), &held());
                let running = stage.start();
                assert_eq!(running.op("attack", json!(1))["state"], "held");
                stage.left(0);
            }),
            shown(|| {
                let stage = Stage::new(&authorises(USES, TELLS), &held());
                let running = stage.start();
                approved(&running);
                told(&running, 1);
                stage.left(1);
            }),
            shown(|| {
                let after = with(authorises(USES, ""), &around::after("authorising@0.1.0#authorise", PLAN));
                Stage::new(&after, &granted()).fails("plugin-trap", "cannot leave component instance", 0);
            }),
        ],
    }]
}

/// One that plans a step, and whose `finish` does this before it replies.
fn finishes(uses: &str, body: &str) -> Plugin {
    let plugin = using(uses);
    Plugin { prepare: format!("{PLAN} {}", plugin.prepare), finish: format!("{body} {}", plugin.finish), ..plugin }
}

pub(crate) fn finishing() -> Vec<Row> {
    const USES: &str = "\"finishing\"";
    vec![Row {
        function: "finishing.finish",
        cells: [
            shown(|| told(&Stage::new(&finishes("", TELLS), &granted()).serves(&Value::Null, 1), 0)),
            shown(|| {
                // No slot, but a reply that is none: what ran has run, and nobody hears of it.
                let plugin = finishes(USES, "(return (call $json (i32.const 1043) (i32.const 7)))");
                Stage::new(&plugin, &granted()).fails("plugin-fault", "its reply is not JSON", 1);
            }),
            shown(|| {
                // Nothing was prepared, so there is nothing to finish.
                let plugin = finishes(USES, TELLS);
                let refuses = Plugin { prepare: "(call $no (i32.const 1043) (i32.const 7))".into(), ..plugin };
                let stage = Stage::new(&refuses, &granted());
                let running = stage.start();
                assert_eq!(error(&running.op("attack", json!(1))), "Operation failed");
                told(&running, 0);
                stage.left(0);
            }),
            shown(|| {
                let says = "it called `commands.plan` in `finish`";
                Stage::new(&finishes(USES, PLAN), &granted()).fails("plugin-fault", says, 1);
            }),
            shown(|| {
                // The result is read as often as one likes, and made once.
                let stage = Stage::new(&finishes(USES, TELLS), &held());
                let running = stage.start();
                let (reply, uid) = approved(&running);
                let again = running.ask(json!({"uid": uid, "wait": 1}));
                assert_eq!(again["data"], reply["data"], "{again}");
                told(&running, 1);
                stage.left(1);
            }),
            shown(|| {
                let after = with(finishes(USES, ""), &around::after("finishing@0.1.0#finish", PLAN));
                Stage::new(&after, &granted()).fails("plugin-trap", "cannot leave component instance", 1);
            }),
        ],
    }]
}

pub(crate) fn not_served() -> Vec<Row> {
    const NEVER: &str =
        "nothing calls it: a description that names it is not served, and one that does not is not asked";
    let row = |function, interface: &'static str| Row {
        function,
        cells: [
            // The fixture exports it, and it would trap.
            shown(|| drop(Stage::new(&finishes("\"finishing\"", ""), &granted()).serves(&json!(1), 1))),
            Cell::Nothing(NEVER),
            shown(move || {
                let stage = Stage::new(&using(&format!("\"{interface}\"")), &granted());
                stage.never_serves(&format!("{interface} is not served by this version of Regent"));
            }),
            Cell::Nothing(NEVER),
            Cell::Nothing(NEVER),
            Cell::Nothing(NEVER),
        ],
    };
    vec![row("judging.judge", "judging"), row("performing.perform", "performing")]
}
