//! Commands outside of the daemon's unit, and what is said of one that fails for the unit's sake. There is no systemd
//! here: a script stands in for `systemd-run`, and `setpriv` takes what a directive of a unit would.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use regent_tests::{Running, World, needs_root};
use serde_json::{Value, json};

/// The stand-in: writes down what it was asked, and does what of it these tests look at.
const SYSTEMD_RUN: &str = r#"#!/bin/bash
printf '%s\n' "$@" > ASKED
env > ASKED.env
while [ "$1" != -- ]; do
    case "$1" in --setenv=*) export "${1#--setenv=}" ;; esac
    shift
done
shift
exec "${@//'$$'/'$'}"
"#;

fn world(grants: &str) -> World {
    needs_root();
    let world = World::new().without_code("commands", grants);
    let (stand_in, asked) = (world.path("systemd-run"), world.path("asked"));
    fs::write(&stand_in, SYSTEMD_RUN.replace("ASKED", asked.to_str().unwrap())).unwrap();
    fs::set_permissions(&stand_in, fs::Permissions::from_mode(0o755)).unwrap();
    world
}

/// With what this script changes before, in a mount namespace of its own.
fn after<'a>(world: &'a World, script: &str) -> Running<'a> {
    let script = format!("set -e; {script}; exec \"$0\" \"$@\"");
    world.start_under(&["unshare", "--fork", "--mount", "sh", "-c", &script]).serving("commands")
}

fn with_stand_in(world: &World) -> Running<'_> {
    after(world, &format!("mount --bind {} /usr/bin/systemd-run", world.path("systemd-run").display()))
}

const SAY: &str = "[operations.say]\nrun = [\"/bin/sh\", \"-c\", \"echo \\\"$WHO\\\" $0; exit 3\", \"{what}\"]\n\
                   params.what = { type = \"text\", pattern = \"[a-z]+\" }\nok = [3]\nenv = { WHO = \"two words\" }\n\
                   run_as = \"games\"\ntimeout = \"2s\"\n";

#[test]
fn a_command_via_systemd_is_asked_of_it_with_all_that_its_grant_says_and_ends_as_it_ended() {
    let world = world(&format!("{SAY}via = \"systemd\"\n"));
    let running = with_stand_in(&world);
    let reply = running.op("say", json!({"what": "hello"}));
    assert_eq!(reply["data"], "two words hello", "{reply}");
    let asked = fs::read_to_string(world.path("asked")).unwrap();
    let games = regent_tests::user("games");
    for line in [
        "--pipe",
        "--wait",
        "--collect",
        &format!("--property=User={games}"),
        "--property=UMask=0022",
        "--property=RuntimeMaxSec=2000ms",
        "--setenv=WHO=two words",
        "--setenv=USER=games",
    ] {
        assert!(asked.lines().any(|known| known == line), "{line}: {asked}");
    }
    // What the grant means for its command is no word to root's own program, which would load what a variable names.
    let own = fs::read_to_string(world.path("asked.env")).unwrap();
    assert!(own.contains("PATH=/usr/sbin:") && !own.contains("WHO=") && !own.contains("HOME="), "{own}");
    assert!(asked.contains("--unit=regent-say-") && asked.ends_with("echo \"$$WHO\" $$0; exit 3\nhello\n"), "{asked}");
}

#[test]
fn the_same_command_without_it_is_the_spawners_own() {
    let world = world(SAY);
    let running = with_stand_in(&world);
    assert_eq!(running.op("say", json!({"what": "hello"}))["data"], "two words hello");
    assert!(!world.path("asked").exists());
}

#[test]
fn who_approves_is_shown_the_command_itself_and_that_systemd_runs_it() {
    let step = "require = [{ step = \"approval\", of = \"ops\" }]\n";
    let world = world(&format!("sha256 = \"PIN\"\n{SAY}via = \"systemd\"\n{step}"));
    let running = with_stand_in(&world);
    let held = running.op("say", json!({"what": "hello"}));
    let hold = running.only_pending();
    let shown = running.regent_as("games", &["show", &hold]).stdout;
    assert!(shown.contains("will run    /bin/sh -c ") && !shown.contains("systemd-run"), "{shown}");
    assert!(shown.contains(", via systemd]"), "{shown}");
    assert_eq!(running.regent_as("games", &["approve", &hold]).status, 0);
    let reply = running.ask(json!({"uid": held["uid"], "wait": 5}));
    assert_eq!(reply["data"], "two words hello", "{reply}");
}

#[test]
fn where_there_is_no_systemd_run_that_is_said_before_anything_asks_for_it() {
    let world = world(&format!("{SAY}via = \"systemd\"\n"));
    let layer = "mkdir -p /mnt && mount -t tmpfs none /mnt && mkdir /mnt/upper /mnt/work && mount -t overlay -o \
                 lowerdir=/usr/bin,upperdir=/mnt/upper,workdir=/mnt/work none /usr/bin && rm /usr/bin/systemd-run";
    let running = after(&world, layer);
    let log = running.log();
    let said = "command say: via = \"systemd\": /usr/bin/systemd-run: ";
    assert!(log.contains(said) && log.contains("it will fail: install systemd, or take it out"), "{log}");
    assert_eq!(running.op("say", json!({"what": "hello"}))["code"], "command-failed");
    running.wait_log("could not be started: spawner: via = \"systemd\": /usr/bin/systemd-run: ");
}

const CLOCK: &str = "[operations.clock]\nrun = [\"/bin/sh\", \"-c\", \"echo cannot set date: Operation not permitted >&2; exit 1\"]\n\
                     [operations.other]\nrun = [\"/bin/sh\", \"-c\", \"echo no such thing >&2; exit 1\"]\n";

/// What an administrator is told of a failure, by a service that lacks a capability.
fn told(running: &Running<'_>, operation: &str) -> String {
    let reply = running.op(operation, Value::Null);
    assert_eq!(reply["code"], "command-failed", "{reply}");
    running.regent(&["why", reply["ref"].as_str().unwrap()]).stdout
}

#[test]
fn a_command_that_fails_for_the_units_sake_is_told_by_the_directives_name() {
    let world = world(CLOCK);
    let unit = ["env", "INVOCATION_ID=0", "setpriv", "--bounding-set=-sys_time"];
    let running = world.start_under(&unit).serving("commands");
    let why = told(&running, "clock");
    let (_, named) = why.split_once("the daemon's unit may be why: CapabilityBoundingSet=, without ").expect(&why);
    assert!(named.split(';').next().unwrap().contains("CAP_SYS_TIME"), "{why}");
    assert!(why.contains("via = \"systemd\" in its grant runs it outside of the unit"), "{why}");
    running.wait_log("the daemon's unit may be why: CapabilityBoundingSet=, without ");
    let why = told(&running, "other");
    assert!(why.contains("no such thing") && !why.contains("unit"), "{why}");
}

#[test]
fn no_unit_is_blamed_where_there_is_none_or_where_the_command_runs_outside_of_it() {
    let world = world(&format!(
        "{CLOCK}[operations.outside]\nrun = [\"/bin/sh\", \"-c\", \"echo Operation not permitted >&2; exit 1\"]\nvia = \"systemd\"\n"
    ));
    let running = world.start_under(&["env", "--unset=INVOCATION_ID", "setpriv", "--bounding-set=-sys_time"]);
    assert!(!told(&running.serving("commands"), "clock").contains("unit"));
    let bind = format!("mount --bind {} /usr/bin/systemd-run", world.path("systemd-run").display());
    let running = after(&world, &format!("export INVOCATION_ID=0; {bind}"));
    assert!(told(&running, "clock").contains("the daemon's unit may be why: "));
    assert!(!told(&running, "outside").contains("unit may be why"));
}
