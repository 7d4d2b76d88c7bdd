//! What comes out of a grants file, a request's data, and a command's output.

use regent_plugin::StepResult;
use regent_plugin::testing::{Host, json, ok, status};

use super::PLUGIN;

const GRANTS: &str = r#"
[operations.restart]
run = ["/usr/bin/systemctl", "restart", "nginx.service"]
[operations.rotate]
summary = "Rotate the logs"
run = ["/opt/app/rotate", "{day}", "{why}"]
params.day = { type = "integer", min = 1, max = 31 }
params.why = { type = "text", pattern = "[a-z]+" }
reply = "json"
[operations.feed]
run = ["/opt/app/feed", "{day}"]
params.day = { type = "integer", min = 1, max = 31 }
stdin = "data"
reply = "none"
"#;

fn host() -> Host {
    Host::with_grants(&PLUGIN, GRANTS)
}

fn invalid(operation: &str, data: serde_json::Value) -> String {
    host().prepare(operation, data).unwrap_err().to_string()
}

#[test]
fn an_operation_plans_the_command_of_its_name() {
    let host = host();
    assert_eq!(
        host.prepare("restart", json!(null)).unwrap().command_lines(),
        ["/usr/bin/systemctl restart nginx.service"]
    );
    let rotate = host.prepare("rotate", json!({"why": "full", "day": 3})).unwrap();
    assert_eq!(
        (rotate.command_lines(), rotate.summary()),
        (vec!["/opt/app/rotate 3 full".to_owned()], "Rotate the logs")
    );
    assert_eq!(host.prepare("restart", json!({})).unwrap().summary(), "Run restart");
}

#[test]
fn what_is_missing_unknown_or_of_another_type_is_told_to_the_caller() {
    assert_eq!(invalid("rotate", json!({"day": 3})), "Invalid data: why is missing");
    assert_eq!(invalid("rotate", json!({"day": null, "why": "x"})), "Invalid data: day is missing");
    assert_eq!(invalid("rotate", json!({"day": 3, "why": "x", "days": 1})), "Invalid data: unknown key days");
    assert_eq!(invalid("rotate", json!({"day": [3], "why": "x"})), "Invalid data: day: wrong type");
    assert_eq!(invalid("rotate", json!({"day": 3.0, "why": "x"})), "Invalid data: day: wrong type");
    assert_eq!(invalid("rotate", json!([3])), "Invalid data: not an object");
    assert_eq!(invalid("restart", json!({"unit": "ssh"})), "Invalid data: unknown key unit");
}

#[test]
fn what_a_slot_does_not_take_does_not_get_in() {
    assert_eq!(invalid("rotate", json!({"day": 32, "why": "x"})), "Invalid data: day: not accepted");
    assert_eq!(invalid("rotate", json!({"day": 3, "why": "-rf"})), "Invalid data: why: not accepted");
}

#[test]
fn a_command_that_reads_the_data_itself_may_be_given_more() {
    let host = host();
    let feed = host.prepare("feed", json!({"day": 3, "rest": [1, 2]})).unwrap();
    assert_eq!(feed.command_lines(), ["/opt/app/feed 3"]);
    assert_eq!(invalid("feed", json!([1])), "Invalid data: day is missing");
}

#[test]
fn the_reply_is_the_output_as_the_file_says() {
    let host = host();
    let restart = || host.prepare("restart", json!(null)).unwrap();
    let rotate = || host.prepare("rotate", json!({"why": "full", "day": 3})).unwrap();
    assert_eq!(restart().run(|_| ok("two\nlines\n\n")), Ok(json!("two\nlines\n")));
    assert_eq!(rotate().run(|_| ok(" {\"freed\": 5} ")), Ok(json!({"freed": 5})));
    assert_eq!(host.prepare("feed", json!({"day": 1})).unwrap().run(|_| ok("noise")), Ok(json!(null)));
}

#[test]
fn output_that_is_no_text_comes_in_base64() {
    let bytes = |_: &_| StepResult { outcome: "ok".into(), stdout: vec![0xff, 0, b'x'], ..StepResult::default() };
    assert_eq!(host().prepare("restart", json!(null)).unwrap().run(bytes), Ok(json!({"base64": "/wB4"})));
}

#[test]
fn what_is_no_reply_is_a_failure_and_so_is_a_command_that_failed() {
    let host = host();
    let rotate = || host.prepare("rotate", json!({"why": "full", "day": 3})).unwrap();
    assert_eq!(rotate().run(|_| ok("freed: 5")).unwrap_err(), "It did not print JSON");
    assert_eq!(rotate().run(|_| status(1)).unwrap_err(), "Operation failed");
    let cut = |_: &_| StepResult { truncated: true, ..ok("x") };
    assert_eq!(host.prepare("restart", json!(null)).unwrap().run(cut).unwrap_err(), "Its output is too long");
}
