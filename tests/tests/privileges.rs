//! Whose rights the daemon has: none of root's. What needs them is the spawner's, and its children's as far as a grant
//! says.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test that cannot go on panics, and starts what it tests"
)]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use regent_tests::{Running, SECRET, Wire, World, group_of, needs_root, proc, user};
use rustix::process::Signal;
use serde_json::json;

/// Whom a daemon becomes if nobody says.
const NOBODYS: u32 = 1_899_999_999;

fn world() -> World {
    needs_root();
    World::new().plugin("echo", "[operations.echo]\n")
}

/// regent.toml with this line at its top.
fn say(world: &World, line: &str) {
    let config = world.write_config();
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, format!("{line}\n{text}")).unwrap();
}

fn words(pid: u32, key: &str) -> Vec<String> {
    proc::status(pid, key).unwrap().split_whitespace().map(str::to_owned).collect()
}

fn is(pid: u32, uid: u32, gid: u32, groups: &[u32]) {
    assert_eq!(words(pid, "Uid"), [(); 4].map(|()| uid.to_string()));
    assert_eq!(words(pid, "Gid"), [(); 4].map(|()| gid.to_string()));
    assert_eq!(words(pid, "Groups"), groups.iter().map(u32::to_string).collect::<Vec<_>>());
}

fn has_no_rights(pid: u32) {
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        assert_eq!(words(pid, set), ["0000000000000000"], "{set}");
    }
    assert_eq!((words(pid, "NoNewPrivs"), words(pid, "Seccomp")), (vec!["1".into()], vec!["2".into()]));
}

fn spawner(running: &Running<'_>) -> u32 {
    let pids = proc::named(running.pid(), "regent-spawner");
    assert_eq!(pids.len(), 1, "{pids:?}");
    pids[0]
}

/// EX_UNAVAILABLE, EX_CONFIG.
const CANNOT_START: i32 = 69;
const BAD_CONFIGURATION: i32 = 78;

/// What a start says that comes to nothing, and so ends.
fn refused(world: &World, status: i32) -> String {
    let mut command = Command::new(world.program("regentd"));
    let ended = command.arg("--config").arg(world.config_path()).output().unwrap();
    assert_eq!(ended.status.code(), Some(status), "{ended:?}");
    String::from_utf8(ended.stderr).unwrap()
}

#[test]
fn a_daemon_that_root_started_is_nobodys_user_without_rights_and_its_spawner_alone_is_root() {
    let world = world();
    let running = world.start().serving("echo");
    is(running.pid(), NOBODYS, NOBODYS, &[]);
    has_no_rights(running.pid());
    assert_eq!(words(spawner(&running), "Uid"), ["0"; 4]);
    for name in ["state", "state/holds.redb", "state/modules", "state/compiled", "log/audit.jsonl"] {
        let stat = fs::symlink_metadata(world.path(name)).unwrap();
        assert_eq!((stat.uid(), stat.mode() & 0o077), (NOBODYS, 0), "{name}");
    }
    // Neither its socket nor a folder that it could put another's name into.
    for name in ["run-web", "run-web/regent.sock", "grants", "plugins", "log"] {
        assert_eq!(fs::symlink_metadata(world.path(name)).unwrap().uid(), 0, "{name}");
    }
    assert_eq!(running.op("echo", json!("here"))["data"], "here");
}

#[test]
fn a_daemon_becomes_the_user_that_regent_toml_names_with_its_groups() {
    let world = world();
    say(&world, "daemon_user = \"games\"");
    let running = world.start_as_is(&[]).serving("echo");
    is(running.pid(), user("games"), group_of("games"), &[group_of("games")]);
    has_no_rights(running.pid());
    assert!(running.end().success());
    // Another's folder is not taken.
    say(&world, "daemon_user = \"mail\"");
    let state = world.path("state").display().to_string();
    let (uid, gid) = (user("mail"), group_of("mail"));
    let said = refused(&world, CANNOT_START);
    assert!(
        said.contains(&format!("{state}: belongs to uid {}, and the daemon is to be uid {uid}", user("games"))),
        "{said}"
    );
    assert!(said.contains(&format!("chown -R {uid}:{gid} {state}")), "{said}");
}

#[test]
fn root_stays_root_only_where_that_is_said() {
    let world = world();
    say(&world, "daemon_user = \"root\"");
    let running = world.start_as_is(&[]).serving("echo");
    assert_eq!(words(running.pid(), "Uid"), ["0"; 4]);
    assert_eq!(words(running.pid(), "Seccomp"), ["2"]);
    running.wait_log("regent.toml:1: daemon_user: what reads strangers' bytes keeps all of root's rights");
}

/// As the unit of `regent init` starts it.
#[test]
fn with_whatever_umask_it_was_started_others_reach_the_sockets_that_they_may() {
    let world = world();
    let running = world.start_under(&["sh", "-c", "umask 0077; exec \"$0\" \"$@\""]).serving("echo");
    let folder = fs::metadata(world.path("run-web")).unwrap();
    assert_eq!((folder.mode() & 0o777, folder.uid()), (0o755, 0));
    let asks = "import socket, sys\nstream = socket.socket(socket.AF_UNIX)\nstream.connect(sys.argv[1])\n";
    let mut stranger = Command::new("/usr/bin/python3");
    stranger.args(["-c", asks]).arg(world.socket_path("web")).current_dir("/");
    assert!(stranger.uid(user("games")).gid(group_of("games")).status().unwrap().success());
    assert_eq!(running.op("echo", json!(1))["data"], 1);
}

#[test]
fn a_spawner_that_does_not_answer_fails_what_needs_it_in_time_and_nothing_else() {
    let grants = "[operations.whoami]\n[commands.whoami]\nrun = [\"/usr/bin/whoami\"]\n";
    let world = world().plugin("whoami", grants);
    let running = world.start().serving("echo").serving("whoami");
    let pid = rustix::process::Pid::from_raw(i32::try_from(spawner(&running)).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
    assert_eq!(running.op("whoami", json!(null))["error"], "Operation failed");
    running.wait_log("the spawner does not answer: is a user database of nsswitch.conf slow?");
    assert_eq!(running.op("echo", json!(1))["data"], 1);
    rustix::process::kill_process(pid, rustix::process::Signal::CONT).unwrap();
    assert_eq!(running.op("whoami", json!(null))["data"], "root");
}

#[test]
fn a_user_that_is_none_or_a_plugins_ends_the_start_with_what_to_do() {
    let world = world();
    say(&world, "daemon_user = \"no-such-user\"");
    let said = refused(&world, BAD_CONFIGURATION);
    assert!(said.contains("daemon_user: there is no user no-such-user: `useradd --system"), "{said}");
    say(&world, "daemon_user = 1900000007");
    let said = refused(&world, BAD_CONFIGURATION);
    assert!(said.contains("uid 1900000007 is one of [sandbox] uids"), "{said}");
}

#[test]
fn a_state_folder_of_roots_becomes_the_daemons_with_all_that_is_in_it() {
    let world = world();
    say(&world, "daemon_user = \"root\"");
    let running = world.start_as_is(&[]).serving("echo");
    assert!(running.end().success());
    assert_eq!(fs::metadata(world.path("state/holds.redb")).unwrap().uid(), 0);
    // What a link leads to is not what is in the folder.
    fs::write(world.path("elsewhere"), "").unwrap();
    std::os::unix::fs::symlink(world.path("elsewhere"), world.path("state/link")).unwrap();
    let running = world.start().serving("echo");
    is(running.pid(), NOBODYS, NOBODYS, &[]);
    assert_eq!(fs::metadata(world.path("state/holds.redb")).unwrap().uid(), NOBODYS);
    assert_eq!(fs::metadata(world.path("elsewhere")).unwrap().uid(), 0);
    assert!(running.end().success());
    // Once it is the daemon's, nothing in it is taken over any more: somebody else may have put it there.
    let planted = world.path("state/planted");
    fs::write(&planted, "").unwrap();
    chown(&planted, Some(user("games")), None).unwrap();
    let _running = world.start().serving("echo");
    assert_eq!(fs::metadata(&planted).unwrap().uid(), user("games"));
}

#[test]
fn a_configuration_and_a_secret_that_only_root_may_read_are_read_at_the_start_and_at_each_reload() {
    needs_root();
    let world = World::new().plugin("echo", "[operations.echo]\n");
    let secret = world.path("secret");
    let write = |text: &str| {
        fs::write(&secret, text).unwrap();
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    };
    write(SECRET);
    let (path, file) = (world.path("run-own/regent.sock"), secret.display());
    let world = world.socket_lines(&format!(
        "[[sockets]]\nname = \"own\"\npath = \"{}\"\nmode = \"0666\"\nsecret_file = \"{file}\"\noperations = [\"*\"]\n",
        path.display()
    ));
    fs::set_permissions(world.write_config(), fs::Permissions::from_mode(0o600)).unwrap();
    let running = world.start_as_is(&[]).serving("echo");
    let ask = |secret: &str| Wire::connect(&path).ask(&json!({"op": "echo", "data": 1, "secret": secret}));
    assert_eq!(ask(SECRET)["data"], 1);
    write("another secret of sixteen bytes");
    running.signal(Signal::HUP);
    running.wait_log("socket own: other secrets");
    assert_eq!(ask("another secret of sixteen bytes")["data"], 1);
    assert_ne!(ask(SECRET)["success"], true);
}

/// What a command finds itself in whose grant has these lines.
fn rights(lines: &str) -> String {
    needs_root();
    let grants = format!(
        "[operations.rights]\nrun = [\"/usr/bin/grep\", \"-E\", \"^(Cap|NoNew|Uid)\", \"/proc/self/status\"]\n{lines}\n"
    );
    let world = World::new().without_code("rights", &grants);
    let running = world.start().serving("rights");
    let answer = running.op("rights", json!({}));
    answer["data"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

fn set(rights: &str, name: &str) -> u64 {
    let line = rights.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{name}: {rights}"));
    u64::from_str_radix(line.trim_start_matches(':').split_whitespace().next().unwrap(), 16).unwrap()
}

/// The kernel's bit.
const NET_ADMIN: u64 = 1 << 12;

#[test]
fn a_command_of_roots_has_the_capabilities_that_its_grant_names_and_can_get_no_other() {
    let all = rights("");
    assert!(set(&all, "CapEff").count_ones() > 1 && set(&all, "CapEff") == set(&all, "CapPrm"), "{all}");
    let one = rights("capabilities = [\"cap_net_admin\"]");
    for name in ["CapPrm", "CapEff", "CapBnd"] {
        assert_eq!(set(&one, name), NET_ADMIN, "{one}");
    }
    let none = rights("capabilities = []");
    assert_eq!(["CapPrm", "CapEff", "CapBnd"].map(|name| set(&none, name)), [0; 3], "{none}");
}

#[test]
fn a_command_of_another_user_has_none_but_those_that_its_grant_names() {
    let none = rights("run_as = \"games\"");
    assert_eq!(["CapPrm", "CapEff", "CapInh", "CapAmb"].map(|name| set(&none, name)), [0; 4], "{none}");
    let one = rights("run_as = \"games\"\ncapabilities = [\"CAP_NET_ADMIN\"]");
    assert_eq!(set(&one, "Uid"), 5, "{one}");
    assert_eq!(["CapPrm", "CapEff", "CapAmb", "CapBnd"].map(|name| set(&one, name)), [NET_ADMIN; 4], "{one}");
}

#[test]
fn what_a_command_executes_gains_rights_only_where_its_grant_says_so() {
    assert_eq!(set(&rights("run_as = \"games\""), "NoNewPrivs"), 1);
    assert_eq!(set(&rights("run_as = \"games\"\nsetuid = true"), "NoNewPrivs"), 0);
}
