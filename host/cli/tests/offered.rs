//! What a caller may ask for, as `ops` and `call OP --help` tell it, from outside.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails may panic")]

// A daemon that says what each test wants.
mod daemon;
// What people see, kept as files.
mod screens;

use daemon::{run, success, told};
use screens::screen;

const OPERATIONS: &str = r#"[
{"operation":"open","summary":"Open a port to one address","schema":{"type":"object","required":["ip"],"properties":{
"port":{"type":"integer","minimum":1,"maximum":65535,"default":22,"description":"Ours, not theirs"},
"ip":{"type":"string","format":"ipv4","description":"Whom to let in"},
"proto":{"enum":["tcp","udp"]},"note":{"type":"string","maxLength":80,"examples":["on call: it's me"]}}},
"steps":[{"step":"approval","of":"ops","count":2},{"step":"approval","of":"anna","count":1}]},
{"operation":"whoami","summary":"Tell which user commands run as","schema":{},"steps":[]},
{"operation":"echo","summary":"","schema":{"type":"string"},"steps":[]},
{"operation":"ev\u001b[2Jil","summary":"\u202e\nwhoami","schema":{"type":"object","required":["\u0007k"],
"properties":{"\u0007k":{"const":"$(id)\u001b[2J","description":"x\nrequired: y"}}},
"steps":[{"step":"\u001b","of":"\u202e","count":1}]}]"#;

#[test]
fn what_may_be_asked_is_listed_with_an_example_each() {
    let ended = told(&["ops"], &success(OPERATIONS));
    assert_eq!(ended.asked, "{\"secret\":\"hunter2\",\"data\":null,\"list\":true}\n");
    screen("ops", &ended.screen());
    screen("ops-none", &told(&["ops"], &success("[]")).screen());
}

#[test]
fn an_example_can_be_typed_as_it_stands_and_repeats_no_place() {
    let out = told(&["ops"], &success(OPERATIONS)).out;
    let line = out.lines().find(|line| line.contains("call open")).unwrap().trim();
    let typed = typed_into_a_shell(line);
    assert_eq!(typed, ["call", "open", "ip=203.0.113.7", "port=22", "proto=tcp", "note=on call: it's me"]);
    let typed: Vec<_> = typed.iter().map(String::as_str).collect();
    let asked = told(&typed, &success("null")).asked;
    let data = r#""data":{"ip":"203.0.113.7","port":22,"proto":"tcp","note":"on call: it's me"}}"#;
    assert!(asked.trim_end().ends_with(data), "{asked}");
}

/// The words that a shell makes of a line, less the first.
#[allow(clippy::disallowed_methods, reason = "a shell is who takes the example")]
fn typed_into_a_shell(line: &str) -> Vec<String> {
    let script = format!("regent() {{ printf '%s\\n' \"$@\"; }}; {line}");
    let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn programs_get_a_list() {
    let one = r#"[{"operation":"x","summary":"s","schema":{"b":1.50,"a":2},"steps":[]}]"#;
    assert_eq!(told(&["ops", "--json"], &success(one)).out, format!("{one}\n"));
    assert_eq!(told(&["ops", "--json"], &success("[]")).out, "[]\n");
}

#[test]
fn the_help_of_an_operation_says_what_it_takes() {
    for op in ["open", "whoami", "echo", "ev\u{1b}[2Jil"] {
        let ended = told(&["call", op, "--help"], &success(OPERATIONS));
        assert_eq!(ended.asked, "{\"secret\":\"hunter2\",\"data\":null,\"list\":true}\n");
        assert!(!ended.out.contains(['\u{1b}', '\u{202e}', '\u{7}']), "{}", ended.out);
        let name: String = op.chars().filter(char::is_ascii_alphabetic).collect();
        screen(&format!("call-help-{name}"), &ended.screen());
    }
    assert_eq!(
        told(&["call", "open", "ip=1", "-h"], &success(OPERATIONS)).out.lines().next().unwrap(),
        "open: Open a port to one address"
    );
}

#[test]
fn an_operation_that_is_not_there_has_no_help_and_who_asks_is_told_where_to_look() {
    screen("call-help-unknown", &told(&["call", "oepn", "--help"], &success(OPERATIONS)).screen());
}

#[test]
fn where_no_daemon_tells_the_help_is_that_of_the_verb_and_says_why() {
    // The rest of it says what the variables are set to.
    let usage = |help: &str| help.lines().take(9).map(str::to_owned).collect::<Vec<_>>();
    let general = run(&["call", "--help"], &[]);
    assert_eq!((general.status, general.err.as_str()), (0, ""));
    let place = [("REGENT_SOCKET", "/nowhere/sock"), ("REGENT_SECRET", "s")];
    for (ended, why) in [
        (run(&["call", "open", "--help"], &[]), "which daemon?"),
        (run(&["call", "open", "--help"], &place[..1]), "which secret?"),
        (run(&["call", "open", "--help"], &place), "/nowhere/sock: no daemon"),
        (
            told(&["call", "open", "-h"], r#"{"error":"Permission denied","code":"denied","ref":"r"}"#),
            "Permission denied",
        ),
    ] {
        assert_eq!(ended.status, 0);
        assert_eq!(usage(&ended.out), usage(&general.out));
        assert!(
            ended.err.starts_with("regent: this is the help of `call`") && ended.err.contains(why),
            "{}",
            ended.err
        );
    }
}

#[test]
fn errors_of_ops_are_those_of_every_request() {
    let ended = told(&["ops"], r#"{"error":"Permission denied","code":"denied","ref":"abcdefgh"}"#);
    screen("ops-denied", &ended.screen());
    let ended = told(&["ops"], r#"{"error":"Invalid message: list is not served","code":"invalid-message","ref":"r"}"#);
    assert_eq!((ended.status, ended.err.lines().count()), (1, 1));
    for data in ["7", "[{}]", "{}"] {
        let ended = told(&["ops"], &success(data));
        assert_eq!((ended.status, ended.out.as_str()), (1, ""), "{data}");
    }
    assert_eq!(run(&["ops"], &[("REGENT_SOCKET", "/nowhere"), ("REGENT_SECRET", "s")]).status, 69);
    assert_eq!(run(&["ops"], &[("REGENT_SOCKET", "/nowhere")]).status, 2);
}
