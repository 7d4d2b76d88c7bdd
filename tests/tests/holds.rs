//! Held operations: who may see, approve, deny, read and give up, what runs, and what makes a consent void.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]

use std::fs;

use regent_tests::{Running, SECRET, World, code, error, eventually, needs_root, user};
use serde_json::{Value, json};

/// `open` makes folders instead of changing a firewall, so that a run can be seen; the last step's `mkdir` fails if the
/// operation ran before, so that a second run is a failure.
fn grants(world: &World, extra: &str) -> String {
    let ran = world.path("ran").display().to_string();
    format!(
        r#"
sha256 = "PIN"
[settings]
ports = [22]
[operations.open]
require = [{{ step = "approval", of = "ops" }}]
{extra}
[commands.open-port]
run = ["/usr/bin/mkdir", "-p", "{ran}/{{ip}}-{{port}}"]
params.ip = {{ type = "ipv4", scope = "public" }}
params.port = {{ type = "integer", one_of = "settings.ports" }}
[commands.list-ports]
run = ["/usr/bin/mkdir", "{ran}/done"]
"#
    )
}

fn world_with(extra: &str) -> World {
    needs_root();
    let world = World::new();
    let text = grants(&world, extra);
    world.plugin("firewall", &text)
}

fn world() -> World {
    world_with("")
}

fn open(running: &Running<'_>) -> Value {
    running.op("open", json!({"ip": "8.8.8.8", "port": 22}))
}

fn uid(reply: &Value) -> String {
    reply["uid"].as_str().unwrap_or_else(|| panic!("not held: {reply}")).to_owned()
}

fn read(running: &Running<'_>, uid: &str) -> Value {
    running.ask(json!({"uid": uid, "data": null}))
}

/// Does nothing, until it is dropped.
struct Stopped(rustix::process::Pid);

impl Stopped {
    fn spawner(running: &Running<'_>) -> Self {
        let spawner = regent_tests::proc::named(running.pid(), "regent-spawner")[0];
        let spawner = rustix::process::Pid::from_raw(i32::try_from(spawner).unwrap()).unwrap();
        rustix::process::kill_process(spawner, rustix::process::Signal::STOP).unwrap();
        Self(spawner)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        let _has_ended = rustix::process::kill_process(self.0, rustix::process::Signal::CONT);
    }
}

fn ran(world: &World) -> bool {
    world.path("ran/done").exists()
}

#[test]
fn a_held_operation_runs_when_another_person_has_approved_it_and_not_before() {
    let world = world();
    let running = world.start().serving("firewall");
    let held = open(&running);
    let handle = uid(&held);
    assert_eq!((&held["success"], &held["state"], &held["step"]), (&json!(true), &json!("held"), &json!("approval")));
    assert!(held["data"].is_string() && held["expires"].as_str().unwrap().ends_with('Z'), "{held}");
    assert_eq!(read(&running, &handle)["state"], "held");
    assert!(!ran(&world));
    let id = running.only_pending();
    let approved = running.regent_as("games", &["approve", &id]);
    assert_eq!(approved.status, 0, "{approved:?}");
    let done = eventually("it is done", || Some(read(&running, &handle)).filter(|reply| reply["state"] == "done"));
    assert_eq!((&done["success"], &done["uid"]), (&json!(true), &Value::Null), "{done}");
    assert!(ran(&world));
    assert_eq!(read(&running, &handle), done, "the result is told any number of times");
}

#[test]
fn an_approval_that_the_spawner_is_slow_to_look_at_runs_when_it_has_and_is_not_void() {
    let world = world();
    let running = world.start().serving("firewall");
    let handle = uid(&open(&running));
    let id = running.only_pending();
    let stopped = Stopped::spawner(&running);
    let goes_on = std::thread::spawn(move || {
        // Three times what is waited for a plan.
        std::thread::sleep(std::time::Duration::from_secs(3));
        drop(stopped);
    });
    let approved = running.regent_as("games", &["approve", &id]);
    assert_eq!(approved.status, 0, "{approved:?}");
    goes_on.join().unwrap();
    let ended = running.ask(json!({"uid": handle, "wait": 20}));
    assert_eq!(ended["state"], "done", "{ended}");
    assert!(ran(&world));
}

#[test]
fn an_approval_that_nobody_could_look_at_in_its_time_runs_never_and_says_so() {
    let world = world_with("run_within = \"3s\"");
    let running = world.start().serving("firewall");
    let handle = uid(&open(&running));
    let id = running.only_pending();
    let stopped = Stopped::spawner(&running);
    assert_eq!(running.regent_as("games", &["approve", &id]).status, 0);
    running.wait_log("was not begun");
    drop(stopped);
    let ended = eventually("it is over", || Some(read(&running, &handle)).filter(|reply| reply["state"] == "expired"));
    assert_eq!(ended["error"], "Authorisation failed", "{ended}");
    assert!(!ran(&world));
}

#[test]
fn people_see_who_asks_from_where_the_plugins_word_and_each_command_line() {
    let world = world();
    let running = world.start().serving("firewall");
    uid(&open(&running));
    let id = running.only_pending();
    let shown = running.regent(&["show", &id]);
    let line = format!("/usr/bin/mkdir -p {}/8.8.8.8-22", world.path("ran").display());
    for part in ["root", "web", "plugin says", &line, "/usr/bin/mkdir"] {
        assert!(shown.stdout.contains(part), "{part:?} is not in\n{}", shown.stdout);
    }
    let pending: Value = serde_json::from_str(&running.regent(&["pending", "--json"]).stdout).unwrap();
    for key in ["id", "operation", "requester", "summary", "plan", "expires"] {
        assert!(!pending[0][key].is_null(), "{key} in {pending}");
    }
    assert_eq!(pending[0]["plan"][0]["argv"][2], format!("{}/8.8.8.8-22", world.path("ran").display()));
}

#[test]
fn the_requester_cannot_approve_by_any_socket_and_root_only_as_a_listed_person() {
    let world = world();
    let running = world.start().serving("firewall");
    // games is anna, who may approve: but not what she asked herself.
    let asked = running.regent_as("games", &["call", "open", "ip=8.8.8.8", "port=22"]);
    assert_eq!(asked.status, 75, "{asked:?}");
    let handle = asked.stdout.trim().to_owned();
    let id = running.only_pending();
    assert_eq!(running.regent_as("games", &["approve", &id]).status, 77);
    let own = running.ask(json!({"uid": handle, "data": {"approve": true}}));
    assert_eq!(
        (error(&own), code(&own)),
        ("Unknown or expired uid", "unknown-uid"),
        "root is not the requester either"
    );
    assert_eq!(running.regent(&["approve", &id]).status, 77, "root is no listed person");
    assert_eq!(running.regent_as("daemon", &["approve", &id]).status, 1, "who is not named does not even see it");
    assert_eq!(running.regent_as("daemon", &["pending", "--json"]).stdout.trim(), "[]");
    assert!(!ran(&world));
    assert_eq!(running.regent_as("mail", &["approve", &id]).status, 0);
    eventually("it ran", || ran(&world).then_some(()));
}

#[test]
fn an_answer_by_the_requester_to_a_step_of_others_is_refused_and_changes_nothing() {
    let world = world();
    let running = world.start().serving("firewall");
    let handle = uid(&open(&running));
    for data in [json!("123456"), json!(true), json!(0), json!({"approve": "yes"})] {
        let reply = running.ask(json!({"uid": handle, "data": data}));
        assert_eq!((error(&reply), code(&reply)), ("Authorisation failed", "not-authorised"));
        assert_eq!(reply["state"], "held");
    }
    assert_eq!(read(&running, &handle)["state"], "held");
}

#[test]
fn a_quorum_of_two_needs_two_different_persons() {
    let world = world();
    let two = grants(&world, "").replace("of = \"ops\" }", "of = \"ops\", count = 2 }");
    let world = world.grants("firewall", &two);
    let running = world.start().serving("firewall");
    let handle = uid(&open(&running));
    let id = running.only_pending();
    assert_eq!(running.regent_as("games", &["approve", &id]).status, 0);
    assert_eq!(running.regent_as("games", &["approve", &id]).status, 77, "the same person again");
    assert_eq!(read(&running, &handle)["state"], "held");
    assert!(!ran(&world));
    assert_eq!(running.regent_as("mail", &["approve", &id]).status, 0);
    eventually("it ran", || ran(&world).then_some(()));
    assert_eq!(running.regent_as("news", &["approve", &id]).status, 1, "it no longer waits");
}

#[test]
fn a_denied_operation_never_runs_and_its_requester_hears_no_reason() {
    let world = world();
    let running = world.start().serving("firewall");
    let handle = uid(&open(&running));
    let id = running.only_pending();
    assert_eq!(running.regent_as("news", &["deny", &id]).status, 0);
    let reply = read(&running, &handle);
    assert_eq!(
        (error(&reply), code(&reply), &reply["state"]),
        ("Authorisation failed", "not-authorised", &json!("denied"))
    );
    assert_eq!(running.regent_as("games", &["approve", &id]).status, 1);
    assert!(!ran(&world));
}

#[test]
fn root_may_deny_what_it_may_not_approve_and_an_unknown_id_ends_with_1() {
    let world = world();
    let running = world.start().serving("firewall");
    uid(&open(&running));
    let id = running.only_pending();
    assert_eq!(running.regent(&["deny", &id]).status, 0);
    for verb in ["show", "approve", "deny"] {
        assert_eq!(running.regent(&[verb, "2222222222"]).status, 1);
        assert_eq!(running.regent(&[verb, "../../etc"]).status, 1);
    }
    assert!(!ran(&world));
}

#[test]
fn who_waits_hears_the_result_when_it_is_there_and_the_state_when_its_time_is_over() {
    let world = world();
    let running = world.start().serving("firewall");
    let mut waiting = running.connect();
    let request = json!({"secret": SECRET, "op": "open", "data": {"ip": "8.8.8.8", "port": 22}, "wait": 60});
    waiting.send(format!("{request}\n").as_bytes());
    let id = eventually("it is held", || {
        let pending: Value = serde_json::from_str(&running.regent(&["pending", "--json"]).stdout).unwrap();
        pending[0]["id"].as_str().map(str::to_owned)
    });
    assert_eq!(running.regent_as("games", &["approve", &id]).status, 0);
    assert_eq!(waiting.reply()["state"], "done");
    let second = running.ask(json!({"op": "open", "data": {"ip": "8.8.4.4", "port": 22}, "wait": 1}));
    assert_eq!(second["state"], "held");
}

#[test]
fn a_cancelled_hold_is_over_for_everybody() {
    let world = world();
    let running = world.start().serving("firewall");
    let handle = uid(&open(&running));
    let id = running.only_pending();
    let reply = running.ask(json!({"uid": handle, "cancel": true}));
    assert_eq!((error(&reply), &reply["state"]), ("Operation failed", &json!("cancelled")));
    assert_eq!(running.regent_as("games", &["approve", &id]).status, 1);
    assert_eq!(read(&running, &handle)["state"], "cancelled");
    assert!(!ran(&world));
}

#[test]
fn a_handle_is_unknown_to_every_other_uid_and_on_every_other_socket() {
    let world = world().socket("other", "operations = [\"*\"]");
    let running = world.start().serving("firewall");
    let handle = uid(&open(&running));
    let mut unknown = running.ask(json!({"uid": "00000000-0000-4000-8000-000000000000"}));
    unknown["ref"].take();
    let mut foreign = running.connect_to("other").ask(&json!({"secret": SECRET, "uid": handle}));
    foreign["ref"].take();
    assert_eq!(foreign, unknown);
    let other = running.regent_as("games", &["read", &handle]);
    assert!(other.stderr.contains("Unknown or expired uid"), "{other:?}");
    assert_eq!(read(&running, &handle)["state"], "held");
}

#[test]
fn a_ninth_hold_of_one_requester_is_too_many_and_a_cancelled_one_makes_room() {
    let world = world();
    let running = world.start().serving("firewall");
    let handles: Vec<String> = (0..8).map(|_| uid(&open(&running))).collect();
    let ninth = open(&running);
    assert_eq!((error(&ninth), code(&ninth)), ("Too many requests", "rate"));
    assert_eq!(running.regent_as("daemon", &["call", "open", "ip=8.8.8.8", "port=22"]).status, 75, "another requester");
    running.ask(json!({"uid": handles[0], "cancel": true}));
    uid(&open(&running));
}

#[test]
fn a_hold_expires_undecided_and_an_approval_after_that_comes_too_late() {
    let world = world_with("hold_for = \"1s\"");
    let running = world.start().serving("firewall");
    let handle = uid(&open(&running));
    let id = running.only_pending();
    eventually("it expires", || (read(&running, &handle)["state"] == "expired").then_some(()));
    let reply = read(&running, &handle);
    assert_eq!((error(&reply), code(&reply)), ("Authorisation failed", "not-authorised"));
    assert_eq!(running.regent_as("games", &["approve", &id]).status, 1);
    assert!(!ran(&world));
}

#[test]
fn a_dry_run_shows_what_would_run_and_holds_nothing() {
    let world = world();
    let running = world.start().serving("firewall");
    let shown = running.ask(json!({"op": "open", "data": {"ip": "8.8.8.8", "port": 22}, "dry_run": true}));
    let data = &shown["data"];
    assert_eq!((&shown["success"], &shown["uid"]), (&json!(true), &Value::Null), "{shown}");
    assert_eq!(data["plan"][0]["command"], "open-port");
    assert_eq!(data["plan"][0]["values"], json!({"ip": "8.8.8.8", "port": "22"}));
    assert!(data["plan"][0].get("argv").is_none() && data["plan"][0].get("run_as").is_none(), "{shown}");
    assert_eq!(data["require"], json!([{"step": "approval", "of": "ops", "count": 1}]));
    assert_eq!(running.regent(&["pending", "--json"]).stdout.trim(), "[]");
    let refused = running.ask(json!({"op": "open", "data": {"ip": "10.0.0.1", "port": 22}, "dry_run": true}));
    assert_eq!(error(&refused), "Invalid data: IP not allowed");
    drop(running);
    let with_lines = grants(&world, "show_plan = true");
    let world = world.grants("firewall", &with_lines);
    let running = world.start().serving("firewall");
    let shown = running.ask(json!({"op": "open", "data": {"ip": "8.8.8.8", "port": 22}, "dry_run": true}));
    assert_eq!(shown["data"]["plan"][0]["argv"][0], "/usr/bin/mkdir");
    assert_eq!(shown["data"]["plan"][0]["run_as"], "root");
}

#[test]
fn a_program_that_is_missing_is_never_held() {
    let world = world();
    let missing = grants(&world, "").replacen("/usr/bin/mkdir", "/usr/bin/no-such-program", 1);
    let world = world.grants("firewall", &missing);
    let running = world.start().serving("firewall");
    let reply = open(&running);
    assert_eq!((error(&reply), code(&reply)), ("Operation failed", "command-failed"));
    assert!(running.log().contains("no-such-program"), "a loud warning at the start");
}

#[test]
fn holds_outlive_kill_9_and_so_do_their_results() {
    let world = world();
    let running = world.start().serving("firewall");
    let handle = uid(&open(&running));
    let id = running.only_pending();
    running.kill();
    let running = world.start();
    assert_eq!(read(&running, &handle)["state"], "held");
    assert_eq!(running.only_pending(), id);
    let running = running.serving("firewall");
    assert_eq!(running.regent_as("games", &["approve", &id]).status, 0);
    eventually("it is done", || (read(&running, &handle)["state"] == "done").then_some(()));
    running.kill();
    let running = world.start();
    assert_eq!(read(&running, &handle)["state"], "done");
}

#[test]
fn what_expired_while_no_daemon_ran_is_expired_at_the_start_and_what_waits_outlives_ten_starts() {
    let world = world_with("hold_for = \"3s\"");
    let running = world.start().serving("firewall");
    let expires = uid(&open(&running));
    let id = running.only_pending();
    running.kill();
    std::thread::sleep(std::time::Duration::from_millis(3_200));
    let running = world.start().serving("firewall");
    assert_eq!(read(&running, &expires)["state"], "expired");
    assert_eq!(running.regent_as("games", &["approve", &id]).status, 1);
    assert!(!ran(&world));
    assert!(running.end().success());
    let longer = grants(&world, "hold_for = \"10m\"");
    let world = world.grants("firewall", &longer);
    let running = world.start().serving("firewall");
    let (waits, id) = (uid(&open(&running)), running.only_pending());
    running.kill();
    for number in 0..10 {
        let running = world.start();
        assert_eq!(read(&running, &waits)["state"], "held");
        if number % 2 == 0 { running.kill() } else { assert!(running.end().success()) }
    }
    let running = world.start().serving("firewall");
    assert_eq!(running.regent_as("games", &["approve", &id]).status, 0);
    eventually("it is done", || (read(&running, &waits)["state"] == "done").then_some(()));
}

/// What a consent is bound to, changed while the daemon was not there.
fn void_after(change: impl FnOnce(&World), field: &str) {
    let world = world();
    let running = world.start().serving("firewall");
    let handle = uid(&open(&running));
    let id = running.only_pending();
    assert!(running.end().success());
    change(&world);
    let running = world.start();
    running.wait_log("plugin firewall");
    let approved = running.regent_as("games", &["approve", &id]);
    assert_eq!(approved.status, 1, "{approved:?}");
    let shown = running.regent(&["show", &id, "--json"]);
    let shown: Value = serde_json::from_str(&shown.stdout).unwrap();
    assert_eq!(shown["state"], "void", "{shown}");
    let outcome = shown["outcome"].as_str().unwrap();
    assert!(outcome.starts_with(&format!("void: {field}")), "{outcome}");
    let reply = read(&running, &handle);
    assert_eq!((error(&reply), &reply["state"]), ("Authorisation failed", &json!("void")));
    assert!(
        reply.to_string().find(field).is_none_or(|_| field == "state"),
        "the requester does not hear which: {reply}"
    );
    assert!(!ran(&world));
}

fn edit(world: &World, from: &str, to: &str) {
    let path = world.path("grants/firewall.toml");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replace(from, to)).unwrap();
}

#[test]
fn a_changed_module_with_its_pin_voids_and_says_module() {
    let change = |world: &World| {
        let old = world.digest("firewall");
        let path = world.path("plugins/firewall.wasm");
        // An empty custom section: another module that does the same.
        let mut bytes = fs::read(&path).unwrap();
        bytes.extend([0, 5, 4, b't', b'e', b's', b't']);
        fs::write(&path, bytes).unwrap();
        edit(world, &old, &world.digest("firewall"));
    };
    void_after(change, "module");
}

#[test]
fn changed_grants_void_and_say_grants() {
    void_after(|world| edit(world, "[settings]", "[settings]\nmore = 1"), "grants");
}

#[test]
fn a_program_that_another_link_leads_to_voids_and_says_plan() {
    needs_root();
    let world = World::new();
    let link = world.path("program");
    std::os::unix::fs::symlink("/usr/bin/mkdir", &link).unwrap();
    let text = grants(&world, "").replacen("/usr/bin/mkdir", &link.display().to_string(), 1);
    let world = world.plugin("firewall", &text);
    let running = world.start().serving("firewall");
    let handle = uid(&open(&running));
    let id = running.only_pending();
    fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink("/usr/bin/touch", &link).unwrap();
    assert_eq!(running.regent_as("games", &["approve", &id]).status, 1);
    let shown: Value = serde_json::from_str(&running.regent(&["show", &id, "--json"]).stdout).unwrap();
    assert_eq!(shown["outcome"], "void: plan");
    assert_eq!(read(&running, &handle)["state"], "void");
}

#[test]
fn a_socket_that_no_longer_shows_the_operation_voids_and_says_operation() {
    let world = world();
    let running = world.start().serving("firewall");
    uid(&open(&running));
    let id = running.only_pending();
    assert!(running.end().success());
    edit(&world, "[operations.open]", "[operations.open]\nallow = [{ uid = 4242 }]");
    let running = world.start().serving("firewall");
    assert_eq!(running.regent_as("games", &["approve", &id]).status, 1);
    let shown: Value = serde_json::from_str(&running.regent(&["show", &id, "--json"]).stdout).unwrap();
    assert_eq!(shown["outcome"], "void: operation");
}

#[test]
fn a_consent_of_somebody_who_is_no_longer_of_the_team_voids_what_the_others_approve() {
    let world = world();
    let two = grants(&world, "").replace("of = \"ops\" }", "of = \"ops\", count = 2 }");
    let world = world.grants("firewall", &two);
    let running = world.start().serving("firewall");
    uid(&open(&running));
    let id = running.only_pending();
    assert_eq!(running.regent_as("games", &["approve", &id]).status, 0);
    assert!(running.end().success());
    let world = world.people(
        "[people.anna]\nuser = \"games\"\n[people.ben]\nuser = \"mail\"\n[people.carl]\nuser = \"news\"\n[teams]\nops = [\"ben\", \"carl\"]\n",
    );
    let running = world.start().serving("firewall");
    assert_eq!(running.regent_as("mail", &["approve", &id]).status, 1);
    let shown: Value = serde_json::from_str(&running.regent(&["show", &id, "--json"]).stdout).unwrap();
    assert_eq!(shown["outcome"], "void: consent of anna");
    assert!(!ran(&world));
}

#[test]
fn on_a_socket_whose_uids_mean_nothing_the_requester_is_the_socket_and_is_no_person() {
    let world = world().socket("container", "operations = [\"open\"]\ntrust_peer_uid = false");
    let running = world.start().serving("firewall");
    let mut wire = running.connect_to("container");
    let held = wire.ask(&json!({"secret": SECRET, "op": "open", "data": {"ip": "8.8.8.8", "port": 22}}));
    uid(&held);
    let pending: Value = serde_json::from_str(&running.regent(&["pending", "--json"]).stdout).unwrap();
    assert_eq!(pending[0]["requester"], "socket:container");
    assert_eq!(pending[0]["from"]["uid"], 0);
}

#[test]
fn who_runs_what_is_on_record_before_and_after() {
    let world = world();
    let running = world.start().serving("firewall");
    let handle = uid(&open(&running));
    let id = running.only_pending();
    assert_eq!(running.regent_as("games", &["approve", &id]).status, 0);
    eventually("it is done", || (read(&running, &handle)["state"] == "done").then_some(()));
    let audit = world.audit();
    let states: Vec<&str> =
        audit.iter().filter(|line| line["hold"] == id.as_str()).filter_map(|line| line["state"].as_str()).collect();
    assert_eq!(states, ["held", "approved", "performing", "done"]);
    let approved = audit.iter().find(|line| line["state"] == "approved").unwrap();
    assert_eq!(approved["decider"], serde_json::json!({"person": "anna", "uid": user("games")}));
    for (number, line) in audit.iter().enumerate() {
        assert_eq!(line["seq"], number + 1);
    }
}
