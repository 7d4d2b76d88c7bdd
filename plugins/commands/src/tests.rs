use std::collections::BTreeMap;

use regent_plugin::StepResult;
use regent_plugin::testing::{Host, json, ok, status};
use serde_json::Value;

use crate::PLUGIN;
use crate::reply::Form;
use crate::served::{Served, Takes};
use crate::values;

const GRANTS: &str = r#"
[operations.nginx]
run = ["/usr/bin/systemctl", "restart", "nginx.service"]
reply = "none"

[operations.rotate]
as = "rotate-logs"
summary = "Rotate the logs"
run = ["/opt/rotate", "{day}", "{name}"]
params.day = { type = "integer", min = 1, max = 31 }
params.name = { type = "text", pattern = "[a-z]+" }
reply = "json"

[operations.sync]
run = ["/opt/sync", "{force}", "{hosts}"]
params.force = { type = "flag", value = "--force" }
params.hosts = { type = "list", of = { type = "text", pattern = "[a-z0-9]+" }, max = 3 }

[operations.import]
run = ["/opt/import", "{table}"]
params.table = { type = "text", pattern = "[a-z]+" }
stdin = "data"
"#;

fn host() -> Host {
    Host::with_grants(&PLUGIN, GRANTS)
}

fn refused(operation: &str, data: Value) -> String {
    host().prepare(operation, data).unwrap_err().to_string()
}

/// The values of slots of all shapes.
fn valued(stdin: bool, data: &Value) -> Result<Vec<(String, String)>, String> {
    let params = [("day", Takes::One), ("force", Takes::Flag), ("hosts", Takes::List)];
    let params: BTreeMap<_, _> = params.into_iter().map(|(slot, takes)| (slot.to_owned(), takes)).collect();
    let served = Served { summary: None, stdin, reply: Form::Text, params };
    values::of(data, &served).map_err(|refusal| refusal.message)
}

fn pairs(pairs: &[(&str, &str)]) -> Result<Vec<(String, String)>, String> {
    Ok(pairs.iter().map(|(slot, text)| ((*slot).to_owned(), (*text).to_owned())).collect())
}

#[test]
fn it_plans_the_one_command_that_is_called_as_the_operation_is() {
    let host = host();
    let planned = host.prepare("nginx", json!(null)).unwrap();
    assert_eq!(planned.command_lines(), ["/usr/bin/systemctl restart nginx.service"]);
    assert_eq!(planned.summary(), "Run nginx");
    let planned = host.prepare("rotate-logs", json!({"day": 7, "name": "web"})).unwrap();
    assert_eq!(planned.command_lines(), ["/opt/rotate 7 web"]);
    assert_eq!(planned.summary(), "Rotate the logs");
}

#[test]
fn what_the_file_does_not_serve_is_not_there() {
    assert_eq!(host().prepare("rotate", json!(null)).unwrap_err(), "Unknown operation");
}

#[test]
fn a_value_is_its_slots_to_take_or_refuse() {
    assert_eq!(refused("rotate-logs", json!({"day": 32, "name": "web"})), "Invalid data: day: not accepted");
    assert_eq!(refused("rotate-logs", json!({"day": "07", "name": "web"})), "Invalid data: day: not accepted");
    assert_eq!(refused("rotate-logs", json!({"day": 7, "name": "$(x)"})), "Invalid data: name: not accepted");
}

#[test]
fn an_unknown_key_is_told_before_what_is_missing() {
    assert_eq!(refused("rotate-logs", json!({"day2": 7})), "Invalid data: unknown key day2");
    assert_eq!(refused("nginx", json!({"day": 7})), "Invalid data: unknown key day");
    assert_eq!(refused("rotate-logs", json!({"name": "web"})), "Invalid data: day is missing");
    assert_eq!(refused("rotate-logs", json!({"name": "web", "day": null})), "Invalid data: day is missing");
    assert_eq!(refused("rotate-logs", json!(null)), "Invalid data: day is missing");
}

#[test]
fn data_that_is_no_object_is_refused() {
    for data in [json!([7, "web"]), json!("web"), json!(7), json!(true)] {
        assert_eq!(refused("nginx", data), "Invalid data: expected an object");
    }
}

#[test]
fn a_key_of_any_length_is_refused_in_one_short_line() {
    let key = "k".repeat(60_000);
    assert!(refused("nginx", json!({ key: 1 })).len() <= 520);
}

#[test]
fn a_command_that_reads_the_data_has_it_whole_and_its_slots_from_it_if_they_are_there() {
    let host = host();
    let planned = host.prepare("import", json!({"table": "users", "rows": [1, 2]})).unwrap();
    assert_eq!(planned.command_lines(), ["/opt/import users"]);
    for data in [json!(null), json!({"rows": []}), json!([1, 2]), json!("users")] {
        assert_eq!(refused("import", data), "Invalid data: table is missing");
    }
    let nothing = BTreeMap::new();
    let served = Served { summary: None, stdin: true, reply: Form::Text, params: nothing };
    assert_eq!(values::of(&json!([1, "anything"]), &served), Ok(vec![]));
}

#[test]
fn texts_stay_as_they_are_and_whole_numbers_are_written_in_decimal() {
    for (given, text) in [
        (json!(" x\u{202e}"), " x\u{202e}"),
        (json!(7), "7"),
        (json!(-7), "-7"),
        (json!(u64::MAX), "18446744073709551615"),
    ] {
        assert_eq!(valued(false, &json!({ "day": given })), pairs(&[("day", text)]));
    }
}

#[test]
fn whatever_else_is_no_value() {
    for given in [json!(7.0), json!(1e30), json!(true), json!([7]), json!({"day": 7})] {
        assert_eq!(valued(false, &json!({ "day": given })).unwrap_err(), "day: wrong type");
        assert_eq!(valued(true, &json!({ "day": given })).unwrap_err(), "day: wrong type");
    }
}

#[test]
fn a_flag_is_there_or_not() {
    assert_eq!(valued(false, &json!({"day": 1, "force": true})), pairs(&[("day", "1"), ("force", "true")]));
    for without in [json!({"day": 1}), json!({"day": 1, "force": false}), json!({"day": 1, "force": null})] {
        assert_eq!(valued(false, &without), pairs(&[("day", "1")]));
    }
    for given in [json!("true"), json!(1), json!([])] {
        assert_eq!(valued(false, &json!({"day": 1, "force": given})).unwrap_err(), "force: wrong type");
    }
}

#[test]
fn a_list_is_a_value_for_each_of_its_items_in_order() {
    let data = json!({"day": 1, "hosts": ["b", 2, "a"]});
    assert_eq!(valued(false, &data), pairs(&[("day", "1"), ("hosts", "b"), ("hosts", "2"), ("hosts", "a")]));
    assert_eq!(valued(false, &json!({"day": 1, "hosts": []})), pairs(&[("day", "1")]));
    for given in [json!("a"), json!(["a", true]), json!(["a", null]), json!([["a"]]), json!([1.5])] {
        assert_eq!(valued(false, &json!({"day": 1, "hosts": given})).unwrap_err(), "hosts: wrong type");
    }
}

#[test]
fn flags_and_lists_come_out_as_their_slots_write_them() {
    let host = host();
    let lines = |data| host.prepare("sync", data).unwrap().command_lines();
    assert_eq!(lines(json!({"force": true, "hosts": ["web", 2]})), ["/opt/sync --force web 2"]);
    assert_eq!(lines(json!({"force": false, "hosts": ["web"]})), ["/opt/sync web"]);
    for none in [json!(null), json!({"hosts": []})] {
        assert_eq!(refused("sync", none), "Invalid data: hosts: not accepted");
    }
    assert_eq!(refused("sync", json!({"hosts": ["web", "-x"]})), "Invalid data: hosts: not accepted");
    assert_eq!(refused("sync", json!({"hosts": ["a", "b", "c", "d"]})), "Invalid data: hosts: not accepted");
}

#[test]
fn a_type_that_is_not_known_yet_takes_one_value() {
    let takes = |word: &str| serde_json::from_value::<Takes>(json!(word)).unwrap();
    assert_eq!([takes("flag"), takes("list"), takes("integer")], [Takes::Flag, Takes::List, Takes::One]);
    assert_eq!(takes("colour"), Takes::One);
}

fn replied(form: Form, stdout: &[u8]) -> Result<Value, String> {
    let ran = StepResult { stdout: stdout.into(), ..ok("") };
    let reply = form.of(&ran).map_err(|failure| format!("{failure:?}"))?;
    Ok(serde_json::from_str(reply.get()).unwrap())
}

#[test]
fn text_loses_the_one_newline_that_ends_it() {
    for (output, reply) in
        [("up\n", "up"), ("up\n\n", "up\n"), ("up", "up"), ("\n", ""), ("", ""), (" grün ", " grün ")]
    {
        assert_eq!(replied(Form::Text, output.as_bytes()), Ok(json!(reply)));
    }
}

#[test]
fn what_is_no_text_is_given_in_base64() {
    assert_eq!(replied(Form::Text, b"\xff\xfe\n"), Ok(json!({"base64": "//4K"})));
    assert_eq!(replied(Form::Text, b"\xff"), Ok(json!({"base64": "/w=="})));
}

#[test]
fn json_is_the_reply_as_it_stands() {
    let host = host();
    let planned = || host.prepare("rotate-logs", json!({"day": 7, "name": "web"})).unwrap();
    assert_eq!(planned().run(|_| ok("{\"rotated\": [1.50,\n2]}\n")), Ok(json!({"rotated": [1.5, 2]})));
    for output in ["", "rotated", "{} {}", "{\"a\":}"] {
        assert_eq!(planned().run(|_| ok(output)).unwrap_err(), "It did not print JSON");
    }
    let ran = StepResult { stdout: b"\xff".to_vec(), ..ok("") };
    assert_eq!(planned().run(|_| ran.clone()).unwrap_err(), "It did not print JSON");
}

#[test]
fn half_an_output_and_one_longer_than_a_reply_are_none() {
    let host = host();
    let cut = |output: &str| StepResult { truncated: true, ..ok(output) };
    let text = || host.prepare("import", json!({"table": "users"})).unwrap();
    let json = || host.prepare("rotate-logs", json!({"day": 7, "name": "web"})).unwrap();
    assert_eq!(json().run(|_| cut("{}")).unwrap_err(), "Its output is too long");
    assert_eq!(text().run(|_| cut("up")).unwrap_err(), "Its output is too long");
    // Each of these is written in two bytes.
    assert_eq!(text().run(|_| ok(&"\"".repeat(1 << 20))).unwrap_err(), "Its output is too long");
    assert!(text().run(|_| ok(&"x".repeat((1 << 20) - 2))).is_ok());
}

#[test]
fn an_operation_that_replies_nothing_does_so_whatever_it_printed() {
    let host = host();
    for ran in [ok("started"), StepResult { truncated: true, stdout: vec![0xff], ..ok("") }] {
        assert_eq!(host.prepare("nginx", json!({})).unwrap().run(|_| ran.clone()), Ok(json!(null)));
    }
}

#[test]
fn a_command_that_failed_replies_nothing_that_it_printed() {
    let host = host();
    for (operation, data) in [
        ("nginx", json!(null)),
        ("rotate-logs", json!({"day": 7, "name": "web"})),
        ("import", json!({"table": "users"})),
    ] {
        let failed = StepResult { stdout: b"{}".to_vec(), ..status(1) };
        assert_eq!(host.prepare(operation, data).unwrap().run(|_| failed.clone()).unwrap_err(), "Operation failed");
    }
}

#[test]
fn it_describes_itself_as_serving_any_name() {
    let described = json!({
        "operations": [{"name": "*", "summary": "Run a granted command", "schema": {}, "uses": ["finishing"]}],
        "wants": [],
    });
    assert_eq!(host().describe(), described);
}

#[test]
fn the_shipped_file_is_served() {
    let host = Host::with_grants(&PLUGIN, include_str!("../commands.toml"));
    let planned = host.prepare("load", json!(null)).unwrap();
    assert_eq!(planned.command_lines(), ["/usr/bin/cat /proc/loadavg"]);
    assert_eq!(planned.summary(), "Tell how busy the machine is");
    assert_eq!(planned.run(|_| ok("0.10 0.20 0.30 1/100 4242\n")), Ok(json!("0.10 0.20 0.30 1/100 4242")));
}
