//! An operation for every name that the grants file serves, and what is told when grants and plugin do not fit each
//! other.

use regent_plugin::prelude::*;
use regent_plugin::testing::{Host, json, ok};

const GRANTS: &str = r#"
[operations.hello]
[operations.left]
as = "port"
[operations.right]

[commands.left]
run = ["/usr/bin/echo", "left"]
[commands.right]
run = ["/usr/bin/echo", "right"]
"#;

#[derive(Serialize, Deserialize)]
struct Any(String);

impl Operation for Any {
    type Data = Ignored;
    const SUMMARY: &'static str = "Run what is called as the operation is";

    fn prepare(_: Ignored, plan: &mut Plan) -> Result<Self, Refusal> {
        let name = plan.operation().to_owned();
        plan.run(&name, &[])?;
        Ok(Self(name))
    }

    fn finish(self, _: &Results) -> Result<impl Serialize, Failure> {
        Ok(self.0)
    }
}

#[derive(Serialize, Deserialize)]
struct Hello;

impl Operation for Hello {
    type Data = Ignored;
    const SUMMARY: &'static str = "Greet";

    fn prepare(_: Ignored, _: &mut Plan) -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn finish(self, _: &Results) -> Result<impl Serialize, Failure> {
        Ok("hello")
    }
}

plugin! {
    "*" => Any,
    "hello" => Hello;
    wants "up"("floor", "speed"): "never granted here"
}

/// The same without the star.
mod named {
    use super::Hello;

    regent_plugin::plugin! { "hello" => Hello, "greet" => Hello }
}

#[test]
fn what_is_not_described_by_its_name_is_served_by_the_star_which_is_told_the_plugins_own_name() {
    let host = Host::with_grants(&PLUGIN, GRANTS);
    for (called, name) in [("port", "left"), ("right", "right")] {
        let planned = host.prepare(called, json!(null)).unwrap();
        assert_eq!(planned.command_lines(), [format!("/usr/bin/echo {name}")]);
        assert_eq!(planned.run(|_| ok("")), Ok(json!(name)));
    }
}

#[test]
fn what_is_described_by_its_name_is_served_by_that() {
    let host = Host::with_grants(&PLUGIN, GRANTS);
    assert_eq!(host.prepare("hello", json!(null)).unwrap().run(|_| ok("")), Ok(json!("hello")));
}

#[test]
fn the_star_serves_nothing_that_the_grants_do_not() {
    assert_eq!(Host::with_grants(&PLUGIN, GRANTS).prepare("up", json!(null)).unwrap_err(), "Unknown operation");
}

#[test]
#[should_panic(expected = "grants file:3: [operations.left]: the plugin has no such operation; it has hello, greet")]
fn without_a_star_a_name_that_is_not_described_is_told_beside_those_that_are() {
    let _ = Host::with_grants(&named::PLUGIN, GRANTS);
}

#[test]
#[should_panic(expected = r#"not granted: add to the grants of test:
[commands.up]
run = ["/path/to/program", "{floor}", "{speed}"]
params.floor = { type = "text", pattern = "[A-Za-z0-9._-]+", max = 64 }
params.speed = { type = "text", pattern = "[A-Za-z0-9._-]+", max = 64 }"#)]
fn a_command_that_was_not_granted_is_told_with_the_slots_that_the_plugin_wants() {
    let host = Host::with_grants(&PLUGIN, "[operations.up]");
    let _ = host.prepare("up", json!(null));
}
