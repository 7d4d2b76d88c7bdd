//! A daemon for one cell: one hostile plugin, one command that leaves a file wherever it runs, and what is to be seen
//! afterwards.

use std::fs;

use regent_tests::{Running, World, code, error, eventually, needs_root};
use serde_json::{Value, json};

use crate::handmade::{Plugin, describing};

/// What a step of the plan leaves behind, in the folder whose name GRANTS has as `FOLDER`.
pub(crate) const COMMAND: &str = "[commands.command]\nrun = [\"/usr/bin/mktemp\", \"-p\", \"FOLDER\"]\n";
pub(crate) const OPERATION: &str = "[operations.attack]\n";
/// The same, and somebody has to approve it.
pub(crate) const HELD: &str =
    "sha256 = \"PIN\"\n[operations.attack]\nrequire = [{ step = \"approval\", of = \"ops\" }]\n";

/// What the fixture writes when `$log` is called so: a line by which a call is counted.
pub(crate) const TELLS: &str = "(call $log (i32.const 1) (i32.const 1043) (i32.const 7))";
const TOLD: &str = "plugin hostile: summary";

/// A plugin with an operation `attack` that uses these interfaces.
pub(crate) fn using(interfaces: &str) -> Plugin {
    describing(&format!(r#"{{"operations":[{{"name":"attack","uses":[{interfaces}]}}]}}"#))
}

/// With one more item of its module.
pub(crate) fn with(plugin: Plugin, item: &str) -> Plugin {
    let items = format!("{}\n{item}", plugin.items);
    plugin.items(&items)
}

/// A plugin whose `prepare` does this and then answers.
pub(crate) fn preparing(body: &str) -> Plugin {
    let plugin = using("\"finishing\"");
    Plugin { prepare: format!("{body} {}", plugin.prepare), ..plugin }
}

/// A folder with the plugin, its grants, and a place for what its steps leave.
pub(crate) struct Stage(World);

impl Stage {
    pub(crate) fn new(plugin: &Plugin, grants: &str) -> Self {
        Self::of(plugin.component(), grants)
    }

    pub(crate) fn of(module: Vec<u8>, grants: &str) -> Self {
        let stage = Self::without_grants(module);
        let grants = grants.replace("FOLDER", &stage.0.path("left").display().to_string());
        Self(stage.0.grants("hostile", &grants))
    }

    pub(crate) fn without_grants(module: Vec<u8>) -> Self {
        needs_root();
        let world = World::new().plugin("echo", "[operations.echo]\n");
        world.put("plugins/hostile.wasm", module);
        fs::create_dir(world.path("left")).unwrap();
        Self(world)
    }

    /// With the plugin serving.
    pub(crate) fn start(&self) -> Running<'_> {
        self.0.start().serving("hostile").serving("echo")
    }

    /// Without it: it is told by this why it does not.
    pub(crate) fn never_serves(&self, why: &str) {
        let running = self.0.start().serving("echo");
        let listed = running.wait_plugin("hostile", "not-serving");
        assert!(listed["reasons"][0].as_str().unwrap().contains(why), "{listed}");
        assert_ne!(running.op("attack", Value::Null)["success"], true);
        self.left(0);
    }

    /// One that needs no plugin to serve.
    pub(crate) fn start_without(&self) -> Running<'_> {
        self.0.start().serving("echo")
    }

    /// So many steps have run.
    #[track_caller]
    pub(crate) fn left(&self, steps: usize) {
        assert_eq!(fs::read_dir(self.0.path("left")).unwrap().count(), steps, "steps that ran");
    }

    /// Asked, it fails by this word and these words in the log and in the audit log, and so many steps have run.
    #[track_caller]
    pub(crate) fn fails(&self, word: &str, says: &str, steps: usize) {
        let running = self.start();
        let reply = running.op("attack", json!(1));
        assert_eq!((error(&reply), code(&reply)), ("Operation failed", "failed"), "{reply}");
        let reference = reply["ref"].as_str().unwrap();
        let line = eventually("the log says why", || {
            running.log().lines().find(|line| line.contains(&format!("ref {reference}:"))).map(str::to_owned)
        });
        let audited = eventually("the audit log says why", || {
            let of = |line: &Value| line["ref"] == reference && line["why"].is_string();
            self.0.audit().into_iter().rfind(of).map(|line| line["why"].as_str().unwrap().to_owned())
        });
        for said in [line, audited] {
            assert!(said.contains(&format!("{word}: ")) && said.contains(says), "{said}");
        }
        self.left(steps);
        assert_eq!(running.op("echo", json!(1))["data"], 1);
    }

    /// Asked, it answers with this, and so many steps have run.
    #[track_caller]
    pub(crate) fn serves(&self, reply: &Value, steps: usize) -> Running<'_> {
        let running = self.start();
        let answer = running.op("attack", json!(1));
        assert_eq!((&answer["success"], &answer["data"]), (&json!(true), reply), "{answer}");
        self.left(steps);
        running
    }
}

/// It has been called so often: it writes a line each time.
#[track_caller]
pub(crate) fn told(running: &Running<'_>, times: usize) {
    eventually("its lines are there", || (running.log().matches(TOLD).count() >= times).then_some(()));
    assert_eq!(running.log().matches(TOLD).count(), times, "{}", running.log());
}

/// Asks, has it approved, and waits for the reply; with it, by what name it is read again.
#[track_caller]
pub(crate) fn approved(running: &Running<'_>) -> (Value, Value) {
    let held = running.op("attack", json!(1));
    assert_eq!(held["state"], "held", "{held}");
    let decided = running.regent_as("games", &["approve", &running.only_pending()]);
    assert_eq!(decided.status, 0, "{decided:?}");
    let reply = running.ask(json!({"uid": held["uid"], "wait": 10}));
    assert_eq!(reply["success"], true, "{reply}");
    (reply, held["uid"].clone())
}
