//! `regent` against the real daemon: by which number it ends, what it prints where, and that the secret is on no
//! process list.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on panics")]
#![allow(clippy::disallowed_methods, reason = "a test starts what it is about")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use regent_tests::{Cli, Running, SECRET, World, dist, eventually, needs_root};
use serde_json::Value;

const DONE: i32 = 0;
const FAILED: i32 = 1;
const USAGE: i32 = 2;
const NO_DAEMON: i32 = 69;
const HELD: i32 = 75;
const REFUSED: i32 = 77;

fn world() -> World {
    needs_root();
    World::new()
        .plugin("echo", "[operations.echo]\nallow = [{ uid = 0 }]\n")
        .plugin("whoami", "[operations.whoami]\n[commands.whoami]\nrun = [\"/usr/bin/whoami\"]\n")
        .plugin(
            "firewall",
            r#"
sha256 = "PIN"
[settings]
ports = [22]
[operations.open]
require = [{ step = "approval", of = "ops" }]
[operations.close]
[commands.open-port]
run = ["/usr/bin/true", "{ip}", "{port}"]
params.ip = { type = "ipv4", scope = "public" }
params.port = { type = "integer", one_of = "settings.ports" }
[commands.close-port]
run = ["/usr/bin/false", "{ip}", "{port}"]
params.ip = { type = "ipv4" }
params.port = { type = "integer" }
[commands.list-ports]
run = ["/usr/bin/true"]
"#,
        )
}

fn served(world: &World) -> Running<'_> {
    world.start().serving("echo").serving("whoami").serving("firewall")
}

/// `regent` with these variables and no others.
fn regent(variables: &[(&str, &str)], arguments: &[&str]) -> Command {
    let mut command = Command::new(dist().join("bin/regent"));
    command.env_clear().envs(variables.iter().copied()).args(arguments).current_dir("/").stdin(Stdio::null());
    command
}

fn status(mut command: Command) -> i32 {
    command.output().unwrap().status.code().unwrap()
}

/// A status, nothing on standard output, and these words on standard error.
#[track_caller]
fn ends(cli: &Cli, status: i32, words: &str) {
    assert_eq!((cli.status, cli.stdout.as_str()), (status, ""), "{cli:?}");
    assert!(cli.stderr.contains(words), "{cli:?}");
}

#[test]
fn what_is_done_ends_with_0_a_string_printed_raw_and_anything_else_as_json() {
    let world = world();
    let running = served(&world);
    let done = |arguments: &[&str], printed: &str| {
        let cli = running.regent(arguments);
        assert_eq!((cli.status, cli.stdout.as_str()), (DONE, printed), "{cli:?}");
    };
    done(&["call", "whoami"], "root\n");
    done(&["call", "echo", "--data", "\"a \\\"text\\\"\""], "a \"text\"\n");
    done(&["call", "echo", "--data", "[1,null]"], "[1,null]\n");
    let pairs = running.regent(&["call", "echo", "port=22", "name=x", "force=true"]);
    let data: Value = serde_json::from_str(&pairs.stdout).unwrap();
    assert_eq!(data, serde_json::json!({"port": 22, "name": "x", "force": true}));
}

#[test]
fn what_the_daemon_refuses_ends_with_77_and_the_right_caller_is_not_refused() {
    let world = world();
    let running = served(&world);
    ends(&running.regent(&["call", "reboot"]), REFUSED, "Unknown operation");
    ends(&running.regent_as("daemon", &["call", "echo"]), REFUSED, "Unknown operation");
    assert_eq!(running.regent(&["call", "echo"]).status, DONE);
    let (socket, secret) = (world.socket_path("web").display().to_string(), world.path("guess"));
    fs::write(&secret, "a guess\n").unwrap();
    let guess = regent(&[], &["call", "echo", "--socket", &socket, "--secret-file", secret.to_str().unwrap()]);
    assert_eq!(status(guess), REFUSED);
    let held = running.regent(&["call", "open", "ip=8.8.8.8"]);
    let id = running.only_pending();
    ends(&running.regent(&["approve", &id]), REFUSED, "");
    assert_eq!(running.regent_as("games", &["deny", &id]).status, DONE);
    ends(&running.regent(&["read", held.stdout.trim()]), REFUSED, "Authorisation failed");
}

#[test]
fn what_is_held_ends_with_75_and_prints_its_uid_alone() {
    let world = world();
    let running = served(&world);
    let held = running.regent(&["call", "open", "ip=8.8.8.8"]);
    assert_eq!(held.status, HELD, "{held:?}");
    let uid = held.stdout.trim();
    assert_eq!(uid.len(), 36, "{held:?}");
    assert_eq!(running.regent(&["read", uid]).status, HELD);
    assert_eq!(running.regent(&["read", uid, "--wait=1"]).status, HELD, "also when the wait ends while it is held");
    let id = running.only_pending();
    assert_eq!(running.regent_as("games", &["approve", &id]).status, DONE);
    assert_eq!(running.regent(&["read", uid, "--wait=10"]).status, DONE);
    let second = running.regent(&["call", "open", "ip=8.8.4.4", "--wait=1"]);
    assert_eq!(second.status, HELD, "{second:?}");
    let given_up = running.regent(&["cancel", second.stdout.trim()]);
    assert_eq!((given_up.status, given_up.stdout.as_str()), (DONE, "cancelled\n"), "{given_up:?}");
    ends(&running.regent(&["read", second.stdout.trim()]), FAILED, "Operation failed");
}

#[test]
fn every_other_error_ends_with_1_and_says_what_the_daemon_said() {
    let world = world();
    let running = served(&world);
    ends(&running.regent(&["call", "open", "ip=10.0.0.1"]), FAILED, "Invalid data: IP not allowed");
    ends(&running.regent(&["call", "close", "ip=8.8.8.8"]), FAILED, "Failed to change firewall");
    ends(&running.regent(&["read", "no-such-uid"]), FAILED, "Unknown or expired uid");
    for verb in ["show", "approve", "deny"] {
        ends(&running.regent(&[verb, "2222222222"]), FAILED, "");
    }
}

#[test]
fn without_a_daemon_it_ends_with_69_and_with_one_it_does_not() {
    let world = world();
    let running = served(&world);
    let calls: [&[&str]; 3] = [&["call", "whoami"], &["read", "uid"], &["pending"]];
    for call in calls {
        assert_ne!(running.regent(call).status, NO_DAEMON);
    }
    assert!(running.end().success());
    let (socket, admin) = (world.socket_path("web").display().to_string(), world.admin_path().display().to_string());
    for call in calls {
        let told = [("REGENT_SOCKET", socket.as_str()), ("REGENT_ADMIN", &admin), ("REGENT_SECRET", SECRET)];
        assert_eq!(status(regent(&told, call)), NO_DAEMON, "{call:?}");
    }
}

#[test]
fn wrong_usage_ends_with_2_and_asks_nobody() {
    let world = world();
    let running = served(&world);
    let wrong: [&[&str]; 6] = [
        &[],
        &["call"],
        &["call", "whoami", "--secret", SECRET],
        &["call", "echo", "a=1", "--data", "{}"],
        &["call", "echo", "--data", "no JSON"],
        &["read", "uid", "--wait=0"],
    ];
    for arguments in wrong {
        ends(&running.regent(arguments), USAGE, "");
    }
    let socket = world.socket_path("web").display().to_string();
    assert_eq!(status(regent(&[("REGENT_SECRET", SECRET)], &["call", "whoami"])), NO_DAEMON, "which socket?");
    assert_eq!(status(regent(&[("REGENT_SOCKET", &socket)], &["call", "whoami"])), USAGE, "which secret?");
    assert_eq!(status(regent(&[("REGENT_SOCKET", &socket), ("REGENT_SECRET", SECRET)], &["call", "whoami"])), DONE);
}

#[test]
fn the_secret_stands_on_no_process_list() {
    let world = world();
    let running = served(&world);
    let (socket, secret) = (world.socket_path("web").display().to_string(), world.path("secret"));
    fs::write(&secret, format!("{SECRET}\n")).unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let wait = ["call", "open", "ip=8.8.8.8", "--wait=30", "--socket", &socket];
    let by_file = regent(&[], &[&wait[..], &["--secret-file", secret.to_str().unwrap()]].concat());
    let by_variable = regent(&[("REGENT_SECRET", SECRET)], &wait);
    for (mut command, in_environment) in [(by_file, false), (by_variable, true)] {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        eventually("it waits for its hold", || {
            let pending: Value = serde_json::from_str(&running.regent(&["pending", "--json"]).stdout).unwrap();
            (!pending.as_array().unwrap().is_empty()).then_some(())
        });
        let shows = |pid: u32, file: &str| {
            let read = fs::read(format!("/proc/{pid}/{file}")).unwrap();
            String::from_utf8_lossy(&read).contains(SECRET)
        };
        assert!(!shows(child.id(), "cmdline") && !shows(running.pid(), "cmdline"));
        // Which its own user alone can read: a file is for those who want it nowhere.
        assert_eq!(shows(child.id(), "environ"), in_environment);
        for below in [vec![running.pid()], regent_tests::proc::descendants(running.pid())].concat() {
            assert!(!shows(below, "cmdline") && !shows(below, "environ"));
        }
        assert_eq!(running.regent_as("games", &["deny", &running.only_pending()]).status, DONE);
        assert_eq!(child.wait().unwrap().code(), Some(REFUSED));
    }
}
