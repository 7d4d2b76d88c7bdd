//! The fake host, with a plugin that says what it is asked to and a grants file that grants little.

use regent_plugin::prelude::*;
use regent_plugin::testing::{Host, Required, json, ok, status};
use regent_plugin::{StepResult, now, random};

const GRANTS: &str = r#"
[settings]
limit = 3

[operations.say]
as = "speak"

[operations.careful]

[commands.say]
run = ["/usr/bin/echo", "{text}"]
params.text = { type = "text", pattern = "[a-z ]+", max = 16 }

[commands.true]
run = ["/usr/bin/true"]
"#;

const PEOPLE: &str = r#"
plugins = ["/usr/lib/regent/plugins"]
state = "/var/lib/regent"
[[sockets]]
name = "test"
path = "/run/regent/test/regent.sock"
secret_file = "/etc/regent/test.secret"
operations = ["*"]
[people.anna]
user = "anna"
[people.ben]
user = "ben"
[teams]
ops = ["anna", "ben"]
"#;

#[derive(Serialize, Deserialize)]
struct Say {
    texts: Vec<String>,
    command: String,
    slot: String,
}

#[derive(Deserialize)]
struct Limit {
    limit: usize,
}

impl Operation for Say {
    type Data = Say;
    const SUMMARY: &'static str = "Say some texts";

    fn prepare(data: Say, plan: &mut Plan) -> Result<Self, Refusal> {
        let Limit { limit } = settings();
        if data.texts.len() > limit {
            return Err(Refusal::denied("more texts than the settings allow"));
        }
        for text in &data.texts {
            plan.run(&data.command, &[(&data.slot, text)])?;
        }
        log(Level::Info, format_args!("{} texts", data.texts.len()));
        Ok(data)
    }

    fn finish(self, results: &Results) -> Result<impl Serialize, Failure> {
        results.iter().map(StepResult::text).map(|text| text.map(str::to_owned)).collect::<Result<Vec<_>, _>>()
    }
}

#[derive(Serialize, Deserialize)]
struct Careful {
    deny: bool,
}

impl Careful {
    fn authorise(&self) -> Result<Vec<Step>, Refusal> {
        if self.deny { Err(Refusal::denied("not today")) } else { Ok(vec![Step::approvals("ops", 2)]) }
    }
}

impl Operation for Careful {
    type Data = bool;
    const SUMMARY: &'static str = "Ask ops first";
    const AUTHORISE: Option<regent_plugin::Authorise<Self>> = Some(Self::authorise);

    fn prepare(deny: bool, plan: &mut Plan) -> Result<Self, Refusal> {
        plan.run("true", &[])?;
        Ok(Self { deny })
    }

    fn finish(self, results: &Results) -> Result<impl Serialize, Failure> {
        results.or_fail("ops were asked in vain")?;
        Ok((now().as_secs(), random(2)))
    }
}

plugin! {
    "say" => Say,
    "careful" => Careful;
    wants "say"("text"): "says it",
    wants "true"(): "does nothing"
}

fn host() -> Host {
    Host::with_config(&PLUGIN, GRANTS, PEOPLE)
}

fn say(texts: &[&str]) -> serde_json::Value {
    json!({"texts": texts, "command": "say", "slot": "text"})
}

#[test]
fn a_plan_is_shown_as_command_lines_and_run_line_by_line() {
    let host = host();
    let planned = host.prepare("speak", say(&["hello", "you there"])).unwrap();
    assert_eq!(planned.command_lines(), ["/usr/bin/echo hello", "/usr/bin/echo you there"]);
    assert_eq!(planned.logged(), [(Level::Info, "2 texts".to_owned())]);
    assert_eq!(planned.run(|line| ok(&line.argv[1])), Ok(json!(["hello", "you there"])));
}

#[test]
fn callers_know_an_operation_by_the_name_that_the_grants_give_it() {
    assert_eq!(host().prepare("say", say(&[])).unwrap_err(), "Unknown operation");
}

#[test]
fn a_value_that_the_slot_does_not_take_is_the_callers_fault() {
    assert_eq!(host().prepare("speak", say(&["hello;"])).unwrap_err(), "Invalid data: text: not accepted");
}

#[test]
fn data_that_does_not_read_is_the_callers_fault() {
    assert_eq!(host().prepare("speak", json!({"texts": []})).unwrap_err(), "Invalid data: command is missing");
}

#[test]
fn a_refusal_with_another_code_keeps_its_words_from_the_caller() {
    assert_eq!(host().prepare("speak", say(&["a"; 4])).unwrap_err(), "Operation failed");
}

#[test]
#[should_panic(expected = r#"not granted: add to the grants of test:
[commands.shout]
run = ["/path/to/program", "{text}"]
params.text = { type = "text", pattern = "[A-Za-z0-9._-]+", max = 64 }"#)]
fn a_command_that_was_not_granted_is_the_plugins_fault() {
    let _ = host().prepare("speak", json!({"texts": ["a"], "command": "shout", "slot": "text"}));
}

#[test]
#[should_panic(expected = "command say has no slot words")]
fn so_is_a_slot_that_there_is_not() {
    let _ = host().prepare("speak", json!({"texts": ["a"], "command": "say", "slot": "words"}));
}

#[test]
fn a_failed_step_ends_the_run_and_fails_the_operation() {
    let host = host();
    let mut ran = 0;
    let planned = host.prepare("speak", say(&["a", "b", "c"])).unwrap();
    let heard = planned.run(|_| {
        ran += 1;
        status(1)
    });
    assert_eq!(heard.unwrap_err(), "Operation failed");
    assert_eq!(ran, 1);
}

#[test]
fn a_plugins_own_steps_are_asked_for() {
    let host = host();
    let planned = host.prepare("careful", json!(false)).unwrap();
    assert_eq!(planned.required(), [Required { of: "ops".into(), count: 2 }]);
    assert_eq!(planned.run(|_| ok("")), Ok(json!([1_700_000_000, [0, 1]])));
}

#[test]
fn a_plugins_own_no_is_told_without_its_reason() {
    assert_eq!(host().prepare("careful", json!(true)).unwrap_err(), "Authorisation failed");
}

#[test]
fn a_worded_failure_reaches_the_caller() {
    let host = host();
    let planned = host.prepare("careful", json!(false)).unwrap();
    assert_eq!(planned.run(|_| status(1)).unwrap_err(), "ops were asked in vain");
}

#[test]
fn the_description_says_what_serves_and_what_is_wanted() {
    let described = host().describe();
    assert_eq!(described["operations"][0]["uses"], json!(["finishing"]));
    assert_eq!(described["operations"][1]["uses"], json!(["authorising", "finishing"]));
    assert_eq!(described["wants"][0], json!({"command": "say", "slots": ["text"], "reason": "says it"}));
}

#[test]
#[should_panic(expected = "there is no host here")]
fn without_a_host_nothing_can_be_asked() {
    let _ = now();
}
