//! Output that is not as the author reads it: the caller hears nothing of it, the log everything.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::collections::BTreeMap;

use regent_plugin::prelude::*;
use regent_plugin::testing::{Host, json, ok, status};
use regent_plugin::{StepResult, testing::Planned};

fn step(stdout: &[u8]) -> StepResult {
    StepResult { command: "list".into(), stdout: stdout.into(), ..ok("") }
}

fn logged(why: &str) -> Failure {
    Failure::logged(format!("command list: {why}"))
}

#[test]
fn text_is_whole_utf8_or_a_failure_with_its_reason() {
    assert_eq!(step("grün\n".as_bytes()).text(), Ok("grün\n"));
    let latin = step(b"gr\xfcn");
    assert_eq!(latin.text(), Err(logged("its output is not UTF-8 from byte 2 on: take it from stdout")));
    let cut = StepResult { truncated: true, ..step(b"gr") };
    assert_eq!(cut.text(), Err(logged("its output was cut at the limit of its grant, output_max")));
}

#[test]
fn json_is_read_into_the_authors_type_or_told_by_its_place() {
    type Ports = BTreeMap<String, Vec<u16>>;
    assert_eq!(step(br#"{"open": [22]}"#).json(), Ok(Ports::from([("open".to_owned(), vec![22])])));
    for (output, why) in [
        (r#"{"open": [22, "x"]}"#, "open[1]: expected a whole number from 0 to 65535, found a string"),
        ("open: 22", "expected value at line 1 column 1"),
        ("", "EOF while parsing a value at line 1 column 0"),
    ] {
        let told = logged(&format!("its output is not what was expected: {why}"));
        assert_eq!(step(output.as_bytes()).json::<Ports>(), Err(told));
    }
    let cut = StepResult { truncated: true, ..step(b"{}") };
    assert_eq!(cut.json::<Ports>(), Err(logged("its output was cut at the limit of its grant, output_max")));
}

#[derive(Serialize, Deserialize)]
struct Count(bool);

impl Operation for Count {
    /// Whether to plan anything.
    type Data = bool;
    const SUMMARY: &'static str = "Count what is listed";

    fn prepare(planning: bool, plan: &mut Plan) -> Result<Self, Refusal> {
        if planning {
            plan.run("list", &[])?;
        }
        Ok(Self(planning))
    }

    fn finish(self, results: &Results) -> Result<impl Serialize, Failure> {
        results.json::<Vec<String>>().map(|list| list.len())
    }
}

plugin! { "count" => Count }

fn host() -> Host {
    Host::with_grants(&PLUGIN, "[operations.count]\n[commands.list]\nrun = [\"/usr/bin/list\"]")
}

fn planned(host: &Host) -> Planned<'_> {
    host.prepare("count", json!(true)).unwrap()
}

#[test]
fn the_last_steps_json_is_the_plans() {
    assert_eq!(planned(&host()).run(|_| ok("[\"a\", \"b\"]\n")), Ok(json!(2)));
}

#[test]
fn whatever_is_wrong_with_it_the_caller_hears_that_it_failed_and_no_more() {
    for wrong in [ok("{}"), ok("a, b"), StepResult { truncated: true, ..ok("[]") }, status(1)] {
        assert_eq!(planned(&host()).run(|_| wrong.clone()).unwrap_err(), "Operation failed");
    }
    assert_eq!(host().prepare("count", json!(false)).unwrap().finish(vec![]).unwrap_err(), "Operation failed");
}
