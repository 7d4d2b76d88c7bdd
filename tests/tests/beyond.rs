//! What a command has beyond its argument list and its run, if its grant says so, by the whole daemon: the request's
//! data on its standard input, processes that live on, and the end of the host. Each with the twin whose grant does not
//! say so.
//!
//! The plugin `whoami` runs the command of that name and replies with what it printed; here its grants point elsewhere.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::thread;
use std::time::{Duration, Instant};

use regent_tests::{Running, World, eventually, needs_root, proc};
use serde_json::{Value, json};

/// A daemon to which no cgroup v2 is mounted: in a mount namespace of its own.
const WITHOUT_CGROUPS: [&str; 6] =
    ["unshare", "--fork", "--mount", "sh", "-c", "umount --lazy --all --types cgroup2; exec \"$0\" \"$@\""];

/// A world whose `whoami` runs this script, with further lines in its operation and in its command's grant.
fn world(body: &str, operation: &str, command: &str) -> World {
    needs_root();
    let world = World::new();
    let program = world.path("program");
    fs::write(&program, format!("#!/bin/sh\n{body}\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let run = program.display();
    let grants = format!(
        "sha256 = \"PIN\"\n[operations.whoami]\n{operation}\n[commands.whoami]\nrun = [\"{run}\"]\n{command}\n"
    );
    world.plugin("whoami", &grants)
}

#[track_caller]
fn printed(reply: &Value, text: &str) {
    assert_eq!(reply["data"], text, "{reply}");
}

// Standard input.

#[test]
fn the_data_is_read_byte_for_byte_by_a_command_whose_grant_says_so_and_by_no_other() {
    let line = r#"{"secret": "SECRET", "op": "whoami", "data": {"b":  [1.50, "\u00e9é"], "a": null}}"#;
    let line = format!("{}\n", line.replace("SECRET", regent_tests::SECRET));
    for (grant, text) in [("stdin = \"data\"", "{\"b\":  [1.50, \"\\u00e9é\"], \"a\": null}\nend"), ("", "end")] {
        let world = world("cat; echo end", "", grant);
        let running = world.start().serving("whoami");
        let mut wire = running.connect();
        wire.send(line.as_bytes());
        printed(&wire.reply(), text);
    }
}

#[test]
fn who_approves_is_shown_that_the_command_reads_the_data_and_it_does() {
    let operation = "require = [{ step = \"approval\", of = \"ops\" }]";
    let world = world("cat", operation, "stdin = \"data\"");
    let running = world.start().serving("whoami");
    let uid = running.op("whoami", json!({"name": "x y"}))["uid"].as_str().unwrap().to_owned();
    let hold = running.only_pending();
    let shown = running.regent_as("games", &["show", &hold]).stdout;
    assert!(shown.contains("stdin: the request's data"), "{shown}");
    assert_eq!(running.regent_as("games", &["approve", &hold]).status, 0);
    let reply = running.ask(json!({"uid": uid, "wait": 5}));
    printed(&reply, "{\"name\":\"x y\"}");
}

// What lives on.

/// An init script: daemons in every way there is, one of which keeps the script's output.
fn init(mark: &str) -> String {
    format!(
        "(setsid sh -c 'trap \"\" TERM HUP; sleep {mark}; :' >/dev/null 2>&1 &)\n(setsid setsid sleep {mark} &)\n\
         nohup sleep {mark} >/dev/null 2>&1 &\nsleep 0.2\necho started\nexit $(cat $0.status)"
    )
}

fn daemons(mark: &str) -> Vec<u32> {
    proc::with_text(&format!("sleep\u{0}{mark}"))
}

fn kill(pid: u32) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

/// With cgroups and without, each with a mark of its own: what the init script came to with this grant and exit status.
fn started(grant: &str, status: u8, test: impl Fn(&World, Running<'_>, &[&str], &str, Value)) {
    for (number, wrapper) in [(1, &[][..]), (2, &WITHOUT_CGROUPS[..])] {
        let mark = format!("37{number}{status}{}{}", grant.len(), std::process::id());
        let world = world(&init(&mark), "deadline = \"20s\"", grant);
        fs::write(world.path("program.status"), status.to_string()).unwrap();
        let running = world.start_under(wrapper).serving("whoami");
        assert_eq!(running.log().contains("no cgroup v2"), number == 2, "{}", running.log());
        let reply = running.op("whoami", Value::Null);
        test(&world, running, wrapper, &mark, reply);
    }
}

#[test]
fn what_a_command_may_leave_lives_on_after_its_run_the_daemons_end_its_death_and_its_next_start() {
    started("leave_children = true", 0, |world, running, wrapper, mark, reply| {
        printed(&reply, "started");
        let left = daemons(mark);
        assert_eq!(left.len(), 3);
        assert!(running.end().success());
        let running = world.start_under(wrapper).serving("whoami");
        running.kill();
        // A spawner whose daemon has died ends what is below it at once.
        thread::sleep(Duration::from_millis(300));
        let running = world.start_under(wrapper).serving("whoami");
        assert!(!running.log().contains("have been killed"), "{}", running.log());
        assert_eq!(daemons(mark), left);
        left.into_iter().for_each(kill);
    });
}

#[test]
fn what_a_command_may_not_leave_is_gone_with_it() {
    started("", 0, |_, _running, _, mark, reply| {
        printed(&reply, "started");
        assert_eq!(daemons(mark).len(), 0);
    });
}

#[test]
fn a_command_that_fails_leaves_nothing_though_it_may() {
    started("leave_children = true", 1, |_, _running, _, mark, reply| {
        assert_eq!(reply["code"], "command-failed", "{reply}");
        assert_eq!(daemons(mark).len(), 0);
    });
}

#[test]
fn a_command_that_takes_too_long_leaves_nothing_though_it_may() {
    for wrapper in [&[][..], &WITHOUT_CGROUPS[..]] {
        let mark = format!("379{}{}", wrapper.len(), std::process::id());
        let world = world(
            &init(&mark).replace("echo started", &format!("sleep {mark}")),
            "",
            "leave_children = true\ntimeout = \"700ms\"",
        );
        fs::write(world.path("program.status"), "0").unwrap();
        let running = world.start_under(wrapper).serving("whoami");
        assert_eq!(running.op("whoami", Value::Null)["code"], "timeout");
        let begin = Instant::now();
        while !daemons(&mark).is_empty() {
            assert!(begin.elapsed() < Duration::from_secs(2), "{:?} is left", daemons(&mark));
            thread::sleep(Duration::from_millis(10));
        }
    }
}

// The end of the host.

/// How often the log was synced until the command ran, and while it was asked and answered.
fn syncs(grant: &str) -> (usize, usize) {
    let world = world("wc -l <$0.trace", "", grant);
    let trace = world.path("program.trace").display().to_string();
    let running = world.start_under(&["strace", "-f", "-o", &trace, "-e", "trace=fdatasync"]).serving("whoami");
    let count = || fs::read_to_string(&trace).unwrap().matches("fdatasync(").count();
    // What the start has written is synced within its second.
    thread::sleep(Duration::from_millis(1_500));
    let before = count();
    let lines = fs::read_to_string(&trace).unwrap().lines().count();
    let reply = running.op("whoami", Value::Null);
    let at_run: usize = reply["data"].as_str().unwrap_or_else(|| panic!("{reply}")).parse().unwrap();
    (usize::from(at_run > lines), count() - before)
}

#[test]
fn what_ends_the_host_is_on_the_disk_before_it_runs_and_before_its_reply() {
    let (before_the_run, all) = syncs("ends_host = true");
    assert!(before_the_run == 1 && all >= 2, "{before_the_run} {all}");
}

#[test]
fn no_other_command_waits_for_the_disk() {
    // The second of the log may end meanwhile, once.
    let (_, all) = syncs("");
    assert!(all <= 1, "{all}");
}

#[test]
fn who_approves_is_shown_that_it_ends_the_host_and_in_the_same_boot_it_is_interrupted() {
    let operation = "require = [{ step = \"approval\", of = \"ops\" }]";
    let world = world("echo >$0.ran; sleep 30", operation, "ends_host = true\ntimeout = \"60s\"");
    let running = world.start().serving("whoami");
    let uid = running.op("whoami", Value::Null)["uid"].as_str().unwrap().to_owned();
    let hold = running.only_pending();
    let shown = running.regent_as("games", &["show", &hold]).stdout;
    assert!(shown.contains("ends the host"), "{shown}");
    assert_eq!(running.regent_as("games", &["approve", &hold]).status, 0);
    eventually("it runs", || world.path("program.ran").exists().then_some(()));
    running.kill();
    let running = world.start().serving("whoami");
    assert_eq!(running.ask(json!({"uid": uid}))["state"], "interrupted");
}
