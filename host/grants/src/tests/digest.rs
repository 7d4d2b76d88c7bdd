//! What consent is bound to: each part that bears on an operation changes its text, nothing else does.

use super::{PIN, config, grants};
use crate::Grants;

const FILE: &str = r#"sha256 = "PIN"
[settings]
ports = [22]
[operations.open]
allow = [{ user = "www" }]
require = [{ step = "approval", of = "ops", count = 2 }]
[operations.other]
[commands.c]
run = ["/bin/x", "{a}", "--b={b}"]
params.a = { type = "ipv4", scope = "public" }
params.b = { type = "integer", one_of = "settings.ports" }
timeout = "2s"
"#;

fn text(file: &str) -> String {
    let grants = grants(&file.replace("PIN", PIN));
    grants.digest_text(&grants.operations[0])
}

#[test]
fn every_part_that_bears_on_an_operation_changes_its_text() {
    let mut texts = vec![text(FILE)];
    for (from, to) in [
        ("[22]", "[22, 80]"),
        ("[22]", "[22]\nmore = 1"),
        ("www", "web"),
        ("user = \"www\"", "group = \"www\""),
        ("[{ user = \"www\" }]", "[{ uid = 82 }]"),
        ("[{ user = \"www\" }]", "[{ gid = 82 }]"),
        ("allow = [{ user = \"www\" }]", ""),
        ("\"ops\"", "\"cleo\", count = 1 }, { step = \"approval\", of = \"ops\""),
        ("count = 2", "count = 1"),
        ("require", "as = \"o\"\nrequire"),
        ("require", "summary = \"Open\"\nrequire"),
        ("require", "show_plan = true\nrequire"),
        ("require", "hold_for = \"1m\"\nrequire"),
        ("require", "run_within = \"1m\"\nrequire"),
        ("require", "deadline = \"1m\"\nrequire"),
        ("/bin/x", "/bin/y"),
        ("--b={b}", "--b={b}}}"),
        ("\"{a}\", ", "\"{a}\", \"f\", "),
        ("{b}\"", "{b}\", \"{{a}}\""),
        ("public", "any"),
        ("one_of = \"settings.ports\"", "min = 22, max = 22"),
        ("one_of = \"settings.ports\"", "min = 22, max = 23"),
        ("\"ipv4\", scope = \"public\"", "\"text\", pattern = \"[a-z]+\""),
        ("\"ipv4\", scope = \"public\"", "\"text\", pattern = \"[a-y]+\""),
        ("\"ipv4\", scope = \"public\"", "\"text\", pattern = \"[a-z]+\", max = 5"),
        ("\"ipv4\", scope = \"public\"", "\"text\", pattern = \"[a-z]+\", first_any = true"),
        ("\"ipv4\", scope = \"public\"", "\"one_of\", values = [\"b\", \"c\"]"),
        ("\"ipv4\", scope = \"public\"", "\"one_of\", values = [\"b\"]"),
        ("\"ipv4\", scope = \"public\"", "\"integer\", one_of = [1]"),
        ("commands.c]", "commands.cc]"),
        ("2s\"", "2s\"\nenv = { A = \"c\" }"),
        ("2s", "2500ms"),
        ("2s\"", "2s\"\nrun_as = 0"),
        ("2s\"", "2s\"\nok = [0, 1]"),
        ("2s\"", "2s\"\nenv = { A = \"b\" }"),
        ("2s\"", "2s\"\ncwd = \"/\""),
        ("2s\"", "2s\"\numask = \"0077\""),
        ("2s\"", "2s\"\noutput_max = 5"),
        ("2s\"", "2s\"\nstdin = \"data\""),
        ("2s\"", "2s\"\nleave_children = true"),
        ("2s\"", "2s\"\nends_host = true"),
        ("2s\"", "2s\"\nvia = \"systemd\""),
        ("2s\"", "2s\"\ncapabilities = []"),
        ("2s\"", "2s\"\ncapabilities = [\"cap_chown\"]"),
        ("2s\"", "2s\"\nsetuid = true"),
        ("2s\"", "2s\"\n[commands.d]\nrun = [\"/bin/d\"]"),
    ] {
        assert!(FILE.contains(from), "{from}");
        texts.push(text(&FILE.replacen(from, to, 1)));
    }
    let count = texts.len();
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), count);
}

#[test]
fn all_that_decides_what_a_slot_takes_is_in_the_text() {
    let mut texts = Vec::new();
    for slot in [
        r#"type = "ipv4""#,
        r#"type = "ipv6""#,
        r#"type = "ipv6", scope = "public""#,
        r#"type = "ipv6", scope = "private""#,
        r#"type = "ip""#,
        r#"type = "ip", scope = "public""#,
        r#"type = "cidr""#,
        r#"type = "cidr", scope = "private""#,
        r#"type = "cidr", family = 4, max_prefix = 32"#,
        r#"type = "cidr", family = 6"#,
        r#"type = "cidr", min_prefix = 8"#,
        r#"type = "cidr", max_prefix = 32"#,
        r#"type = "hostname""#,
        r#"type = "hostname", below = "a""#,
        r#"type = "hostname", below = ["a", "b"]"#,
        r#"type = "hostname", one_of = ["a"]"#,
        r#"type = "user""#,
        r#"type = "user", one_of = ["a"]"#,
        r#"type = "user", one_of = ["a", "b"]"#,
        r#"type = "group""#,
        r#"type = "group", one_of = ["a"]"#,
        r#"type = "unit""#,
        r#"type = "unit", suffix = ["timer"]"#,
        r#"type = "unit", suffix = ["service", "timer"]"#,
        r#"type = "unit", one_of = ["a.service"]"#,
        r#"type = "uuid""#,
        r#"type = "path", below = "/a""#,
        r#"type = "path", below = "/b""#,
        r#"type = "one_of", values = ["a"]"#,
        r#"type = "list", of = { type = "one_of", values = ["a"] }"#,
        r#"type = "list", of = { type = "one_of", values = ["b"] }"#,
        r#"type = "list", of = { type = "one_of", values = ["a"] }, min = 0"#,
        r#"type = "list", of = { type = "one_of", values = ["a"] }, max = 2"#,
        r#"type = "flag", value = "-a""#,
        r#"type = "flag", value = "-b""#,
    ] {
        texts.push(text(&FILE.replacen("type = \"ipv4\", scope = \"public\"", slot, 1)));
    }
    let count = texts.len();
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), count);
}

#[test]
fn another_way_to_write_the_same_slot_is_the_same_text() {
    for (one, other) in [
        (r#"type = "ipv6""#, r#"type = "ipv6", scope = "any""#),
        (r#"type = "unit""#, r#"type = "unit", suffix = ["service"]"#),
        (r#"type = "hostname", below = "a""#, r#"type = "hostname", below = ["A"]"#),
        (r#"type = "path", below = "/a/b""#, r#"type = "path", below = "/a//b/""#),
        (r#"type = "integer", one_of = [22]"#, r#"type = "integer", one_of = "settings.ports""#),
        (r#"type = "list", of = { type = "ip" }"#, r#"type = "list", of = { type = "ip" }, min = 1, max = 16"#),
    ] {
        let [one, other] =
            [one, other].map(|slot| text(&FILE.replacen("type = \"ipv4\", scope = \"public\"", slot, 1)));
        assert_eq!(one, other);
    }
}

#[test]
fn what_does_not_bear_on_it_leaves_its_text_alone() {
    let other = "ab".repeat(32);
    for (from, to) in [
        ("sha256", "# a comment\n\nsha256"),
        ("PIN", other.as_str()),
        ("[settings]", "engine = \"interpreter\"\n[settings]"),
        ("\"PIN\"", "[\"PIN\", \"00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\"]"),
        ("[operations.other]", ""),
        ("[operations.other]", "[operations.other]\nas = \"x\""),
        ("timeout = \"2s\"", "timeout = \"2000ms\"\nok = [0]"),
        ("timeout = \"2s\"", "timeout = \"2s\"\nstdin = \"none\"\nleave_children = false\nends_host = false"),
        ("count = 2", "count = 0x2"),
    ] {
        assert_eq!(text(&FILE.replacen(from, to, 1)), text(FILE), "{from}");
    }
}

#[test]
fn the_text_is_stable_and_of_each_operation_its_own() {
    let grants = grants(&FILE.replace("PIN", PIN));
    assert_eq!(text(FILE), grants.digest_text(&grants.operations[0]));
    assert_ne!(grants.digest_text(&grants.operations[0]), grants.digest_text(&grants.operations[1]));
    assert!(!text(FILE).contains(PIN));
}

#[test]
fn the_same_words_in_another_plugins_file_are_another_text() {
    let other = Grants::parse("other", "other.toml", &FILE.replace("PIN", PIN), &config()).unwrap().value;
    assert_ne!(other.digest_text(&other.operations[0]), text(FILE));
}
