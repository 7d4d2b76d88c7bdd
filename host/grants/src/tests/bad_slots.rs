//! Slots with mistakes, and all that is said of each.

use super::{compare, config, file};
use crate::Grants;

fn said(text: &str) -> Vec<String> {
    match Grants::parse("p", "p.toml", text, &config()) {
        Ok(_) => vec![],
        Err(mistakes) => mistakes.iter().map(|mistake| format!("{}: {}", mistake.line, mistake.text)).collect(),
    }
}

/// The file of the other tests with another `run`.
fn with_run(run: &str, slot: &str) -> String {
    file(slot).replace("\"{v}\"", run)
}

const NO_TYPE: &str = "8: params.v.of has no type: write type = \"text\", or one of ipv4, ipv6, ip, cidr, hostname, \
                       integer, one_of, text, user, group, unit, uuid, path, list, flag";

#[test]
fn each_mistake_in_a_slot_is_said_with_what_to_write() {
    let cases: Vec<(&str, &[&str])> = vec![
        (
            r#"type = "ipv6", scope = "global""#,
            &["8: no scope is called \"global\": write \"public\", \"private\" or \"any\""],
        ),
        (r#"type = "ip", family = 4"#, &["8: params.v has no key \"family\": there is type, scope"]),
        (r#"type = "ip6""#, &["8: no type is called \"ip6\": did you mean ipv6?"]),
        (r#"type = "host""#, &["8: no type is called \"host\": did you mean hostname?"]),
        (r#"type = "cidr", family = 5"#, &["8: family is 5: write 4 or 6, or leave it out for both"]),
        (r#"type = "cidr", family = "ipv4""#, &["8: family is a text: write a whole number"]),
        (r#"type = "cidr", family = 4, max_prefix = 33"#, &["8: max_prefix is 33: write a number from 0 to 32"]),
        (r#"type = "cidr", max_prefix = 129"#, &["8: max_prefix is 129: write a number from 0 to 128"]),
        (r#"type = "cidr", min_prefix = -1"#, &["8: min_prefix is -1: write a number from 0 to 128"]),
        (
            r#"type = "cidr", min_prefix = 24, max_prefix = 8"#,
            &["8: no prefix has 24 to 8 bits: write a min_prefix that is not above max_prefix"],
        ),
        (r#"type = "cidr", prefix = 24"#, &["8: params.v has no key \"prefix\": did you mean min_prefix?"]),
        (
            r#"type = "hostname", below = ".org""#,
            &["8: below: \".org\" is no host name: write it as \"www.example.org\""],
        ),
        (r#"type = "hostname", below = 5"#, &["8: below is a number: write a list in [ ]"]),
        (
            r#"type = "hostname", below = []"#,
            &["8: below is empty: the slot would accept nothing: write below = \"example.org\""],
        ),
        (
            r#"type = "hostname", one_of = ["10.0.0.1", "a"]"#,
            &["8: one_of: \"10.0.0.1\" is no host name: write it as \"www.example.org\""],
        ),
        (r#"type = "hostname", one_of = ["a"], below = "b""#, &["8: one_of and below: keep one of them"]),
        (r#"type = "hostname", one_of = "hosts""#, &["8: one_of: write a list in [ ], or \"settings.KEY\""]),
        (r#"type = "hostname", one_of = "settings.host""#, &["8: [settings] has no key \"host\": did you mean hosts?"]),
        (r#"type = "hostname", one_of = "settings.ports""#, &["2: ports is a number: write a text in quotes"]),
        (
            r#"type = "user", one_of = ["Root"]"#,
            &["8: one_of: \"Root\" is no portable name: write 1 to 32 of a-z, 0-9, _ and -, a letter or _ first"],
        ),
        (
            r#"type = "group", one_of = []"#,
            &["8: one_of is empty: the slot would accept nothing: write what it may be"],
        ),
        (r#"type = "user", pattern = ".*""#, &["8: params.v has no key \"pattern\": there is type, one_of"]),
        (r#"type = "unit", suffix = ["servce"]"#, &["8: no unit has the suffix \"servce\": did you mean service?"]),
        (r#"type = "unit", suffix = [".timer"]"#, &["8: no unit has the suffix \".timer\": did you mean timer?"]),
        (r#"type = "unit", suffix = "timer""#, &["8: suffix is a text: write a list in [ ]"]),
        (
            r#"type = "unit", suffix = []"#,
            &["8: suffix is empty: the slot would accept nothing: write suffix = [\"service\"]"],
        ),
        (
            r#"type = "unit", one_of = ["nginx"]"#,
            &["8: one_of: \"nginx\" is no unit: write its full name, as \"nginx.service\""],
        ),
        (r#"type = "unit", one_of = ["a.path"], suffix = ["path"]"#, &["8: one_of and suffix: keep one of them"]),
        (r#"type = "uuid", version = 4"#, &["8: params.v has no key \"version\": there is type"]),
        (r#"type = "path""#, &["8: params.v has no below: write below = \"/var/log/app\""]),
        (
            r#"type = "path", below = "/""#,
            &["8: below is /, so every file would be taken: write the folder whose files are meant"],
        ),
        (
            r#"type = "path", below = "//.""#,
            &["8: below is /, so every file would be taken: write the folder whose files are meant"],
        ),
        (
            r#"type = "path", below = "var/log""#,
            &["8: below: \"var/log\" is not absolute: write a path that begins with /"],
        ),
        (r#"type = "path", below = "/var/../etc""#, &["8: below: \"/var/../etc\" holds ..: write it without"]),
        (r#"type = "path", below = "/vär""#, &["8: below: \"/vär\" is not ASCII: write a folder with a plain name"]),
        (r#"type = "flag""#, &["8: params.v has no value: write value = \"--force\", the argument that it stands for"]),
        (r#"type = "flag", value = true"#, &["8: value is true or false: write a text in quotes"]),
        (r#"type = "flag", value = """#, &["8: value: a flag stands for an argument: write it, as \"--force\""]),
        (r#"type = "flag", value = "a\u0000""#, &["8: value: a flag stands for an argument: write it, as \"--force\""]),
        (r#"type = "list""#, &["8: params.v has no of: write of = { type = \"ipv4\" }"]),
        (r#"type = "list", of = "ipv4""#, &["8: of is a text: write a table"]),
        (r#"type = "list", of = {}"#, &[NO_TYPE]),
        (r#"type = "list", of = { type = "uid" }"#, &["8: no type is called \"uid\": did you mean uuid?"]),
        (
            r#"type = "list", of = { type = "list", of = { type = "ipv4" } }"#,
            &["8: params.v.of is a list: write a type of one value"],
        ),
        (
            r#"type = "list", of = { type = "flag", value = "-f" }"#,
            &["8: params.v.of is a flag: write a type of one value"],
        ),
        (
            r#"type = "list", of = { type = "ipv4", scop = "any" }"#,
            &["8: params.v.of has no key \"scop\": did you mean scope?"],
        ),
        (r#"type = "list", of = { type = "ipv4" }, max = 65"#, &["8: max is 65: write a number from 1 to 64"]),
        (r#"type = "list", of = { type = "ipv4" }, max = 0"#, &["8: max is 0: write a number from 1 to 64"]),
        (r#"type = "list", of = { type = "ipv4" }, min = -1"#, &["8: min is -1: write a number from 0 to 64"]),
        (
            r#"type = "list", of = { type = "ipv4" }, min = 3, max = 2"#,
            &["8: no list has 3 to 2 values: write a min that is not above max"],
        ),
        (
            r#"type = "list", one_of = ["a"]"#,
            &[
                "8: params.v has no of: write of = { type = \"ipv4\" }",
                "8: params.v has no key \"one_of\": there is type, of, min, max",
            ],
        ),
    ];
    assert!(cases.len() >= 30);
    let cases: Vec<_> = cases.into_iter().map(|(slot, said)| (file(slot), said)).collect();
    compare(&cases, said);
}

#[test]
fn a_slot_that_repeats_stands_where_a_person_can_tell_what_it_comes_to() {
    const BESIDE: &str = "8: params.v is a flag and has text beside it in run: write {v} as an argument alone";
    const SEVERAL: &str = "8: params.v stands in several arguments of run: keep one of them";
    const SHARED: &str = "8: params.v is a list and has another slot beside it in run: write an argument for each";
    let (list, flag) = (r#"type = "list", of = { type = "ipv4" }"#, r#"type = "flag", value = "-f""#);
    let other = |slot: &str| format!("{slot} }}\nparams.w = {{ type = \"integer\"");
    let cases: Vec<(String, &[&str])> = vec![
        (with_run("\"{v}\", \"{v}\"", list), &[SEVERAL]),
        (with_run("\"{v}\", \"--x={v}\"", list), &[SEVERAL]),
        (with_run("\"{v}{v}\"", list), &[SHARED]),
        (with_run("\"{v}:{w}\"", &other(list)), &[SHARED]),
        (with_run("\"{v}\", \"{v}\"", flag), &[SEVERAL]),
        (with_run("\"--x={v}\"", flag), &[BESIDE]),
        (with_run("\"{v}{v}\"", flag), &[BESIDE]),
        (with_run("\"{v}{w}\"", &other(flag)), &[BESIDE]),
    ];
    compare(&cases, said);
    for good in [
        with_run("\"{v}\"", list),
        with_run("\"--add={v}/tcp\"", list),
        with_run("\"{v}\", \"{w}\"", &other(list)),
        with_run("\"{w}\", \"{v}\", \"{w}\"", &other(flag)),
    ] {
        assert_eq!(said(&good), Vec::<String>::new());
    }
}

#[test]
fn slots_are_good_as_they_stand() {
    for slot in [
        r#"type = "cidr", min_prefix = 0, max_prefix = 0"#,
        r#"type = "cidr", family = 4, max_prefix = 32"#,
        r#"type = "hostname", below = ["a", "B.c"]"#,
        r#"type = "unit", suffix = ["service", "socket", "timer", "target", "path", "mount", "slice", "scope", "device", "automount", "swap"]"#,
        r#"type = "path", below = "/srv//a/./b/""#,
        r#"type = "flag", value = "é {v} }""#,
        r#"type = "list", of = { one_of = "settings.words" }, min = 64"#,
        r#"type = "list", of = { type = "text", pattern = "a", first_any = true }, min = 0, max = 1"#,
    ] {
        assert_eq!(said(&file(slot)), Vec::<String>::new(), "{slot}");
    }
}
