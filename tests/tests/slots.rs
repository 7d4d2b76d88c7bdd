//! Slots of operations without code, by the whole daemon: what a caller sends is what a program finds among its
//! arguments, or the caller is refused and no program starts. The program is a spy: it prints what it was given, and
//! notes that it ran.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use regent_tests::{Running, World, code, needs_root};
use serde_json::{Value, json};

/// A type as it is granted; a value that it takes, with what the program gets; and one that it does not.
fn slots() -> Vec<(&'static str, Value, &'static [&'static str], Value)> {
    vec![
        (r#"type = "integer", min = 1, max = 65535"#, json!(8080), &["8080"], json!("80; id")),
        (r#"type = "integer", one_of = "settings.ports""#, json!(22), &["22"], json!(23)),
        (r#"type = "ipv4", scope = "public""#, json!("8.8.8.8"), &["8.8.8.8"], json!("127.0.0.1")),
        (r#"type = "ipv6", scope = "public""#, json!("2A00:1450:0::1"), &["2a00:1450::1"], json!("::ffff:127.0.0.1")),
        (r#"type = "ip""#, json!("10.0.0.1"), &["10.0.0.1"], json!("fe80::1%eth0")),
        (r#"type = "cidr", min_prefix = 8"#, json!("10.1.0.0/16"), &["10.1.0.0/16"], json!("0.0.0.0/0")),
        (r#"type = "hostname", below = "example.org""#, json!("WWW.example.org"), &["www.example.org"], json!("a.org")),
        (r#"type = "user""#, json!("www-data"), &["www-data"], json!("-u")),
        (r#"type = "group", one_of = ["adm"]"#, json!("adm"), &["adm"], json!("root")),
        (r#"type = "unit""#, json!("nginx.service"), &["nginx.service"], json!("*.service")),
        (
            r#"type = "uuid""#,
            json!("F81D4FAE-7dec-11d0-a765-00a0c91e6bf6"),
            &["f81d4fae-7dec-11d0-a765-00a0c91e6bf6"],
            json!("f81d4fae"),
        ),
        (r#"type = "one_of", values = ["start", "a b"]"#, json!("a b"), &["a b"], json!("a  b")),
        (
            r#"type = "text", pattern = "[ -~]+", max = 20"#,
            json!("$(id) `id` 'a' \"b\""),
            &["$(id) `id` 'a' \"b\""],
            json!("a\nb"),
        ),
        (
            r#"type = "list", of = { type = "user" }, min = 0, max = 3"#,
            json!(["www", "adm"]),
            &["www", "adm"],
            json!(["www", "-rf"]),
        ),
        (r#"type = "list", of = { type = "user" }, min = 0, max = 3"#, json!([]), &[], json!(["a", "b", "c", "d"])),
        (r#"type = "flag", value = "--force""#, json!(true), &["--force"], json!("--force")),
        (r#"type = "flag", value = "--force""#, json!(false), &[], json!(["true"])),
    ]
}

fn spy(world: &World, body: &str) {
    fs::write(world.path("spy"), format!("#!/bin/sh\necho >>$0.ran\n{body}\n")).unwrap();
    fs::set_permissions(world.path("spy"), fs::Permissions::from_mode(0o755)).unwrap();
}

fn runs(world: &World) -> usize {
    fs::read_to_string(world.path("spy.ran")).unwrap_or_default().lines().count()
}

/// Operations that run the spy with one slot each, between two words that stay.
fn world() -> World {
    needs_root();
    let world = World::new();
    spy(&world, "printf '[%s]' \"$@\"");
    let program = world.path("spy");
    let operation = |(number, (slot, ..)): (usize, &(&str, Value, &[&str], Value))| {
        format!(
            "[operations.o{number}]\nrun = [\"{}\", \"first\", \"{{v}}\", \"last\"]\nparams.v = {{ {slot} }}\n",
            program.display()
        )
    };
    let operations: String = slots().iter().enumerate().map(operation).collect();
    world.without_code("desk", &format!("[settings]\nports = [22, 80]\n{operations}"))
}

#[test]
fn a_good_value_of_each_type_is_what_the_program_gets_and_a_hostile_one_starts_nothing() {
    let world = world();
    let running = world.start().serving("desk");
    for (number, (slot, good, arguments, hostile)) in slots().iter().enumerate() {
        let before = runs(&world);
        let reply = running.op(&format!("o{number}"), json!({"v": hostile}));
        assert_eq!(code(&reply), "invalid-data", "{slot} {hostile}: {reply}");
        assert_eq!(runs(&world), before, "{slot}: {hostile}");
        let reply = running.op(&format!("o{number}"), json!({"v": good}));
        let wanted: String = arguments.iter().map(|argument| format!("[{argument}]")).collect();
        assert_eq!(reply["data"], format!("[first]{wanted}[last]"), "{slot} {good}: {reply}");
        assert_eq!(runs(&world), before + 1);
    }
}

/// A world with one operation, which runs the spy with these further lines.
fn one(lines: &str, body: &str) -> World {
    needs_root();
    let world = World::new();
    spy(&world, body);
    let grants = format!("[operations.o]\nrun = [\"{}\"]\n{lines}\n", world.path("spy").display());
    world.without_code("desk", &grants)
}

fn asked(lines: &str, body: &str) -> Value {
    let world = one(lines, body);
    let running = world.start().serving("desk");
    running.op("o", json!({}))
}

#[test]
fn what_a_program_prints_arrives_as_its_grant_says() {
    assert_eq!(asked("", "printf 'caf\\303\\251\\n'")["data"], "café");
    assert_eq!(asked("", "printf '\\377\\000'")["data"], json!({"base64": "/wA="}));
    assert_eq!(asked("reply = \"json\"", "echo '{\"a\": [1]}'")["data"], json!({"a": [1]}));
    let no_json = asked("reply = \"json\"", "echo '{\"a\":'");
    assert!(no_json["error"].is_string(), "{no_json}");
    let none = asked("reply = \"none\"", "echo hidden");
    assert!(none["success"] == true && !none.to_string().contains("hidden"), "{none}");
}

#[test]
fn what_counts_as_success_who_it_runs_as_and_how_long_is_its_grants_to_say() {
    assert_eq!(asked("ok = [0, 3]", "echo three; exit 3")["data"], "three");
    assert_eq!(code(&asked("ok = [0, 3]", "exit 4")), "command-failed");
    assert_eq!(asked("run_as = \"nobody\"", "id -un")["data"], "nobody");
    assert_eq!(code(&asked("timeout = \"300ms\"", "sleep 20")), "timeout");
}

/// A hold of a path below `data`, and what its requester reads once somebody has said yes after `change`.
fn held_path(change: impl FnOnce(&World)) -> (World, Value) {
    needs_root();
    let world = World::new();
    spy(&world, "cat \"$1\"");
    fs::create_dir_all(world.path("data/sub")).unwrap();
    fs::write(world.path("data/sub/file"), "harmless").unwrap();
    let grants = format!(
        "sha256 = \"PIN\"\n[operations.o]\nrun = [\"{}\", \"{{v}}\"]\nparams.v = {{ type = \"path\", below = \"{}\" }}\n\
         require = [{{ step = \"approval\", of = \"ops\" }}]\n",
        world.path("spy").display(),
        world.path("data").display()
    );
    let world = world.without_code("desk", &grants);
    let running = world.start().serving("desk");
    let outside = running.op("o", json!({"v": "../spy"}));
    assert_eq!(code(&outside), "invalid-data", "{outside}");
    let held = running.op("o", json!({"v": "sub/file"}));
    assert_eq!(held["state"], "held", "{held}");
    change(&world);
    approve(&running);
    let read = running.ask(json!({"uid": held["uid"], "wait": 20}));
    drop(running);
    (world, read)
}

fn approve(running: &Running<'_>) {
    running.regent_as("games", &["approve", &running.only_pending()]);
}

#[test]
fn a_path_is_judged_again_when_what_was_held_is_to_run() {
    let (world, read) = held_path(|_| {});
    assert_eq!((&read["data"], runs(&world)), (&json!("harmless"), 1), "{read}");
    let (world, read) = held_path(|world| {
        fs::remove_dir_all(world.path("data/sub")).unwrap();
        fs::create_dir(world.path("elsewhere")).unwrap();
        fs::write(world.path("elsewhere/file"), "a secret").unwrap();
        symlink(world.path("elsewhere"), world.path("data/sub")).unwrap();
    });
    assert_eq!((&read["state"], runs(&world)), (&json!("void"), 0), "a link: {read}");
    let (world, read) = held_path(|world| {
        fs::set_permissions(world.path("data/sub"), fs::Permissions::from_mode(0o777)).unwrap();
    });
    assert_eq!((&read["state"], runs(&world)), (&json!("void"), 0), "others can write: {read}");
}
