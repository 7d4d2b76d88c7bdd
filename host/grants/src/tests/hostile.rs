//! Values that a hostile plugin or its client would try, so that an argument becomes an option, two arguments, a path
//! elsewhere or something that nobody who consents can read: no slot takes them.

use super::{command, filled, grants};
use crate::RenderError;

/// What no slot takes, whatever its type and pattern, unless it says so.
const NEVER: [&str; 30] = [
    "-f",
    "--",
    "-",
    "",
    "@/etc/shadow",
    "+x",
    "=1+1",
    "a\nb",
    "\n",
    "a\n",
    "\0",
    "a\0b",
    "\u{7f}",
    "\t",
    "\u{1b}[2J",
    "\r",
    "٧",
    "рoot",
    "a\u{2028}b",
    "\u{202e}abc",
    "a\u{200b}",
    "\u{feff}a",
    "é",
    "\u{85}",
    "\u{a0}",
    "\u{e0041}",
    "😀",
    "-\n",
    "a\r\n",
    "\u{1}",
];

#[test]
fn hostile_values_are_refused_by_a_text_slot_that_takes_anything() {
    let anything = command(r#"type = "text", pattern = "(?:.|\\s)*""#);
    for value in NEVER {
        assert_eq!(filled(&anything, value), None, "{value:?}");
    }
}

#[test]
fn shell_words_are_exactly_one_argument() {
    let anything = command(r#"type = "text", pattern = ".*""#);
    for value in
        ["a b", "$(id)", ";id", "`id`", "a;rm -rf /", "'", "\"", "a -f", "\\", "{v}", "{{", "*", "~", "&&", "#"]
    {
        assert_eq!(filled(&anything, value).as_deref(), Some(value));
    }
}

#[test]
fn hostile_values_are_refused_by_every_other_type() {
    for slot in [
        r#"type = "ipv4""#,
        r#"type = "integer", min = -5"#,
        r#"type = "integer", one_of = "settings.ports""#,
        r#"type = "one_of", values = ["a", "b"]"#,
        r#"one_of = "settings.words""#,
    ] {
        let command = command(slot);
        for value in NEVER.iter().chain(&["a b", "$(id)", ";id", "22 ", " 22", "22\n", "start ", "START", "a,b"]) {
            assert_eq!(filled(&command, value), None, "{slot} {value:?}");
        }
    }
}

#[test]
fn an_address_has_one_spelling() {
    let any = command(r#"type = "ipv4""#);
    for value in [
        "127.1",
        "010.0.0.1",
        "8.8.8.08",
        "0x8.8.8.8",
        "134744072",
        "::ffff:10.0.0.1",
        "::ffff:8.8.8.8",
        "64:ff9b::a00:1",
        "2002:a00:1::",
        "fe80::1%eth0",
        "8.8.8.8/32",
        "8.8.8.8:80",
        "8.8.8",
        "8.8.8.8.8",
        "8.8.8.256",
        "8.8.8.8.",
        " 8.8.8.8",
        "8.8.8.8\n",
        "８.8.8.8",
        "8。8.8.8",
        "8.8.8.٨",
        "+8.8.8.8",
        "8.8.8.-8",
        "localhost",
        "8..8.8",
    ] {
        assert_eq!(filled(&any, value), None, "{value:?}");
    }
    for value in ["8.8.8.8", "0.0.0.0", "127.0.0.1", "255.255.255.255", "10.0.0.1"] {
        assert_eq!(filled(&any, value).as_deref(), Some(value));
    }
}

#[test]
fn a_scope_refuses_what_is_outside_and_its_twin_takes_it() {
    let (public, private) =
        (command(r#"type = "ipv4", scope = "public""#), command(r#"type = "ipv4", scope = "private""#));
    for value in ["10.0.0.1", "172.16.0.1", "192.168.1.1"] {
        assert_eq!(filled(&public, value), None, "{value}");
        assert_eq!(filled(&private, value).as_deref(), Some(value));
    }
    for value in ["8.8.8.8", "1.1.1.1"] {
        assert_eq!(filled(&public, value).as_deref(), Some(value));
        assert_eq!(filled(&private, value), None, "{value}");
    }
    for value in ["100.64.0.1", "127.0.0.1", "169.254.169.254", "0.0.0.0", "224.0.0.1", "255.255.255.255", "192.0.2.1"]
    {
        assert_eq!((filled(&public, value), filled(&private, value)), (None, None), "{value}");
    }
}

#[test]
fn a_number_has_one_spelling() {
    let (positive, negative) =
        (command(r#"type = "integer", max = 100"#), command(r#"type = "integer", min = -10, max = 100"#));
    for value in [
        "+7",
        "007",
        "٧",
        " 7",
        "7 ",
        "7\n",
        "-0",
        "0x7",
        "7.0",
        "7e0",
        "1_0",
        "--7",
        "-",
        "",
        "７",
        "99999999999999999999",
        "9223372036854775808",
        "-9223372036854775809",
        "00",
        "1,000",
    ] {
        assert_eq!((filled(&positive, value), filled(&negative, value)), (None, None), "{value:?}");
    }
    for value in ["0", "7", "100"] {
        assert_eq!(filled(&positive, value).as_deref(), Some(value));
    }
    assert_eq!(filled(&positive, "-7"), None);
    assert_eq!(filled(&negative, "-7").as_deref(), Some("-7"));
    assert_eq!((filled(&negative, "-11"), filled(&negative, "101")), (None, None));
}

#[test]
fn a_negative_member_is_taken_and_its_positive_twin_is_not() {
    let members = command(r#"type = "integer", one_of = [-1, 22]"#);
    assert_eq!(filled(&members, "-1").as_deref(), Some("-1"));
    assert_eq!((filled(&members, "1"), filled(&members, "-22"), filled(&members, "022")), (None, None, None));
}

#[test]
fn a_pattern_matches_the_whole_value_and_ascii_only() {
    for (pattern, good, bad) in [
        (r"^\\d+$", "12", ["٧", "12a", "12\n", "1\n2"]),
        (r"^\\w+$", "root", ["рoot", "a-b", "root\n", "ro ot"]),
        (r"^a|b$", "a", ["a;rm -rf", "xb", "ab", "a\nb"]),
        (r"a|b", "b", ["ab", "ba", "a ", "aa"]),
        (r"[a-z]+", "abc", ["abc\n-rf", "ABC", "ab c", "abc\0"]),
        (r"\\s*a", " a", ["\u{2028}a", "\ta", "\na", "a "]),
        (r"[^x]+", "abc", ["axc", "é", "\u{202e}", "a\u{0}"]),
        (r"\\(?a\\)?", "(a)", ["((a", "a))", "b", "(a)\n"]),
        (r"(?P<word>a)(?:b)(?<rest>c)", "abc", ["ab", "abcd", "xabc", "abc "]),
    ] {
        let command = command(&format!("type = \"text\", pattern = \"{pattern}\""));
        assert_eq!(filled(&command, good).as_deref(), Some(good), "{pattern}");
        for value in bad {
            assert_eq!(filled(&command, value), None, "{pattern} {value:?}");
        }
    }
}

#[test]
fn the_first_letter_is_free_where_the_slot_says_so() {
    let (free, bound) =
        (command(r#"type = "text", pattern = ".+", first_any = true"#), command(r#"type = "text", pattern = ".+""#));
    for value in ["-f", "+x", "@file", "=1"] {
        assert_eq!(filled(&free, value).as_deref(), Some(value));
        assert_eq!(filled(&bound, value), None);
    }
    let member = command(r#"type = "one_of", values = ["-v"], first_any = true"#);
    assert_eq!(filled(&member, "-v").as_deref(), Some("-v"));
}

#[test]
fn a_text_is_as_long_as_its_slot_says_and_no_longer() {
    let (short, usual) =
        (command(r#"type = "text", pattern = "a*", max = 3"#), command(r#"type = "text", pattern = "a*""#));
    assert!(filled(&short, "aaa").is_some() && filled(&short, "aaaa").is_none());
    assert!(filled(&usual, &"a".repeat(256)).is_some() && filled(&usual, &"a".repeat(257)).is_none());
    let longest = command(r#"type = "text", pattern = "a*", max = 4096"#);
    assert!(filled(&longest, &"a".repeat(4096)).is_some() && filled(&longest, &"a".repeat(4097)).is_none());
}

#[test]
fn values_are_refused_that_no_slot_asks_for() {
    let text = "[operations.o]\n[commands.c]\nrun = [\"/bin/x\", \"{{{b}}}-{a}\", \"--p={b}\"]\n\
                params.a = { type = \"integer\" }\nparams.b = { type = \"ipv4\" }\n";
    let grants = grants(text);
    let command = grants.command("c").unwrap();
    let render = |values: &[(&str, &str)]| {
        command
            .render(&values.iter().map(|(slot, value)| ((*slot).to_owned(), (*value).to_owned())).collect::<Vec<_>>())
    };
    let rendered = render(&[("a", "1"), ("b", "8.8.8.8")]).unwrap();
    assert_eq!(rendered.argv(), ["/bin/x", "{8.8.8.8}-1", "--p=8.8.8.8"]);
    assert_eq!(rendered.values(), [("b".to_owned(), "8.8.8.8".to_owned()), ("a".to_owned(), "1".to_owned())]);
    assert_eq!(render(&[("a", "1")]), Err(RenderError::MissingSlot("b".into())));
    assert_eq!(render(&[("a", "1"), ("c", "1")]), Err(RenderError::UnknownSlot("c".into())));
    assert_eq!(render(&[("a", "1"), ("a", "1"), ("b", "8.8.8.8")]), Err(RenderError::GivenTwice("a".into())));
    let rule = "a whole number from 0 on".into();
    let refused = RenderError::NotAccepted { slot: "a".into(), rule, line: 4, allow: None };
    assert_eq!(render(&[("a", "x"), ("b", "8.8.8.8")]), Err(refused));
    assert!(grants.command("C").is_none());
}
