//! Values that callers choose, by the whole daemon: as an argument of a program each is refused or is one argument,
//! byte by byte; and where people and programs read of it later, none moves a terminal or ends a line.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use regent_tests::{Running, World, code, needs_root};
use serde_json::{Value, json};

/// Values that shells, option parsers and path resolvers read a meaning into.
const HOSTILE: [&str; 19] = [
    "-f",
    "--",
    "-",
    "+x",
    "=x",
    "",
    "@/etc/shadow",
    "a b",
    "$(id)",
    "`id`",
    ";id",
    "|id",
    "a\nb",
    "a\rb",
    "a\0b",
    "*",
    "~root",
    "../../etc/shadow",
    "a'b\"c\\d",
];
/// None of them is an address of the internet, however it is written.
const NOT_PUBLIC: [&str; 17] = [
    "127.1",
    "010.0.0.1",
    "0x7f.0.0.1",
    "2130706433",
    "127.0.0.1",
    "10.0.0.1",
    "100.64.0.1",
    "169.254.169.254",
    "0.0.0.0",
    "::ffff:10.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::a00:1",
    "2002:a00:1::",
    "fe80::1",
    "fe80::1%eth0",
    "::1",
    "8.8.8.8 ",
];
/// What moves a terminal, hides text, turns it round or ends a line.
const MOVING: [&str; 9] =
    ["\u{1b}[2J", "\r", "\u{9b}2J", "\u{202e}", "\u{2066}", "\u{200b}", "\u{e0041}", "\u{2028}", "\u{7f}"];

/// A spy that prints its arguments each with its length, and notes that it ran.
fn world(grants: &str) -> World {
    needs_root();
    let world = World::new();
    let spy = world.path("spy");
    let body = "import sys\nopen(sys.argv[0] + '.ran', 'a').write('ran\\n')\nfor argument in sys.argv[1:]:\n    print(len(argument), argument)\n";
    fs::write(&spy, format!("#!/usr/bin/python3\n{body}")).unwrap();
    fs::set_permissions(&spy, fs::Permissions::from_mode(0o755)).unwrap();
    let grants = grants.replace("SPY", &spy.display().to_string());
    world.without_code("desk", &grants)
}

fn runs(world: &World) -> usize {
    fs::read_to_string(world.path("spy.ran")).unwrap_or_default().lines().count()
}

/// Refused and nothing ran, or exactly this one argument between its neighbours.
#[track_caller]
fn refused_or_one_argument(running: &Running<'_>, op: &str, value: &str) -> bool {
    let before = runs(running.world);
    let reply = running.op(op, json!({"v": value}));
    if reply["success"] == true {
        assert_eq!(reply["data"], format!("5 first\n{} {value}\n4 last", value.len()), "{op} {value:?}");
        return true;
    }
    assert_eq!((code(&reply), runs(running.world)), ("invalid-data", before), "{op} {value:?}: {reply}");
    false
}

#[test]
fn a_hostile_value_is_refused_or_is_one_argument() {
    let slot = |name: &str, more: &str| {
        format!("[operations.{name}]\nrun = [\"SPY\", \"first\", \"{{v}}\", \"last\"]\nparams.v = {{ {more} }}\n")
    };
    let text = slot("text", r#"type = "text", pattern = "[ -~]+""#);
    let any = slot("any", r#"type = "text", pattern = "[ -~]+", first_any = true"#);
    let word = slot("word", r#"type = "text", pattern = "[a-z]+""#);
    let user = slot("user", r#"type = "user""#);
    let world = world(&format!("{text}{any}{word}{user}"));
    let running = world.start().serving("desk");
    let taken = |op: &str| HOSTILE.iter().filter(|value| refused_or_one_argument(&running, op, value)).count();
    assert_eq!((taken("word"), taken("user")), (0, 0), "none is a word");
    let (text, any) = (taken("text"), taken("any"));
    assert!(0 < text && text < any, "{text} of them are printable and begin with nothing odd, {any} with anything");
}

#[test]
fn what_is_no_public_address_starts_nothing_however_it_is_written() {
    let slot = |name: &str, of: &str| {
        format!(
            "[operations.{name}]\nrun = [\"SPY\", \"{{v}}\"]\nparams.v = {{ type = \"{of}\", scope = \"public\" }}\n"
        )
    };
    let world = world(&["ip", "ipv4", "ipv6"].map(|of| slot(of, of)).concat());
    let running = world.start().serving("desk");
    for address in NOT_PUBLIC {
        for of in ["ip", "ipv4", "ipv6"] {
            let reply = running.op(of, json!({"v": address}));
            assert_eq!(code(&reply), "invalid-data", "{of} {address:?}: {reply}");
        }
    }
    assert_eq!(runs(&world), 0);
    assert_eq!(running.op("ip", json!({"v": "8.8.8.8"}))["data"], "7 8.8.8.8");
    assert_eq!(running.op("ip", json!({"v": "2606:4700:4700::1111"}))["data"], "20 2606:4700:4700::1111");
}

#[test]
fn what_would_move_a_terminal_is_ascii_in_every_log_and_escaped_for_people() {
    let world = world(
        "sha256 = \"PIN\"\n[operations.held]\nrun = [\"SPY\"]\nstdin = \"data\"\nrequire = [{ step = \"approval\", of = \"ops\" }]\n\
         [operations.now]\nrun = [\"SPY\"]\nstdin = \"data\"\n",
    );
    let running = world.start().serving("desk");
    let all = MOVING.concat();
    let data = json!({"note": format!("before{all}after")});
    running.op("now", data.clone());
    running.op(&format!("nonsense{all}"), Value::Null);
    let held = running.op("held", data);
    let shown = match held["uid"].as_str() {
        Some(_) => running.regent(&["show", &running.only_pending()]),
        None => running.regent(&["why", held["ref"].as_str().unwrap()]),
    };
    let told = [
        shown,
        running.regent(&["pending"]),
        running.regent(&["status"]),
        running.regent(&["call", &format!("nonsense{all}")]),
    ];
    for said in told {
        for moving in MOVING {
            assert!(!said.stdout.contains(moving) && !said.stderr.contains(moving), "{moving:?} in {said:?}");
        }
    }
    let audit = fs::read(world.path("log/audit.jsonl")).unwrap();
    assert!(audit.iter().all(|byte| (0x20..0x7f).contains(byte) || *byte == b'\n'), "ASCII and whole lines");
    let lines = String::from_utf8(audit).unwrap();
    assert!(lines.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
    assert!(lines.contains("\\u202e"), "it is on record all the same");
    let log = running.log();
    assert!(MOVING.iter().all(|moving| !log.contains(moving)), "{log:?}");
}
