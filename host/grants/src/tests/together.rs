//! Files with several mistakes: all are said at once, none hides another, and none is made up by another.

use super::config;
use crate::{Config, Grants};

fn config_says(text: &str) -> Vec<String> {
    let mistakes = Config::parse("regent.toml", text).unwrap_err();
    mistakes.iter().map(|mistake| format!("{}: {}", mistake.line, mistake.text)).collect()
}

fn grants_say(text: &str) -> Vec<String> {
    let mistakes = Grants::parse("p", "p.toml", text, &config()).unwrap_err();
    mistakes.iter().map(|mistake| format!("{}: {}", mistake.line, mistake.text)).collect()
}

#[test]
fn every_part_of_regent_toml_says_its_mistake_in_one_go() {
    let text = r#"plugins = []
stat = "/s"
keep_results = "0s"
[sandbox]
uids = "5"
[[sockets]]
name = "a b"
mode = 660
path = "s"
secret = ""
operations = []
[admin]
path = "/"
[people.anna]
[teams]
ops = ["ann"]
"#;
    assert_eq!(
        config_says(text),
        [
            "1: plugins is empty: nothing could be served: write plugins = [\"/usr/lib/regent/plugins\"]",
            "1: regent.toml has no state: write state = \"/var/lib/regent\"",
            "2: regent.toml has no key \"stat\": did you mean state?",
            "3: keep_results: zero is no time: write 1ms or more, or leave the key out",
            "5: uids must be FIRST+COUNT, from 1000 on: write uids = \"1900000000+1000\"",
            "7: \"a b\" is no name: write 1 to 64 letters, digits, - and _, not - first",
            "8: mode must be octal digits in quotes, at most \"0777\": write mode = \"0660\"",
            "9: path: \"s\" is not absolute: write a path that begins with /",
            "10: secret is empty: write 16 random bytes or more, or secret_file = \"/etc/regent/web.secret\"",
            "11: operations is empty: nothing could be asked: write the operations' names, or [\"*\"] for all",
            "13: path is a folder: write the path of a file",
            "14: [people.anna] has no user: write user = \"anna\"",
            "16: team ops: no person is called \"ann\": did you mean anna?",
        ]
    );
}

#[test]
fn every_part_of_a_grants_file_says_its_mistake_in_one_go() {
    let text = r#"sha256 = "9f2c"
sttings = 1
[operations.open]
as = "o p"
allow = []
require = [{ step = "approval", of = "opps", cont = 2 }]
hold_for = "1"
[commands.c]
run = ["x", "a{", "{ip}"]
params.port = { type = "integer", min = "1", max = true }
timeout = "0s"
run_as = -1
ok = [256]
umask = 22
"#;
    assert_eq!(
        grants_say(text),
        [
            "1: sha256: write the 64 hexadecimal digits that `sha256sum MODULE.wasm` prints",
            "2: p.toml has no key \"sttings\": did you mean settings?",
            "4: \"o p\" is no name: write 1 to 64 letters, digits, - and _, not - first",
            "5: allow is empty: it would allow nobody: write { user = \"NAME\" }, or leave allow out",
            "6: a step has no key \"cont\": did you mean count?",
            "6: no person or team of regent.toml is called \"opps\": did you mean ops?",
            "7: hold_for: \"1\" is not a time: write a whole number and ms, s, m or h, such as \"500ms\", \"3s\", \"15m\", \"24h\"",
            "9: run: \"a{\" has a lone {: a slot is written {SLOT}, a brace itself {{",
            "9: run: \"x\" is not absolute: write a path that begins with /",
            "9: run: slot ip has no type: add params.ip = { type = \"…\" }",
            "10: min is a text: write a whole number",
            "10: max is true or false: write a whole number",
            "11: timeout: zero is no time: write 1ms or more, or leave the key out",
            "12: run_as is -1: write a number from 0 to 4294967294",
            "13: ok is 256: write a number from 0 to 255",
            "14: umask must be octal digits in quotes, at most \"0777\": write umask = \"0022\"",
        ]
    );
}

/// Found by review: a socket without a secret was forgotten, and with it that it was in the way of another.
#[test]
fn a_socket_with_another_mistake_is_still_in_the_way_of_others() {
    let text = r#"plugins = ["/p"]
state = "/s"
[[sockets]]
path = "/run/web/a"
operations = ["*"]
[[sockets]]
name = "web"
path = "/run/web/b"
secret_file = "/x"
operations = ["*"]
[[sockets]]
path = "/run/third/c"
name = "web"
operations = []
secret_file = "/x"
[admin]
mode = "0660"
path = "/run/third/admin"
"#;
    assert_eq!(
        config_says(text),
        [
            "3: [[sockets]] has no name: write name = \"web\"",
            "3: [[sockets]] has no secret: write secret_file = \"/etc/regent/web.secret\"",
            "8: web is in the folder of a socket without a name: give each a folder of its own",
            "13: two sockets are called web: name one otherwise",
            "14: operations is empty: nothing could be asked: write the operations' names, or [\"*\"] for all",
            "18: the admin socket is in the folder of web: give it a folder of its own",
        ]
    );
}

/// Found by review: a default stood in for what could not be read, and was then called too long.
#[test]
fn a_time_that_cannot_be_read_is_not_also_said_not_to_fit() {
    let wrong = "is not a time: write a whole number and ms, s, m or h, such as \"500ms\", \"3s\", \"15m\", \"24h\"";
    let deadline = "[operations.o]\ndeadline = \"10 s\"\n[commands.c]\nrun = [\"/b\"]\ntimeout = \"6s\"\n";
    assert_eq!(grants_say(deadline), [format!("2: deadline: \"10 s\" {wrong}")]);
    let timeout = "[operations.o]\ndeadline = \"1s\"\n[commands.c]\nrun = [\"/b\"]\ntimeout = \"x\"\n";
    assert_eq!(grants_say(timeout), [format!("5: timeout: \"x\" {wrong}")]);
}

#[test]
fn a_command_that_cannot_run_still_has_to_fit() {
    let text = "[operations.o]\n[commands.c]\nrun = [\"b\"]\ntimeout = \"6s\"\n";
    let said = grants_say(text);
    assert_eq!(said[0], "3: run: \"b\" is not absolute: write a path that begins with /");
    assert!(said.len() == 2 && said[1].starts_with("4: command c: its timeout of 6s does not fit into the 4500ms"));
}

#[test]
fn a_command_without_a_timeout_that_does_not_fit_is_said_at_the_command() {
    let text = "[operations.o]\ndeadline = \"2s\"\n\n[commands.c]\nrun = [\"/b\"]\n";
    let said = grants_say(text);
    assert!(said.len() == 1 && said[0].starts_with("4: command c: its timeout of 3s does not fit"), "{said:?}");
}

/// A name that was to be another is nobody's.
#[test]
fn a_name_for_callers_that_cannot_be_read_is_not_also_said_to_be_taken() {
    let text = "[operations.a]\nas = \"b c\"\n[operations.b]\nas = \"a\"\n";
    assert_eq!(grants_say(text), ["2: \"b c\" is no name: write 1 to 64 letters, digits, - and _, not - first"]);
}

#[test]
fn a_slot_of_an_argument_that_cannot_be_read_is_not_called_unused() {
    let text = "[operations.o]\n[commands.c]\nrun = [\"/b\", \"{ip\", \"}{a}\"]\nparams.ip = { type = \"ipv4\" }\n";
    let lone = "a slot is written {SLOT}, a brace itself";
    assert_eq!(
        grants_say(text),
        [
            format!("3: run: \"{{ip\" has a lone {{: {lone} {{{{"),
            format!("3: run: \"}}{{a}}\" has a lone }}: {lone} }}}}")
        ]
    );
}

#[test]
fn each_setting_that_json_cannot_say_is_named_at_its_own_line() {
    let deep = format!("deep = {}{}", "[".repeat(60), "]".repeat(60));
    let text = format!(
        "[settings]\na = [\n 1,\n nan]\nb = inf\n{deep}\n[settings.c]\nd = 99999999999999999999\n[operations.o]\n"
    );
    assert_eq!(
        grants_say(&text),
        [
            "4: settings: a is nan, inf or larger than JSON's numbers: write it in quotes",
            "5: settings: b is nan, inf or larger than JSON's numbers: write it in quotes",
            "6: settings: deep is deeper than 32 levels: write it flatter",
            "8: settings: d has a number of more than 63 bits: write it in quotes",
        ]
    );
}

#[test]
fn lines_are_those_of_an_editor_whatever_ends_them_and_however_keys_are_written() {
    let empty = "allow is empty: it would allow nobody: write { user = \"NAME\" }, or leave allow out";
    for (line, text) in [
        (2, "[operations.o]\nallow = []\n"),
        (2, "[operations.o]\r\nallow = []\r\n"),
        (2, "\u{feff}[operations.o]\nallow = []"),
        (4, "# é\u{1f600}\n\n[operations.o]\nallow = [\n]\n"),
        (1, "operations.o.allow = []\n"),
        (2, "[operations]\no = { allow = [] }\n"),
        (3, "[operations.p]\n[operations]\no.allow = []\n"),
        (6, "[settings]\na = \"\"\"\n\n\"\"\"\n[operations.o]\nallow = []\n"),
    ] {
        assert_eq!(grants_say(text), [format!("{line}: {empty}")], "{text:?}");
    }
    let listed = "[operations.o]\nallow = [\n  { user = \"a\" },\n  { user = 5 },\n]\n";
    assert_eq!(grants_say(listed), ["4: user is a number: write a text in quotes"]);
}
