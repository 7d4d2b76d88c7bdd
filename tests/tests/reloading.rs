//! `regent reload`: regent.toml whole or not at all, every mistake in the answer, and nobody's connection lost by it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]

use std::fs;
use std::os::unix::net::UnixStream;

use regent_tests::{Cli, Running, SECRET, World, eventually, needs_root};
use serde_json::{Value, json};

/// EX_CONFIG.
const MISTAKES: i32 = 78;
const NEW_SECRET: &str = "another secret of sixteen bytes and more";

fn world() -> World {
    needs_root();
    World::new().plugin("echo", "[operations.echo]\n")
}

/// Changes regent.toml by this.
fn edit(world: &World, from: &str, to: &str) {
    let path = world.path("regent.toml");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from:?} is not in\n{text}");
    world.put("regent.toml", text.replacen(from, to, 1));
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
}

/// A further socket, as text.
fn socket(world: &World, name: &str) -> String {
    format!(
        "[[sockets]]\nname = \"{name}\"\npath = \"{}\"\nmode = \"0666\"\nsecret = \"{SECRET}\"\noperations = [\"*\"]\n\n[admin]\n",
        world.socket_path(name).display()
    )
}

#[track_caller]
fn reloaded(running: &Running<'_>) -> Cli {
    let reload = running.regent(&["reload"]);
    assert_eq!((reload.status, reload.stderr.as_str()), (0, ""), "{reload:?}");
    reload
}

fn echo(secret: &str) -> Value {
    json!({"secret": secret, "op": "echo", "data": 1})
}

#[test]
fn a_new_socket_listens_and_a_removed_one_closes() {
    let world = world();
    let running = world.start().serving("echo");
    edit(&world, "[admin]\n", &socket(&world, "second"));
    let said = reloaded(&running).stdout;
    let path = world.socket_path("second");
    assert!(said.contains(&format!("socket second: listens at {}", path.display())), "{said}");
    let mut second = running.connect_to("second");
    assert_eq!(second.ask(&echo(SECRET))["data"], 1);
    let mut first = running.connect();
    assert_eq!(first.ask(&echo(SECRET))["data"], 1);
    edit(&world, &socket(&world, "second"), "[admin]\n");
    let said = reloaded(&running).stdout;
    assert!(said.contains("socket second: is closed"), "{said}");
    assert!(UnixStream::connect(&path).is_err(), "nobody listens");
    second.send(format!("{}\n", echo(SECRET)).as_bytes());
    assert_eq!(second.line(), None, "who was connected by it is not any more");
    assert_eq!(first.ask(&echo(SECRET))["data"], 1, "who is connected by another stays");
    assert!(reloaded(&running).stdout.contains("nothing has changed"));
}

#[test]
fn what_a_socket_shows_changes_for_a_connection_that_is_kept() {
    let world = world();
    let running = world.start().serving("echo");
    let mut kept = running.connect();
    assert_eq!(kept.ask(&echo(SECRET))["data"], 1);
    edit(&world, "operations = [\"*\"]", "operations = [\"other\"]");
    let said = reloaded(&running).stdout;
    assert!(said.contains("socket web: other operations"), "{said}");
    assert_eq!(kept.ask(&echo(SECRET))["error"], "Unknown operation");
    edit(&world, "operations = [\"other\"]", "operations = [\"echo\"]");
    reloaded(&running);
    assert_eq!(kept.ask(&echo(SECRET))["data"], 1);
}

#[test]
fn another_secret_counts_at_once_and_the_former_no_more() {
    let world = world();
    let running = world.start().serving("echo");
    let mut kept = running.connect();
    assert_eq!(kept.ask(&echo(SECRET))["data"], 1);
    edit(&world, SECRET, NEW_SECRET);
    let said = reloaded(&running).stdout;
    assert!(said.contains("socket web: other secrets") && !said.contains(NEW_SECRET), "{said}");
    assert_eq!(running.connect().ask(&echo(SECRET))["error"], "Permission denied");
    assert_eq!(kept.ask(&echo(SECRET))["error"], "Permission denied");
    assert_eq!(running.connect().ask(&echo(NEW_SECRET))["data"], 1);
    assert!(!running.log().contains(NEW_SECRET) && !running.log().contains(SECRET));
}

#[test]
fn who_may_approve_changes_for_what_is_already_held() {
    let held = "sha256 = \"PIN\"\n[operations.echo]\nrequire = [{ step = \"approval\", of = \"ops\" }]\n";
    let world = world().grants("echo", held);
    let running = world.start().serving("echo");
    assert_eq!(running.op("echo", json!(1))["state"], "held");
    let id = running.only_pending();
    edit(&world, "ops = [\"anna\", \"ben\", \"carl\"]", "ops = [\"ben\"]");
    let said = reloaded(&running).stdout;
    assert!(said.contains("[teams] have changed"), "{said}");
    assert_ne!(running.regent_as("games", &["approve", &id]).status, 0, "anna is no longer of the team");
    assert_eq!(running.regent_as("mail", &["approve", &id]).status, 0, "ben is");
}

#[test]
fn a_person_who_is_made_an_administrator_may_reload_and_others_may_not() {
    let world = world();
    let running = world.start().serving("echo");
    for who in ["games", "daemon"] {
        let refused = running.regent_as(who, &["reload"]);
        assert_eq!(refused.status, 77, "{refused:?}");
        assert!(refused.stderr.contains("admin"), "{refused:?}");
    }
    assert!(!running.log().contains("reloaded: "));
    edit(&world, "user = \"games\"", "user = \"games\"\nadmin = true");
    assert!(reloaded(&running).stdout.contains("[people] have changed"));
    assert_eq!(running.regent_as("games", &["reload"]).status, 0);
    assert_eq!(running.regent_as("mail", &["reload"]).status, 77);
}

#[test]
fn with_a_mistake_nothing_of_regent_toml_changes_and_every_mistake_is_told() {
    let world = world();
    let running = world.start().serving("echo");
    edit(&world, "[admin]\n", &socket(&world, "second"));
    edit(&world, "user = \"mail\"", "user = \"mail\"\nnonsense = 1");
    edit(&world, "operations = [\"*\"]", "operatons = [\"*\"]");
    world.put("grants/echo.toml", "[operations.echo]\ndeadlin = \"4s\"\n");
    let reload = running.regent(&["reload"]);
    assert_eq!(reload.status, MISTAKES, "{reload:?}");
    for part in ["nonsense", "operatons", "echo.toml:2: ", "did you mean deadline", "regent.toml was not taken"] {
        assert!(reload.stderr.contains(part), "{part:?} is not in\n{}", reload.stderr);
    }
    assert!(!world.socket_path("second").exists());
    assert_eq!(running.connect().ask(&echo(SECRET))["data"], 1, "what was served goes on, by the secret that was");
    let json = running.regent(&["reload", "--json"]);
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!((&json["applied"], &json["changed"]), (&json!(false), &json!([])), "{json}");
    // It is on nobody's mind any more when somebody looks at the daemon.
    let not_taken = || running.regent(&["status"]).stdout.contains("regent.toml was not taken when it was read last: ");
    assert!(not_taken());
    edit(&world, "nonsense = 1", "");
    edit(&world, "operatons", "operations");
    world.put("grants/echo.toml", "[operations.echo]\n");
    reloaded(&running);
    assert!(!not_taken());
}

#[test]
fn a_mistake_in_one_grants_file_holds_back_neither_regent_toml_nor_the_other_files() {
    let world = world();
    let running = world.start().serving("echo");
    edit(&world, "[admin]\n", &socket(&world, "second"));
    world.put("grants/bad.toml", "[operations.echo]\nnonsense = 1\n");
    world.put("grants/echo.toml", "[operations.echo]\nas = \"ping\"\n");
    let reload = running.regent(&["reload"]);
    assert_eq!(reload.status, MISTAKES, "{reload:?}");
    assert!(
        reload.stdout.contains("socket second: listens at") && reload.stderr.contains("bad.toml:2: "),
        "{reload:?}"
    );
    assert!(!reload.stderr.contains("was not taken"), "{reload:?}");
    let request = json!({"secret": SECRET, "op": "ping", "data": 1});
    assert_eq!(running.connect_to("second").ask(&request)["data"], 1, "and it is served when the answer is there");
}

#[test]
fn a_reload_answers_with_what_it_came_to_even_where_the_daemon_looked_by_itself_before() {
    let world = world();
    let running = world.start().serving("echo");
    world.put("grants/bad.toml", "[operations.other]\nnonsense = 1\n");
    running.wait_log("bad.toml:2: ");
    for _ in 0..2 {
        let reload = running.regent(&["reload"]);
        assert!(reload.status == MISTAKES && reload.stderr.contains("bad.toml:2: "), "{reload:?}");
    }
    world.take_away("grants/bad.toml");
    reloaded(&running);
}

#[test]
fn what_needs_a_restart_is_said_and_nothing_else_of_the_file_changes_either() {
    let world = world();
    let running = world.start().serving("echo");
    edit(&world, "[admin]\n", &socket(&world, "second"));
    let state = world.path("state").display().to_string();
    edit(&world, &state, &format!("{state}-other"));
    edit(&world, "audit.jsonl", "another.jsonl");
    edit(&world, "[admin]\n", "[sandbox]\nrecycle_after = 9\n[admin]\n");
    let reload = running.regent(&["reload"]);
    assert_eq!(reload.status, MISTAKES, "{reload:?}");
    for key in ["state", "audit", "[sandbox]"] {
        let key = format!("{key} has changed: restart needed");
        assert!(reload.stderr.contains(&key), "{reload:?}");
    }
    assert!(!world.socket_path("second").exists() && !world.path("state-other").exists());
    drop(running);
    let running = world.start_as_is(&[]).serving("echo");
    assert_eq!(running.connect_to("second").ask(&echo(SECRET))["data"], 1);
    assert!(world.path("state-other").exists());
}

#[test]
fn a_hangup_reloads_as_the_command_does() {
    let world = world();
    let running = world.start().serving("echo");
    edit(&world, "[admin]\n", &socket(&world, "second"));
    running.signal(rustix::process::Signal::HUP);
    running.wait_log("reloaded: ");
    assert_eq!(running.connect_to("second").ask(&echo(SECRET))["data"], 1);
    edit(&world, "user = \"mail\"", "user = \"mail\"\nnonsense = 1");
    running.signal(rustix::process::Signal::HUP);
    running.wait_log("not reloaded: ");
    assert_eq!(running.connect_to("second").ask(&echo(SECRET))["data"], 1);
}

#[test]
fn other_folders_are_looked_into_and_the_former_no_more() {
    let world = world();
    let running = world.start().serving("echo");
    fs::create_dir(world.path("grants-new")).unwrap();
    world.put("grants-new/echo.toml", "[operations.echo]\nas = \"ping\"\n");
    let grants = format!("grants = \"{}\"", world.path("grants").display());
    edit(&world, &grants, &grants.replace("/grants\"", "/grants-new\""));
    let said = reloaded(&running).stdout;
    assert!(said.contains("grants: another folder") && said.contains("plugin echo serves ping"), "{said}");
    assert_eq!(running.op("echo", json!(1))["error"], "Unknown operation");
    assert_eq!(running.op("ping", json!(1))["data"], 1);
    world.put("grants/echo.toml", "[operations.echo]\nas = \"pong\"\n");
    world.put("grants-new/echo.toml", "[operations.echo]\nas = \"peng\"\n");
    eventually("the new folder is followed", || (running.op("peng", json!(1))["data"] == 1).then_some(()));
    assert_eq!(running.op("pong", json!(1))["error"], "Unknown operation");
}
