//! What is advised can be copied into a grants file.

use super::config;
use crate::{Grants, grant_lines};

#[test]
fn the_lines_name_the_command_and_each_of_its_slots() {
    assert_eq!(
        grant_lines("open-port", &[("ip", Some("203.0.113.9")), ("port", Some("22")), ("note", None)]),
        [
            "[commands.open-port]",
            "run = [\"/path/to/program\", \"{ip}\", \"{port}\", \"{note}\"]",
            "params.ip = { type = \"ipv4\" }",
            "params.port = { type = \"integer\", min = 0, max = 65535 }",
            "params.note = { type = \"text\", pattern = \"[A-Za-z0-9._-]+\", max = 64 }",
        ]
    );
    assert_eq!(grant_lines("list-ports", &[]), ["[commands.list-ports]", "run = [\"/path/to/program\"]"]);
}

#[test]
fn they_are_a_grant_of_the_call() {
    let lines = grant_lines("open-port", &[("ip", Some("1")), ("port", Some("2"))]).join("\n");
    let grants = Grants::parse("firewall", "firewall.toml", &format!("[operations.open]\n{lines}"), &config());
    let values = [("ip".to_owned(), "1".to_owned()), ("port".to_owned(), "2".to_owned())];
    let rendered = grants.unwrap().value.command("open-port").unwrap().render(&values).unwrap();
    assert_eq!(rendered.argv(), ["/path/to/program", "1", "2"]);
}

#[test]
fn a_name_that_no_file_takes_is_never_a_line_to_copy() {
    for (command, slot) in [("a]\nb = 1", "x"), ("", "x"), ("a", "x} , \"evil"), ("a", "")] {
        let lines = grant_lines(command, &[(slot, None)]);
        assert!(lines.len() == 1 && lines[0].starts_with("# ") && !lines[0].contains('\n'), "{lines:?}");
    }
}
