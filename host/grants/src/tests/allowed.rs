//! What an administrator is told to write where a value was refused: that line, and no other, lets the value through.

use super::samples::{Random, SAMPLES};
use super::{command, file, grants, pairs};
use crate::{Instead, RenderError};

const COUNT: usize = 1000;

/// The line that is offered for these values.
fn offered(slot: &str, values: &[&str]) -> Option<Instead> {
    match command(slot).render(&pairs(values)) {
        Err(RenderError::NotAccepted { slot, line, allow, .. }) => {
            assert_eq!((slot.as_str(), line), ("v", 8));
            allow
        }
        other => panic!("{slot} {values:?}: {other:?}"),
    }
}

/// The file with that line in the place of the one that it names.
fn rewritten(slot: &str, instead: &Instead) -> String {
    let text = file(slot);
    let at = |number: usize| number + 1 == instead.line;
    let lines = text.lines().enumerate().map(|(number, old)| if at(number) { &instead.text } else { old });
    lines.map(|line| format!("{line}\n")).collect()
}

fn takes(text: &str, values: &[&str]) -> bool {
    grants(text).command("c").unwrap().render(&pairs(values)).is_ok()
}

#[test]
fn the_line_that_would_take_the_value_is_offered() {
    for (slot, values, line) in [
        (r#"type = "integer", max = 100"#, &["8080"][..], r#"{ type = "integer", min = 0, max = 8080 }"#),
        (r#"type = "integer", min = 10"#, &["7"], r#"{ type = "integer", min = 7 }"#),
        (r#"type = "integer", min = -1, max = 1"#, &["-7"], r#"{ type = "integer", min = -7, max = 1 }"#),
        (r#"type = "integer", one_of = [22]"#, &["80"], r#"{ type = "integer", one_of = [22, 80] }"#),
        (r#"type = "ipv4", scope = "public""#, &["10.0.0.1"], r#"{ type = "ipv4", scope = "any" }"#),
        (r#"type = "ipv6", scope = "private""#, &["fe80::1"], r#"{ type = "ipv6", scope = "any" }"#),
        (r#"type = "ip", scope = "public""#, &["FD00::1"], r#"{ type = "ip", scope = "any" }"#),
        (
            r#"type = "cidr", scope = "public", min_prefix = 8, max_prefix = 24"#,
            &["10.0.0.1/32"],
            r#"{ type = "cidr", min_prefix = 8, max_prefix = 32 }"#,
        ),
        (
            r#"type = "cidr", scope = "public", min_prefix = 8, family = 4"#,
            &["8.0.0.0/7"],
            r#"{ type = "cidr", family = 4, scope = "public", min_prefix = 7 }"#,
        ),
        (
            r#"type = "hostname", below = "example.org""#,
            &["Evil.com"],
            r#"{ type = "hostname", below = ["example.org", "evil.com"] }"#,
        ),
        (r#"type = "hostname", one_of = ["a"]"#, &["b"], r#"{ type = "hostname", one_of = ["a", "b"] }"#),
        (r#"type = "user", one_of = ["www"]"#, &["adm"], r#"{ type = "user", one_of = ["www", "adm"] }"#),
        (r#"type = "group", one_of = ["www"]"#, &["adm"], r#"{ type = "group", one_of = ["www", "adm"] }"#),
        (r#"type = "unit""#, &["a.timer"], r#"{ type = "unit", suffix = ["service", "timer"] }"#),
        (
            r#"type = "unit", one_of = ["a.service"]"#,
            &["b.timer"],
            r#"{ type = "unit", one_of = ["a.service", "b.timer"] }"#,
        ),
        (r#"one_of = ["start"]"#, &["stop"], r#"{ type = "one_of", values = ["start", "stop"] }"#),
        (
            r#"type = "one_of", values = ["-\"a\\"], first_any = true"#,
            &["stop"],
            r#"{ type = "one_of", values = ["-\"a\\", "stop"], first_any = true }"#,
        ),
        (r#"type = "text", pattern = "a\\.*", max = 3"#, &["a..."], r#"{ type = "text", pattern = "a\\.*", max = 4 }"#),
        (
            r#"type = "list", of = { type = "integer", max = 9 }, max = 3"#,
            &["1", "10"],
            r#"{ type = "list", of = { type = "integer", min = 0, max = 10 }, max = 3 }"#,
        ),
        (
            r#"type = "list", of = { type = "user", one_of = ["a"] }, min = 2, max = 3"#,
            &["a"],
            r#"{ type = "list", of = { type = "user", one_of = ["a"] }, max = 3 }"#,
        ),
        (
            r#"type = "list", of = { type = "path", below = "/srv/" }, max = 1"#,
            &["a", "a"],
            r#"{ type = "list", of = { type = "path", below = "/srv" }, max = 2 }"#,
        ),
        (
            r#"type = "list", of = { type = "integer", one_of = "settings.ports" }, max = 1"#,
            &["22", "80"],
            r#"{ type = "list", of = { type = "integer", one_of = "settings.ports" }, max = 2 }"#,
        ),
        (
            r#"type = "list", of = { type = "uuid" }, max = 1"#,
            &["f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"],
            r#"{ type = "list", of = { type = "uuid" }, max = 2 }"#,
        ),
    ] {
        let line = Instead { line: 8, text: format!("params.v = {line}"), is_setting: false };
        assert_eq!(offered(slot, values), Some(line.clone()), "{slot}");
        assert!(!takes(&file(slot), values) && takes(&rewritten(slot, &line), values), "{line:?}");
    }
}

#[test]
fn a_list_of_the_settings_is_offered_where_it_stands() {
    for (slot, value, line) in [
        (r#"type = "integer", one_of = "settings.ports""#, "8080", "ports = [22, 80, 8080]"),
        (r#"type = "one_of", values = "settings.words""#, "reload", r#"words = ["start", "stop", "reload"]"#),
        (r#"type = "hostname", one_of = "settings.hosts""#, "A.org", r#"hosts = ["www.example.org", "a.org"]"#),
        (r#"type = "user", one_of = "settings.words""#, "adm", r#"words = ["start", "stop", "adm"]"#),
        (r#"type = "list", of = { one_of = "settings.words" }"#, "adm", r#"words = ["start", "stop", "adm"]"#),
    ] {
        let key = line.split(' ').next().unwrap();
        let place = file(slot).lines().position(|line| line.starts_with(key)).unwrap() + 1;
        let line = Instead { line: place, text: line.into(), is_setting: true };
        assert_eq!(offered(slot, &[value]), Some(line.clone()), "{slot}");
        assert!(takes(&rewritten(slot, &line), &[value]), "{line:?}");
    }
}

#[test]
fn nothing_is_offered_for_what_no_administrator_would_want() {
    for (slot, values) in [
        (r#"type = "integer", max = 9"#, &["-f"][..]),
        (r#"type = "integer", max = 9"#, &["-7"]),
        (r#"type = "integer", one_of = [22]"#, &["-7"]),
        (r#"type = "integer", max = 9"#, &["+70"]),
        (r#"type = "integer", max = 9"#, &["070"]),
        (r#"type = "ipv4", scope = "public""#, &["10.1"]),
        (r#"type = "ipv4", scope = "public""#, &["fd00::1"]),
        (r#"type = "ipv6", scope = "public""#, &["::ffff:10.0.0.1"]),
        (r#"type = "ip""#, &["fe80::1%eth0"]),
        (r#"type = "cidr", scope = "public""#, &["10.0.0.1/8"]),
        (r#"type = "cidr", family = 4"#, &["fd00::/8"]),
        (r#"type = "hostname""#, &["10.0.0.1"]),
        (r#"type = "hostname", below = "a.org""#, &["-a.b"]),
        (r#"type = "user", one_of = ["www"]"#, &["0"]),
        (r#"type = "user""#, &["Root"]),
        (r#"type = "unit""#, &["nginx"]),
        (r#"type = "unit", one_of = ["a.service"]"#, &["*.service"]),
        (r#"type = "uuid""#, &["f81d4fae"]),
        (r#"type = "path", below = "/srv""#, &["/etc/shadow"]),
        (r#"type = "path", below = "/srv""#, &["../x"]),
        (r#"one_of = ["start"]"#, &["$(id)"]),
        (r#"one_of = ["start"]"#, &["a b"]),
        (r#"one_of = ["start"]"#, &["-f"]),
        (r#"one_of = ["start"]"#, &[""]),
        (r#"type = "text", pattern = "[a-z]+""#, &["A"]),
        (r#"type = "text", pattern = ".*""#, &["-f"]),
        (r#"type = "flag", value = "-f""#, &["yes"]),
        (r#"type = "list", of = { type = "uuid" }"#, &["x"]),
        (r#"type = "list", of = { type = "integer" }"#, &["7"; 65]),
    ] {
        assert_eq!(offered(slot, values), None, "{slot} {values:?}");
    }
}

#[test]
fn whatever_is_offered_is_one_line_and_takes_the_value() {
    let mut count = 0;
    for (slot, good) in SAMPLES {
        let (command, mut random) = (command(slot), Random(0xa110));
        for _ in 0..COUNT {
            let value = random.value(good);
            let Err(RenderError::NotAccepted { allow, .. }) = command.render(&pairs(&[&value])) else { continue };
            let Some(line) = allow else { continue };
            assert!(!line.text.contains(char::is_control) && !value.starts_with('-') && !value.is_empty(), "{line:?}");
            assert!(takes(&rewritten(slot, &line), &[&value]), "{slot}: {value:?}: {line:?}");
            count += 1;
        }
    }
    assert!(count > COUNT, "{count}");
}
