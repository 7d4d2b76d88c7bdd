//! Slots as people and forms see them.

use serde_json::{Value as Json, json};

use super::{command, grants};

fn schema(slot: &str) -> Json {
    let command = command(slot);
    let (name, param) = command.params().next().unwrap();
    assert_eq!((name, param.line(), command.params().count()), ("v", 8, 1));
    assert!(!param.rule().is_empty());
    param.schema()
}

#[test]
fn each_type_has_a_schema_of_what_a_caller_sends() {
    for (slot, expected) in [
        (r#"type = "integer""#, json!({"type": "integer", "minimum": 0})),
        (r#"type = "integer", min = -1, max = 9"#, json!({"type": "integer", "minimum": -1, "maximum": 9})),
        (r#"type = "integer", one_of = "settings.ports""#, json!({"type": "integer", "enum": [22, 80]})),
        (r#"type = "ipv4", scope = "public""#, json!({"type": "string", "format": "ipv4"})),
        (r#"type = "ipv6""#, json!({"type": "string", "format": "ipv6"})),
        (r#"type = "ip""#, json!({"type": "string", "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}]})),
        (
            r#"type = "cidr", family = 4, scope = "public", max_prefix = 24"#,
            json!({
                "type": "string",
                "description":
                    "a public IPv4 network as ADDRESS/LENGTH without host bits, its prefix of 0 to 24 bits",
            }),
        ),
        (r#"type = "hostname""#, json!({"type": "string", "format": "hostname"})),
        (r#"type = "hostname", below = "a.org""#, json!({"type": "string", "format": "hostname"})),
        (r#"type = "hostname", one_of = ["A.org"]"#, json!({"type": "string", "enum": ["a.org"]})),
        (r#"type = "user""#, json!({"type": "string", "pattern": "^[a-z_][a-z0-9_-]{0,31}$"})),
        (r#"type = "group", one_of = ["adm"]"#, json!({"type": "string", "enum": ["adm"]})),
        (
            r#"type = "unit", suffix = ["timer", "path"]"#,
            json!({
                "type": "string",
                "pattern": r"^[A-Za-z0-9:_\\][A-Za-z0-9:_.\\@-]*\.(?:timer|path)$",
                "maxLength": 255,
            }),
        ),
        (r#"type = "unit", one_of = ["a.timer"]"#, json!({"type": "string", "enum": ["a.timer"]})),
        (r#"type = "uuid""#, json!({"type": "string", "format": "uuid"})),
        (
            r#"type = "path", below = "/srv/""#,
            json!({
                "type": "string",
                "description": "a path below /srv without .., its parts not beginning with -",
                "maxLength": 4095,
            }),
        ),
        (r#"one_of = "settings.words""#, json!({"type": "string", "enum": ["start", "stop"]})),
        (
            r#"type = "text", pattern = "a|b", max = 9"#,
            json!({"type": "string", "pattern": "^(?:a|b)$", "minLength": 1, "maxLength": 9}),
        ),
        (
            r#"type = "list", of = { type = "integer", max = 5 }, min = 0, max = 3"#,
            json!({
                "type": "array",
                "items": {"type": "integer", "minimum": 0, "maximum": 5},
                "minItems": 0,
                "maxItems": 3,
            }),
        ),
        (r#"type = "flag", value = "-f""#, json!({"type": "boolean"})),
    ] {
        assert_eq!(schema(slot), expected, "{slot}");
    }
}

#[test]
fn each_type_says_in_words_what_it_takes() {
    for (slot, kind, rule) in [
        (r#"type = "ipv4", scope = "private""#, "ipv4", "a private IPv4 address (RFC 1918) in four decimal parts"),
        (r#"type = "ipv6", scope = "private""#, "ipv6", "a private IPv6 address (RFC 4193)"),
        (r#"type = "ip", scope = "public""#, "ip", "a public IPv4 or IPv6 address"),
        (
            r#"type = "cidr", family = 6"#,
            "cidr",
            "an IPv6 network as ADDRESS/LENGTH without host bits, its prefix of 0 to 128 bits",
        ),
        (r#"type = "hostname""#, "hostname", "a host name: labels of letters, digits and -, with dots between them"),
        (r#"type = "hostname", below = ["a.org", "b"]"#, "hostname", "the host name a.org or b, or one below it"),
        (r#"type = "hostname", one_of = ["a.org", "b"]"#, "hostname", "one of a.org, b"),
        (r#"type = "user""#, "user", "a user name: 1 to 32 of a-z, 0-9, _ and -, beginning with a letter or _"),
        (r#"type = "group", one_of = ["a", "b"]"#, "group", "one of a, b"),
        (
            r#"type = "unit", suffix = ["timer", "path"]"#,
            "unit",
            "the full name of a unit that ends in .timer or .path",
        ),
        (r#"type = "unit", one_of = ["a.path"]"#, "unit", "one of a.path"),
        (r#"type = "uuid""#, "uuid", "a UUID of 32 hexadecimal digits and 4 hyphens"),
        (r#"type = "path", below = "/srv""#, "path", "a path below /srv without .., its parts not beginning with -"),
        (r#"type = "integer", max = 7"#, "integer", "a whole number from 0 to 7"),
        (r#"one_of = ["a"]"#, "one_of", "one of a"),
        (
            r#"type = "text", pattern = "a""#,
            "text",
            "1 to 256 bytes of ASCII that match a, not beginning with - + @ or =",
        ),
        (r#"type = "list", of = { one_of = ["a"] }, max = 3"#, "list", "1 to 3 values, each one of a"),
        (r#"type = "flag", value = "-f""#, "flag", "true or false: whether -f is there"),
    ] {
        let command = command(slot);
        let (_, param) = command.params().next().unwrap();
        assert_eq!((param.kind(), param.rule().as_str()), (kind, rule));
    }
}

#[test]
fn only_flags_and_lists_that_may_be_empty_need_no_value() {
    for (slot, optional) in [
        (r#"type = "integer""#, false),
        (r#"type = "list", of = { type = "integer" }"#, false),
        (r#"type = "list", of = { type = "integer" }, min = 0"#, true),
        (r#"type = "flag", value = "-f""#, true),
    ] {
        let command = command(slot);
        assert_eq!(command.params().next().unwrap().1.optional(), optional, "{slot}");
        assert_eq!(command.render(&[]).is_ok(), optional, "{slot}");
    }
}

#[test]
fn a_text_that_takes_about_anything_is_wide_and_one_kind_of_thing_is_not() {
    for pattern in [".*", ".+", r"[^\\n]*", r"[ -~]+", r"\\S.*", "[^']+", r"(?:.|\\s){1,200}", ".{5,}"] {
        for slot in [
            format!("type = \"text\", pattern = \"{pattern}\""),
            format!("type = \"text\", pattern = \"{pattern}\", first_any = true"),
            format!("type = \"list\", of = {{ type = \"text\", pattern = \"{pattern}\" }}"),
        ] {
            assert!(command(&slot).params().next().unwrap().1.is_wide(), "{slot}");
        }
    }
    for slot in [
        r#"type = "text", pattern = "[a-z]+""#,
        r#"type = "text", pattern = "[A-Za-z0-9._-]+""#,
        r#"type = "text", pattern = "[a-z ]+""#,
        r#"type = "text", pattern = "[A-Za-z0-9./-]+""#,
        r#"type = "text", pattern = ".*", max = 2"#,
        r#"type = "path", below = "/srv""#,
        r#"type = "one_of", values = [";id", "$(id)", "a b"]"#,
        r#"type = "flag", value = "-f""#,
    ] {
        assert!(!command(slot).params().next().unwrap().1.is_wide(), "{slot}");
    }
}

#[test]
fn slots_come_in_the_order_of_run_with_their_lines() {
    let text = "[operations.o]\n[commands.c]\nrun = [\"/bin/x\", \"{b}\", \"{a}{b}\"]\n\
                params.a = { type = \"integer\" }\n\n[commands.c.params.b]\ntype = \"uuid\"\n";
    let grants = grants(text);
    let params: Vec<_> =
        grants.commands["c"].params().map(|(name, param)| (name, param.kind(), param.line())).collect();
    assert_eq!(params, [("b", "uuid", 6), ("a", "integer", 4)]);
}
