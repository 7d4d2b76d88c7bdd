//! Operations without code that have a mistake, and all that is said of each.

use super::{compare, config};
use crate::Grants;

/// A file without a mistake, on 9 lines.
const FILE: &str = r#"[settings]
days = [1, 15]
[operations.restart]
run = ["/usr/bin/systemctl", "restart", "nginx.service"]
[operations.rotate]
run = ["/opt/app/rotate.py", "{day}"]
params.day = { type = "integer", one_of = "settings.days" }
stdin = "data"
reply = "json"
"#;

fn called(name: &str, text: &str) -> Vec<String> {
    match Grants::parse(name, "f.toml", text, &config()) {
        Ok(_) => vec![],
        Err(mistakes) => mistakes.iter().map(|mistake| format!("{}: {}", mistake.line, mistake.text)).collect(),
    }
}

fn said(text: &str) -> Vec<String> {
    called("app", text)
}

/// The good file with one text replaced by another.
fn with(from: &str, to: &str) -> String {
    assert!(FILE.contains(from), "{from}");
    FILE.replacen(from, to, 1)
}

#[test]
fn the_file_is_good_as_it_stands() {
    assert_eq!(said(FILE), Vec::<String>::new());
}

#[test]
fn each_mistake_is_said_with_its_line_and_what_to_write() {
    let restart = "run = [\"/usr/bin/systemctl\", \"restart\", \"nginx.service\"]";
    let long = format!("summary = \"{}\"\nreply = \"json\"", "é".repeat(251));
    let summary: &[&str] = &["9: summary is one line for people: write 1 to 500 bytes without control characters"];
    let cases: Vec<(String, &[&str])> = vec![
        (
            with(restart, ""),
            &["3: operation restart has no run and rotate has: put one of them into a file of its own"],
        ),
        (
            with(restart, &format!("{restart}\nvia = \"ssh\"")),
            &["5: nothing runs a command via \"ssh\": write via = \"systemd\", or take it out"],
        ),
        (
            with(restart, &format!("{restart}\nleave_children = true\nvia = \"systemd\"")),
            &[
                "6: via = \"systemd\": a transient unit ends with its command, and leave_children would not: take one out",
            ],
        ),
        (
            with(restart, &format!("{restart}\ncapabilities = [\"cap_chwon\"]")),
            &["5: capabilities: capabilities(7) knows no \"cap_chwon\": write \"cap_chown\""],
        ),
        (
            with("[settings]", "[operations.a]\n[operations.b]\n[settings]"),
            &[
                "1: operation a has no run and restart has: put one of them into a file of its own",
                "2: operation b has no run and restart has: put one of them into a file of its own",
            ],
        ),
        (
            with("[operations.rotate]", "[commands.restart]\nrun = [\"/bin/x\"]\n[operations.rotate]"),
            &["5: [operations.restart] has run, and so is the command restart too: name one otherwise"],
        ),
        (
            with("[settings]", "module = \"nginx\"\n[settings]"),
            &["1: operation restart has run, which the module commands serves and no other: take it out"],
        ),
        (with("[settings]", "module = 1\n[settings]"), &["1: module is a number: write a text in quotes"]),
        (
            "module = \"commands\"\n[operations.o]\n".to_owned(),
            &["2: operation o: the module commands serves only what has run: add run = [\"/usr/bin/PROGRAM\"]"],
        ),
        (
            with(restart, "run = []"),
            &["4: run is empty: nothing would run: write the program's absolute path and its arguments"],
        ),
        (with(restart, "run = \"systemctl restart nginx\""), &["4: run is a text: write a list in [ ]"]),
        (
            "[operations.a]\nrunn = [\"/bin/true\"]\n".to_owned(),
            &["2: [operations.a] has no key \"runn\": did you mean run?"],
        ),
        (
            with("/usr/bin/systemctl", "systemctl"),
            &["4: run: \"systemctl\" is not absolute: write a path that begins with /"],
        ),
        (
            with("\"{day}\"", "\"{dya}\""),
            &[
                "6: run: slot dya has no type: add params.dya = { type = \"…\" }, or did you mean {day}?",
                "7: params.day is in no argument of run: write {day} there, or take it out",
            ],
        ),
        (with("settings.days", "settings.day"), &["7: [settings] has no key \"day\": did you mean days?"]),
        (
            with("reply = \"json\"", "reply = \"yaml\""),
            &["9: no reply is called \"yaml\": write \"text\", \"json\" or \"none\""],
        ),
        (with("reply = \"json\"", "reply = false"), &["9: reply is true or false: write a text in quotes"]),
        (
            with("stdin = \"data\"", "stdin = \"json\""),
            &["8: no stdin is called \"json\": write \"data\", the request's data, or \"none\""],
        ),
        (with("reply = \"json\"", "summary = \"\""), summary),
        (with("reply = \"json\"", "summary = \"a\\nb\""), summary),
        (with("reply = \"json\"", &long), summary),
        (with("reply = \"json\"", "summary = 1"), &["9: summary is a number: write a text in quotes"]),
        (
            with("reply = \"json\"", "repyl = \"json\""),
            &["9: [operations.rotate] has no key \"repyl\": did you mean reply?"],
        ),
        (
            with("reply = \"json\"", "groups = []\nrate = \"1/s\""),
            &[
                "9: groups is not served by this version of Regent: leave it out",
                "10: rate is not served by this version of Regent: leave it out",
            ],
        ),
        (
            with("reply = \"json\"", "timeout = \"10s\""),
            &[
                "9: command rotate: its timeout of 10s does not fit into the 4500ms of operation rotate: write a shorter timeout, or deadline = \"10s\" or more in [operations.rotate]",
            ],
        ),
        (
            with("reply = \"json\"", "deadline = \"2s\""),
            &[
                "5: command rotate: its timeout of 3s does not fit into the 2s of operation rotate: write a shorter timeout, or deadline = \"3s\" or more in [operations.rotate]",
            ],
        ),
        (
            with("reply = \"json\"", "timeout = \"0s\""),
            &["9: timeout: zero is no time: write 1ms or more, or leave the key out"],
        ),
        (with("reply = \"json\"", "output_max = 0"), &["9: output_max is 0: write a number from 1 to 1048576"]),
        (
            with("[operations.rotate]", "[operations.\"ro tate\"]"),
            &["5: \"ro tate\" is no name: write 1 to 64 letters, digits, - and _, not - first"],
        ),
        (
            with("[operations.rotate]", "[operations.rotate]\nas = \"restart\""),
            &["6: restart and rotate are both called restart: write another as = \"…\""],
        ),
        (
            with("[operations.rotate]", "[operations.rotate]\nmodule = \"x\""),
            &["6: module is for the whole file: write it above the first table"],
        ),
        (
            "[operations.o]\nparams.a = { type = \"ipv4\" }\nrun_as = 0\nends_host = true\nreply = \"none\"\n"
                .to_owned(),
            &[
                "2: params belongs beside run: add run = [\"/usr/bin/PROGRAM\"], or write it in [commands.NAME]",
                "3: run_as belongs beside run: add run = [\"/usr/bin/PROGRAM\"], or write it in [commands.NAME]",
                "4: ends_host belongs beside run: add run = [\"/usr/bin/PROGRAM\"], or write it in [commands.NAME]",
                "5: reply belongs beside run: add run = [\"/usr/bin/PROGRAM\"], or take it out",
            ],
        ),
        (
            "run = [\"/bin/x\"]\n[operations.o]\n".to_owned(),
            &["1: app.toml has no key \"run\": there is sha256, module, engine, settings, operations, commands"],
        ),
    ];
    compare(&cases, said);
}

#[test]
fn a_file_that_is_called_as_the_shipped_module_has_to_be_without_code() {
    let text = "1: operation o: the module commands serves only what has run: add run = [\"/usr/bin/PROGRAM\"]";
    assert_eq!(called("commands", "[operations.o]\n"), [text]);
    assert_eq!(called("commands", "module = \"own\"\n[operations.o]\n"), Vec::<String>::new());
}
