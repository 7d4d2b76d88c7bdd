//! `list`, `regent ops` and `regent call OP --help`: a caller is told of exactly what it may ask for, and how.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]

use std::fs;

use regent_tests::{Container, Mounted, Running, SECRET, World, code, dist, error, needs_root};
use serde_json::{Value, json};

const ALL: [&str; 7] = ["close", "echo", "greet", "of-games", "of-group", "open", "whoami"];

/// Operations with code and without; for everybody, for root, for a user, for a group; a socket that shows two, and one
/// of a container.
fn world() -> World {
    needs_root();
    let world = World::new()
        .socket("two", "operations = [\"echo\", \"of-games\", \"not-there\"]")
        .socket("box", "trust_peer_uid = false\noperations = [\"*\"]");
    let firewall = r#"
sha256 = "PIN"
[settings]
ports = [22]
[operations.open]
summary = "Let an address in"
require = [{ step = "approval", of = "ops", count = 2 }]
[operations.close]
allow = [{ uid = 0 }]
[commands.open-port]
run = ["/usr/bin/true", "{ip}", "{port}"]
params.ip = { type = "ipv4", scope = "public" }
params.port = { type = "integer", one_of = "settings.ports" }
[commands.close-port]
run = ["/usr/bin/true", "{ip}", "{port}"]
params.ip = { type = "ipv4" }
params.port = { type = "integer" }
[commands.list-ports]
run = ["/usr/bin/true"]
"#;
    let without_code = r#"
[operations.greet]
summary = "Greet somebody"
run = ["/usr/bin/echo", "{times}", "{name}"]
params.times = { type = "integer", min = 1, max = 5 }
params.name = { one_of = ["anna", "ben"] }
"#;
    let module = dist().join("plugins/echo.wasm");
    world
        .plugin("firewall", firewall)
        .plugin("echo", "[operations.echo]\n")
        .plugin("whoami", "[operations.whoami]\n[commands.whoami]\nrun = [\"/usr/bin/whoami\"]\n")
        .module("of-games", &module, "[operations.echo]\nas = \"of-games\"\nallow = [{ user = \"games\" }]\n")
        .module(
            "of-group",
            &module,
            "[operations.echo]\nas = \"of-group\"\nallow = [{ group = \"games\" }, { uid = 0 }]\n",
        )
        .without_code("greet", without_code)
}

fn start(world: &World) -> Running<'_> {
    ["firewall", "echo", "whoami", "of-games", "of-group", "greet"]
        .into_iter()
        .fold(world.start(), |running, plugin| running.serving(plugin))
}

/// The names of a list, in its order.
#[track_caller]
fn names(list: &Value) -> Vec<&str> {
    let items = list["data"].as_array().unwrap_or_else(|| panic!("no list: {list}"));
    items.iter().map(|item| item["operation"].as_str().unwrap()).collect()
}

fn item<'a>(list: &'a Value, name: &str) -> &'a Value {
    let items = list["data"].as_array().unwrap();
    items.iter().find(|item| item["operation"] == name).unwrap_or_else(|| panic!("no {name} in {list}"))
}

/// What is in the list is known to who asked, and what is not in it is unknown.
fn is_true(list: &Value, mut ask: impl FnMut(Value) -> Value) {
    let listed = names(list);
    for name in ALL {
        let reply = ask(json!({"op": name, "data": 1, "dry_run": true}));
        assert_eq!(reply["code"] != "unknown-operation", listed.contains(&name), "{name}: {reply}");
    }
}

#[test]
fn a_list_is_exactly_what_this_socket_and_this_user_may_ask() {
    let world = world();
    let running = start(&world);
    let ask = |socket: &str, mut request: Value| {
        request["secret"] = SECRET.into();
        running.connect_to(socket).ask(&request)
    };
    for (socket, expected) in [
        ("web", &["close", "echo", "greet", "of-group", "open", "whoami"][..]),
        ("two", &["echo"]),
        ("box", &["echo", "greet", "open", "whoami"]),
    ] {
        let list = ask(socket, json!({"list": true}));
        assert_eq!(names(&list), expected, "root on {socket}");
        is_true(&list, |request| ask(socket, request));
    }
    for (socket, expected) in [
        ("web", &["echo", "greet", "of-games", "of-group", "open", "whoami"][..]),
        ("two", &["echo", "of-games"]),
        ("box", &["echo", "greet", "open", "whoami"]),
    ] {
        let mut games = Container::of("games", &world.socket_path(socket), Mounted::ReadOnly);
        let list = games.ask(SECRET, json!({"list": true}));
        assert_eq!(names(&list), expected, "games on {socket}");
        is_true(&list, |request| games.ask(SECRET, request));
    }
}

#[test]
fn nobody_is_told_anything_without_the_secret_or_by_a_list_that_is_none() {
    let world = world();
    let running = start(&world);
    let reply = running.connect().ask(&json!({"secret": "wrong", "list": true}));
    assert_eq!((error(&reply), code(&reply)), ("Permission denied", "denied"));
    let refused = |request, text| assert_eq!(error(&running.ask(request)), text);
    refused(json!({"list": false}), "Invalid message: operation not found");
    refused(json!({"list": "all"}), "Invalid message: wrong type of list");
    refused(json!({"list": true, "op": "echo"}), "Invalid message: list is not served");
    refused(json!({"list": true, "wait": 1}), "Invalid message: wait is not served");
}

#[test]
fn each_item_has_a_summary_a_schema_and_its_steps_and_nothing_of_who_else_may() {
    let world = world();
    let running = start(&world);
    let list = running.ask(json!({"list": true}));
    let keys: Vec<_> = item(&list, "open").as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["operation", "schema", "steps", "summary"]);
    assert_eq!(item(&list, "open")["summary"], "Let an address in", "the administrator's word over the plugin's");
    assert_eq!(item(&list, "close")["summary"], "Close a port to an address again", "the plugin's where it is alone");
    assert_eq!(item(&list, "open")["steps"], json!([{"step": "approval", "of": "ops", "count": 2}]));
    assert_eq!(item(&list, "close")["steps"], json!([]));
    assert_eq!(item(&list, "open")["schema"]["properties"]["ip"]["type"], "string", "{list}");
    assert!(!list.to_string().contains("games\"") && !list.to_string().contains("/usr/bin"), "{list}");
}

#[test]
fn an_operation_without_code_has_the_schema_of_its_slots() {
    let world = world();
    let running = start(&world);
    let list = running.ask(json!({"list": true}));
    let greet = item(&list, "greet");
    assert_eq!(greet["summary"], "Greet somebody");
    let schema = &greet["schema"];
    assert_eq!(schema["required"], json!(["times", "name"]), "{schema}");
    assert_eq!(
        (&schema["properties"]["times"]["minimum"], &schema["properties"]["times"]["maximum"]),
        (&json!(1), &json!(5))
    );
    assert_eq!(schema["properties"]["name"]["enum"], json!(["anna", "ben"]));
    assert_eq!(running.op("greet", json!({"times": 2, "name": "anna"}))["data"], "2 anna");
    assert_eq!(code(&running.op("greet", json!({"times": 6, "name": "anna"}))), "invalid-data");
}

#[test]
fn the_list_is_of_the_rules_as_they_are_now() {
    let world = world();
    let running = start(&world);
    let path = world.path("grants/echo.toml");
    fs::write(&path, "[operations.echo]\nallow = [{ user = \"games\" }]\n").unwrap();
    assert_eq!(running.regent(&["reload"]).status, 0);
    assert!(!names(&running.ask(json!({"list": true}))).contains(&"echo"));
    fs::write(&path, "[operations.echo]\nsummary = \"Say it again\"\n").unwrap();
    assert_eq!(running.regent(&["reload"]).status, 0);
    assert_eq!(item(&running.ask(json!({"list": true})), "echo")["summary"], "Say it again");
}

#[test]
fn the_command_line_lists_what_may_be_asked_with_an_example_that_works() {
    let world = world();
    let running = start(&world);
    let shown = running.regent(&["ops"]);
    assert_eq!(shown.status, 0, "{shown:?}");
    for part in ["open\n    Let an address in\n    needs ", "greet\n    Greet somebody\n", "of-group\n"] {
        assert!(shown.stdout.contains(part), "{part:?} is not in\n{}", shown.stdout);
    }
    assert!(!shown.stdout.contains("of-games"), "{}", shown.stdout);
    let games = running.regent_as("games", &["ops"]);
    assert!(games.stdout.contains("of-games\n") && !games.stdout.contains("close"), "{}", games.stdout);
    let listed: Value = serde_json::from_str(&running.regent(&["ops", "--json"]).stdout).unwrap();
    assert_eq!(listed, running.ask(json!({"list": true}))["data"]);
    // As it stands there, typed.
    let example = shown.stdout.lines().find(|line| line.trim().starts_with("regent call greet")).unwrap();
    let words: Vec<_> = example.split_whitespace().skip(1).collect();
    let called = running.regent(&words);
    assert_eq!(called.status, 0, "{example}: {called:?}");
}

#[test]
fn the_help_of_an_operation_says_what_it_takes_to_who_may_ask_it() {
    let world = world();
    let running = start(&world);
    let help = running.regent(&["call", "greet", "--help"]);
    assert_eq!(help.status, 0, "{help:?}");
    for part in ["greet: Greet somebody", "times", "name", "required", "anna", "Example:\n  regent call greet "] {
        assert!(help.stdout.contains(part), "{part:?} is not in\n{}", help.stdout);
    }
    let held = running.regent(&["call", "open", "--help"]);
    assert!(held.stdout.contains("Needs, before it runs:") && held.stdout.contains("ops"), "{}", held.stdout);
    for unknown in ["of-games", "nonsense"] {
        let help = running.regent(&["call", unknown, "--help"]);
        assert_eq!((help.status, help.stdout.as_str()), (77, ""), "{help:?}");
        assert!(help.stderr.contains(&format!("there is no {unknown} that you may ask for")), "{help:?}");
    }
    assert_eq!(running.regent_as("games", &["call", "of-games", "--help"]).status, 0);
}
