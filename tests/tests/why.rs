//! `regent why REF`: what the caller was not told, told to an administrator: who, from where, with what, by which rule,
//! and the lines that would allow it. That these lines are right is shown by writing them: the same request then
//! passes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use regent_tests::{Cli, Running, SECRET, World, code, dist, error, needs_root};
use serde_json::{Value, json};

const FIREWALL: &str = r#"sha256 = "PIN"
[settings]
ports = [22]
[operations.open]
[commands.open-port]
run = ["/usr/bin/true", "{ip}", "{port}"]
params.ip = { type = "ipv4", scope = "public" }
params.port = { type = "integer", min = 22, max = 22 }
[commands.list-ports]
run = ["/usr/bin/true"]
"#;

fn world() -> World {
    needs_root();
    let module = dist().join("plugins/echo.wasm");
    World::new()
        .socket("narrow", "operations = [\"echo\"]")
        .socket("box", "trust_peer_uid = false\noperations = [\"*\"]")
        .plugin("echo", "[operations.echo]\n")
        .plugin("firewall", FIREWALL)
        .module("for-games", &module, "[operations.echo]\nas = \"for-games\"\nallow = [{ user = \"games\" }]\n")
}

fn start(world: &World) -> Running<'_> {
    world.start().serving("echo").serving("firewall").serving("for-games")
}

fn ask(running: &Running<'_>, socket: &str, request: &Value) -> Value {
    let mut request = request.clone();
    request["secret"] = SECRET.into();
    running.connect_to(socket).ask(&request)
}

/// What root is told of a refusal.
#[track_caller]
fn why(running: &Running<'_>, reply: &Value) -> Value {
    let reference = reply["ref"].as_str().unwrap_or_else(|| panic!("not refused: {reply}"));
    let told = running.regent(&["why", reference, "--json"]);
    assert_eq!(told.status, 0, "{told:?}");
    serde_json::from_str(&told.stdout).unwrap()
}

/// Which line of which file decided.
#[track_caller]
fn rule(why: &Value) -> String {
    let rule = &why["rule"];
    let file = rule["file"].as_str().unwrap_or_else(|| panic!("no rule: {why}"));
    let line = usize::try_from(rule["line"].as_u64().unwrap_or_else(|| panic!("no line: {why}"))).unwrap();
    fs::read_to_string(file).unwrap().lines().nth(line - 1).unwrap().to_owned()
}

/// Writes what `regent why` says is to be written: instead of the line of the rule where that is in the same file, else
/// at its end. What is the administrator's to say stands in it as `placeholder`.
fn write(why: &Value, placeholder: &str, says: &str) {
    let allow = &why["allow"];
    let file = allow["file"].as_str().unwrap_or_else(|| panic!("nothing would allow it: {why}"));
    let lines: Vec<_> = allow["lines"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    let lines = lines.join("\n").replace(placeholder, says) + "\n";
    let before = fs::read_to_string(file).unwrap_or_default();
    // A table stands for itself: what it is missing from stays.
    let here = why["rule"]["line"].as_u64().filter(|_| why["rule"]["file"] == file && !lines.starts_with('['));
    let after = match here {
        Some(here) => {
            let line = |(number, line)| if number + 1 == here { lines.clone() } else { format!("{line}\n") };
            (0_u64..).zip(before.lines()).map(line).collect()
        }
        None => before + &lines,
    };
    fs::write(file, after).unwrap();
}

#[track_caller]
fn reload(running: &Running<'_>) {
    let reloaded = running.regent(&["reload"]);
    assert_eq!(reloaded.status, 0, "{reloaded:?}");
}

#[test]
fn an_operation_that_is_not_there_and_the_file_that_would_grant_it() {
    let world = world();
    fs::copy(dist().join("plugins/commands.wasm"), world.path("plugins/commands.wasm")).unwrap();
    let running = start(&world);
    let request = json!({"op": "restart", "data": {"what": "nginx"}});
    let reply = ask(&running, "web", &request);
    assert_eq!(code(&reply), "unknown-operation");
    let why = why(&running, &reply);
    assert_eq!(
        (&why["requester"], &why["from"]["socket"], &why["from"]["uid"]),
        (&json!("root"), &json!("web"), &json!(0))
    );
    assert_eq!((&why["operation"], &why["data"]), (&json!("restart"), &json!("{\"what\":\"nginx\"}")));
    assert_eq!(why["why"], "no grants file serves an operation restart");
    assert!(why["rule"]["rule"].as_str().unwrap().contains("there is echo, for-games, open"), "{why}");
    assert_eq!(why["allow"]["file"], world.path("grants/restart.toml").to_str().unwrap());
    write(&why, "/path/to/program", "/usr/bin/true");
    reload(&running);
    let request = json!({"op": "restart", "data": {}});
    assert_eq!(ask(&running, "web", &request)["success"], true);
}

#[test]
fn an_operation_whose_file_has_a_mistake_is_told_with_that_and_not_with_another_file() {
    let world = world();
    let running = start(&world);
    let file = world.path("grants/restart.toml");
    fs::write(&file, "[operations.restart]\nalow = [{ user = \"root\" }]\nrun = [\"/usr/bin/true\"]\n").unwrap();
    running.wait_plugin("restart", "not-serving");
    let told = why(&running, &ask(&running, "web", &json!({"op": "restart", "data": {}})));
    let has = format!("{} has [operations.restart], but is not served: ", file.display());
    let said = told["why"].as_str().unwrap();
    assert!(
        said.starts_with(&has) && said.contains("restart.toml:2: ") && said.contains("did you mean allow?"),
        "{told}"
    );
    assert_eq!((rule(&told).as_str(), &told["allow"]), ("[operations.restart]", &Value::Null));
    let other = why(&running, &ask(&running, "web", &json!({"op": "other", "data": {}})));
    assert_eq!(other["why"], "no grants file serves an operation other", "what no file has is told as before");
    assert!(other["allow"]["file"].as_str().unwrap().ends_with("/other.toml"), "{other}");
}

#[test]
fn an_operation_that_callers_know_by_another_name_is_told_with_that_and_no_line_is_advised() {
    needs_root();
    let world = World::new().plugin("echo", "[operations.echo]\nas = \"say\"\n");
    let running = world.start().serving("echo");
    let told = why(&running, &ask(&running, "web", &json!({"op": "echo", "data": 1})));
    assert_eq!(told["rule"]["rule"], "[operations.echo] has as = \"say\": callers call it say", "{told}");
    assert_eq!(told["allow"], Value::Null);
}

#[test]
fn where_a_file_cannot_be_read_no_other_is_advised() {
    let world = world();
    let running = start(&world);
    let file = world.path("grants/restart.toml");
    fs::write(&file, "[operations.restart]\nrun = [\"/usr/bin/true\"]\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    running.wait_log("may not open it");
    let told = why(&running, &ask(&running, "web", &json!({"op": "restart", "data": {}})));
    let said = told["why"].as_str().unwrap();
    assert!(said.contains("cannot be read, and one of them may: ") && said.contains("chmod o+r"), "{told}");
    assert_eq!(told["allow"], Value::Null);
}

#[test]
fn an_operation_whose_file_needs_a_restart_is_told_so() {
    let world = world()
        .plugin("whoami", "[operations.whoami]\n[commands.whoami]\nrun = [\"/usr/bin/whoami\"]\ncapabilities = []\n");
    let running = start(&world);
    let file = world.path("grants/gains.toml");
    fs::write(&file, "[operations.gains]\nrun = [\"/usr/bin/true\"]\nsetuid = true\n").unwrap();
    running.wait_log("restart needed");
    let told = why(&running, &ask(&running, "web", &json!({"op": "gains", "data": {}})));
    let said = told["why"].as_str().unwrap();
    assert!(said.contains("has [operations.gains], but is not served: ") && said.contains("restart needed"), "{told}");
}

#[test]
fn an_operation_that_was_written_into_a_file_which_serves_on_as_before_is_told_with_its_mistake() {
    let world = world();
    let running = start(&world);
    let file = world.path("grants/firewall.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{text}[operations.close]\nas = \"shown\"\nalow = 1\n")).unwrap();
    running.wait_log("has no key \"alow\"");
    let told = why(&running, &ask(&running, "web", &json!({"op": "shown", "data": {}})));
    let said = told["why"].as_str().unwrap();
    assert!(
        said.contains("has [operations.close], but what it says now is not served: ")
            && said.contains("did you mean allow?"),
        "{told}"
    );
    assert_eq!(rule(&told), "[operations.close]");
}

#[test]
fn an_operation_that_a_module_has_and_its_grants_do_not_name_is_told_with_the_file_that_would() {
    let world = world();
    let running = start(&world);
    let request = json!({"op": "close", "data": {"ip": "8.8.8.8", "port": 22}});
    let told = why(&running, &ask(&running, "web", &request));
    assert_eq!(told["why"], "no grants file serves an operation close");
    assert_eq!(told["rule"]["rule"], "the module firewall has it: write [operations.close] into firewall.toml");
    assert_eq!(told["allow"]["file"], world.path("grants/firewall.toml").to_str().unwrap());
    assert_eq!(told["allow"]["lines"], json!(["[operations.close]"]));
}

#[test]
fn a_misspelt_operation_is_told_with_the_line_of_the_nearest() {
    let world = world();
    let running = start(&world);
    let reply = ask(&running, "web", &json!({"op": "opne", "data": {}}));
    let why = why(&running, &reply);
    assert_eq!(rule(&why), "[operations.open]");
    assert!(why["rule"]["rule"].as_str().unwrap().ends_with("open, which is here, is the nearest"), "{why}");
}

#[test]
fn an_operation_that_the_socket_does_not_show_and_the_view_that_would() {
    let world = world();
    let running = start(&world);
    let request = json!({"op": "open", "data": {"ip": "8.8.8.8", "port": 22}});
    let reply = ask(&running, "narrow", &request);
    assert_eq!(code(&reply), "unknown-operation");
    let why = why(&running, &reply);
    assert_eq!((&why["why"], &why["from"]["socket"]), (&json!("socket narrow does not show it"), &json!("narrow")));
    assert_eq!(rule(&why), "operations = [\"echo\"]");
    write(&why, "", "");
    reload(&running);
    assert_eq!(ask(&running, "narrow", &request)["success"], true);
    assert_eq!(ask(&running, "narrow", &json!({"op": "echo", "data": 1}))["data"], 1, "what it showed it shows");
}

#[test]
fn a_user_whom_allow_does_not_name_and_the_rule_that_would() {
    let world = world();
    let running = start(&world);
    let call = || running.regent_as("mail", &["call", "for-games"]);
    let reference = |out: &Cli| {
        let found = out.stderr.split("ref ").nth(1).unwrap_or_else(|| panic!("no reference: {out:?}"));
        json!({"ref": found.chars().take(8).collect::<String>()})
    };
    let refused = call();
    assert_eq!(refused.status, 77, "{refused:?}");
    let why = why(&running, &reference(&refused));
    assert_eq!(why["requester"], "mail");
    assert_eq!(why["why"], "no rule of allow of operation for-games names mail or one of its groups");
    assert_eq!(rule(&why), "allow = [{ user = \"games\" }]");
    write(&why, "", "");
    reload(&running);
    assert_eq!(call().status, 0);
    assert_eq!(running.regent_as("games", &["call", "for-games"]).status, 0, "whom it named it names");
    assert_eq!(running.regent_as("news", &["call", "for-games"]).status, 77, "and nobody else");
}

#[test]
fn a_peer_without_a_name_and_the_file_for_its_socket() {
    let world = world();
    let running = start(&world);
    let reply = ask(&running, "box", &json!({"op": "for-games", "data": 1}));
    assert_eq!(code(&reply), "unknown-operation");
    let why = why(&running, &reply);
    assert_eq!((&why["requester"], &why["from"]["uid"]), (&json!("socket:box"), &json!(0)));
    assert!(why["why"].as_str().unwrap().contains("they match nobody where peers' uids are not trusted"), "{why}");
    assert!(why["rule"]["rule"].as_str().unwrap().starts_with("trust_peer_uid = false"), "{why}");
    assert_eq!(rule(&why), "[[sockets]]");
    write(&why, "", "");
    reload(&running);
    // By another name, for what `allow` protects is to stay protected.
    assert_eq!(ask(&running, "box", &json!({"op": "for-games-box", "data": 1}))["data"], 1, "{why}");
    assert_eq!(code(&ask(&running, "box", &json!({"op": "for-games", "data": 1}))), "unknown-operation");
}

#[test]
fn an_operation_that_two_files_serve_is_named_with_both() {
    let world = world().module("second", &dist().join("plugins/echo.wasm"), "[operations.echo]\n");
    let running = world.start().serving("firewall");
    let reply = ask(&running, "web", &json!({"op": "echo", "data": 1}));
    assert_eq!(code(&reply), "unknown-operation");
    let why = why(&running, &reply);
    assert_eq!(why["why"], "echo.toml, second.toml all serve it, so none does");
    assert_eq!(rule(&why), "[operations.echo]");
    let second = format!("{}:1", world.path("grants/second.toml").display());
    assert!(why["rule"]["rule"].as_str().unwrap().contains(&second), "{why}");
    assert_eq!(why["allow"], Value::Null);
}

#[test]
fn a_wrong_secret_is_told_with_its_peer_and_without_what_it_asked() {
    let world = world();
    let running = start(&world);
    let reply = running.connect().ask(&json!({"secret": "not the one of this socket", "op": "echo", "data": "mine"}));
    assert_eq!(code(&reply), "denied");
    let why = why(&running, &reply);
    assert_eq!(
        (&why["requester"], &why["from"]["socket"], &why["code"]),
        (&json!("root"), &json!("web"), &json!("denied"))
    );
    assert_eq!((&why["operation"], &why["data"], &why["allow"]), (&Value::Null, &Value::Null, &Value::Null));
    assert!(why["why"].as_str().unwrap().contains("secret"), "{why}");
    assert!(!why.to_string().contains("not the one of this socket"), "what was tried may be another socket's secret");
}

#[test]
fn a_value_that_a_slot_does_not_take_and_the_slot_that_would() {
    let world = world();
    let running = start(&world);
    let request = json!({"op": "open", "data": {"ip": "8.8.8.8", "port": 22}});
    let firewall = world.path("grants/firewall.toml");
    let text = fs::read_to_string(&firewall).unwrap();
    fs::write(&firewall, text.replace("min = 22, max = 22", "min = 23, max = 25")).unwrap();
    reload(&running);
    let reply = ask(&running, "web", &request);
    assert_eq!(code(&reply), "invalid-data");
    let why = why(&running, &reply);
    assert_eq!(rule(&why), "params.port = { type = \"integer\", min = 23, max = 25 }");
    write(&why, "", "");
    reload(&running);
    assert_eq!(ask(&running, "web", &request)["success"], true, "{why}");
}

#[test]
fn a_command_that_is_not_granted_and_the_table_that_would() {
    let world = world();
    let running = start(&world);
    let request = json!({"op": "open", "data": {"ip": "8.8.8.8", "port": 22}});
    let firewall = world.path("grants/firewall.toml");
    let text = fs::read_to_string(&firewall).unwrap();
    fs::write(&firewall, text.replace("[commands.list-ports]\nrun = [\"/usr/bin/true\"]\n", "")).unwrap();
    reload(&running);
    let reply = ask(&running, "web", &request);
    assert_eq!(error(&reply), "Operation failed");
    let why = why(&running, &reply);
    assert_eq!(why["rule"]["rule"], "there is no [commands.list-ports]");
    assert_eq!(rule(&why), "[operations.open]", "which plans it");
    assert!(why["rule"]["file"].as_str().unwrap().ends_with("/firewall.toml"), "{why}");
    write(&why, "/path/to/program", "/usr/bin/true");
    reload(&running);
    assert_eq!(ask(&running, "web", &request)["success"], true, "{why}");
}

#[test]
fn a_plugin_that_does_not_serve_is_named_with_where_to_look() {
    let world = world().grants("for-games", "sha256 = \"0000000000000000000000000000000000000000000000000000000000000000\"\n[operations.echo]\nas = \"for-games\"\n");
    let running = world.start().serving("echo");
    running.wait_log("plugin for-games");
    let reply = ask(&running, "web", &json!({"op": "for-games", "data": 1}));
    assert_eq!((error(&reply), code(&reply)), ("Operation failed", "busy"));
    let why = why(&running, &reply);
    assert_eq!(why["why"], "plugin for-games does not serve: regent plugin list for-games says why");
    let list = running.regent(&["plugin", "list", "for-games"]);
    assert!(
        list.stdout.contains("not serving") && list.stdout.contains("is not the module that for-games.toml pins"),
        "{list:?}"
    );
}

#[test]
fn a_place_that_is_used_up_is_told_with_how_many_there_are() {
    let world = world();
    let held =
        FIREWALL.replace("[operations.open]", "[operations.open]\nrequire = [{ step = \"approval\", of = \"ops\" }]");
    let world = world.grants("firewall", &held);
    let running = start(&world);
    let request = json!({"op": "open", "data": {"ip": "8.8.8.8", "port": 22}});
    for _ in 0..regentd::held::LIVE.each {
        assert_eq!(ask(&running, "web", &request)["state"], "held");
    }
    let reply = ask(&running, "web", &request);
    assert_eq!(code(&reply), "rate");
    let told = why(&running, &reply);
    assert!(told["why"].as_str().unwrap().contains(&regentd::held::LIVE.each.to_string()), "{told}");
    // Nor is a connection too many a riddle.
    let _crowd: Vec<_> = (0..regentd::listen::CONNECTIONS.each).map(|_| running.connect_to("narrow")).collect();
    let reply = running.connect_to("narrow").reply();
    assert_eq!(code(&reply), "rate");
    let told = why(&running, &reply);
    assert_eq!((&told["requester"], &told["from"]["socket"]), (&json!("root"), &json!("narrow")));
    assert!(told["why"].as_str().unwrap().contains(&regentd::listen::CONNECTIONS.each.to_string()), "{told}");
}

#[test]
fn people_read_it_and_nothing_that_a_stranger_wrote_moves_their_terminal() {
    let world = world();
    let running = start(&world);
    let reply = ask(&running, "web", &json!({"op": "\u{1b}[2Jgone", "data": "\u{1b}]0;title\u{7}"}));
    let told = running.regent(&["why", reply["ref"].as_str().unwrap()]);
    assert_eq!(told.status, 0, "{told:?}");
    assert!(!told.stdout.contains(['\u{1b}', '\u{7}']), "{:?}", told.stdout);
    for part in ["asked by    root", "heard       Unknown operation (unknown-operation)", "rule        "] {
        assert!(told.stdout.contains(part), "{part:?} is not in\n{}", told.stdout);
    }
}

#[test]
fn a_name_of_several_lines_is_told_as_one_and_no_lines_are_offered_that_no_file_takes() {
    let world = world();
    let running = start(&world);
    let name = "x\n\nto allow it, write into /etc/regent/plugins/x.toml:\n    [operations.x]";
    let reply = ask(&running, "web", &json!({"op": name}));
    let told = running.regent(&["why", reply["ref"].as_str().unwrap()]);
    assert!(!told.stdout.lines().any(|line| line.trim_start().starts_with("to allow it")), "{}", told.stdout);
    for name in ["-rf", "a.b", &"a".repeat(65)] {
        let reply = ask(&running, "web", &json!({"op": name}));
        assert_eq!(why(&running, &reply)["allow"], Value::Null, "{name}");
    }
}

#[test]
fn the_name_of_what_is_not_there_is_neither_kept_nor_written_down_at_any_length() {
    let world = world();
    let running = start(&world);
    let size = || running.log().len() + fs::read(world.path("log/audit.jsonl")).unwrap().len();
    let before = size();
    let reply = ask(&running, "web", &json!({"op": "\u{e9}".repeat(30_000)}));
    assert_eq!(code(&reply), "unknown-operation");
    assert!(size() - before < 20_000, "{} bytes", size() - before);
    let told = running.regent(&["why", reply["ref"].as_str().unwrap(), "--json"]);
    assert!(told.status == 0 && told.stdout.len() < 20_000, "{} bytes", told.stdout.len());
}

#[test]
fn what_is_not_known_is_said_and_only_administrators_are_told() {
    let world = world();
    let running = start(&world);
    for unknown in ["aaaaaaaa", "x", "../../etc/passwd"] {
        let told = running.regent(&["why", unknown]);
        assert_eq!((told.status, told.stdout.as_str()), (1, ""), "{told:?}");
    }
    let reply = ask(&running, "web", &json!({"op": "nonsense"}));
    let reference = reply["ref"].as_str().unwrap();
    assert_eq!(running.regent(&["why", reference]).status, 0);
    // games may approve and is no administrator; mail was not even the one who asked.
    for name in ["games", "mail", "daemon"] {
        let told = running.regent_as(name, &["why", reference]);
        assert_eq!((told.status, told.stdout.as_str()), (77, ""), "{told:?}");
        assert!(told.stderr.contains("only root and persons with admin = true may ask this"), "{told:?}");
    }
}

#[test]
fn a_person_with_admin_is_told() {
    needs_root();
    let world =
        World::new().people("[people.anna]\nuser = \"games\"\nadmin = true\n").plugin("echo", "[operations.echo]\n");
    let running = world.start().serving("echo");
    let reply = ask(&running, "web", &json!({"op": "nonsense"}));
    let told = running.regent_as("games", &["why", reply["ref"].as_str().unwrap()]);
    assert!(told.status == 0 && told.stdout.contains("no grants file serves"), "{told:?}");
}

#[test]
fn after_a_restart_the_audit_log_still_answers() {
    let world = world();
    let running = start(&world);
    let reply = ask(&running, "narrow", &json!({"op": "open", "data": 1}));
    assert_eq!(why(&running, &reply)["code"], "unknown-operation");
    assert!(running.end().success());
    let running = start(&world);
    let told = why(&running, &reply);
    assert_eq!(
        (&told["requester"], &told["from"]["socket"], &told["operation"]),
        (&json!("root"), &json!("narrow"), &json!("open"))
    );
    assert_eq!((&told["said"], &told["why"]), (&json!("Unknown operation"), &json!("socket narrow does not show it")));
    assert_eq!(told["code"], Value::Null, "it knows less");
}

#[test]
fn seventy_refusals_of_one_peer_push_out_its_own_and_nobody_elses() {
    let world = world();
    let running = start(&world);
    let roots = ask(&running, "web", &json!({"op": "nonsense", "data": "of root"}));
    let mut wire = running.connect_to("narrow");
    let line = json!({"secret": SECRET, "op": "nonsense", "data": 1});
    let others: Vec<Value> = (0..70).map(|_| wire.ask(&line)).collect();
    assert_eq!(why(&running, &roots)["data"], "\"of root\"", "in memory");
    let in_memory: Vec<bool> = others.iter().map(|reply| why(&running, reply)["data"] == "1").collect();
    assert_eq!(in_memory.iter().filter(|known| **known).count(), 64);
    assert!(in_memory[..6].iter().all(|known| !known), "the oldest went, and the log still knows of them");
}
