//! What people read, whole: each conversation is a file of `tests/screens`, with what varies replaced by what it is.
//! `REGENT_SCREENS=write cargo test -p regent-tests --test screens` accepts what is said now.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]

use std::fs;

use regent_tests::{Screen, World, bytes, dist, eventually, needs_root, relabelled};

/// A folder that everybody may read.
fn folder() -> World {
    needs_root();
    World::new()
}

#[test]
fn the_daemons_help() {
    let world = folder();
    let mut screen = Screen::in_folder(&world.path(""));
    screen.root("regentd --help");
    screen.root("regentd --config nowhere.toml");
    screen.root("regentd");
    screen.is("regentd");
}

#[test]
fn a_machine_is_made_ready() {
    let world = folder();
    let mut screen = Screen::in_folder(&world.path(""));
    screen.root("regent init --prefix machine --print");
    screen.root("regent init --prefix machine");
    screen.root("regent init --prefix machine");
    screen.user("games", "regent init");
    screen.is("init");
}

#[test]
fn secrets_are_made_and_exchanged() {
    needs_root();
    let world = World::initialised();
    let running = world.start_as_is(&[]);
    let mut screen = Screen::beside(&running);
    screen.root("regent secret new");
    screen.root("regent secret new machine/web.secret");
    screen.root("regent secret new machine/web.secret");
    screen.root("regent secret rotate local");
    screen.root("regent secret rotate local --show");
    screen.root("regent secret rotate local --finish");
    screen.root("regent secret rotate local --finish");
    screen.root("regent secret rotate lokal");
    screen.is("secret");
}

#[test]
fn sockets_are_added() {
    needs_root();
    let world = World::initialised();
    let running = world.start_as_is(&[]);
    let mut screen = Screen::beside(&running);
    screen.root("regent socket add shop --operations note,refund --group 4711 --print");
    screen.root("regent socket add shop --operations note,refund --group 4711");
    screen.root("regent socket add shop --operations note");
    screen.root("regent socket add open --operations note --mode 0666");
    screen.root("regent socket add closed --operations note");
    screen.root("regent socket add beside --operations note --trust-peer-uid");
    screen.root("regent socket add more --operations note --group no-such-group");
    screen.is("socket-add");
}

const WHOAMI: &str = "[operations.whoami]\n[commands.whoami]\nrun = [\"/usr/bin/whoami\"]\n";

#[test]
fn plugins_are_enabled_upgraded_rolled_back_and_disabled() {
    needs_root();
    let world = World::new().plugin("whoami", WHOAMI);
    world.take_away("grants/whoami.toml");
    let running = world.start();
    let mut screen = Screen::beside(&running);
    screen.root("regent plugin enable whoami --print");
    screen.root("regent plugin enable whoami");
    screen.root("regent plugin enable whoami --yes");
    screen.root("regent plugin enable whoami --yes");
    screen.root("regent plugin enable nothing");
    let pinned = format!("sha256 = \"{}\"\n{WHOAMI}", world.digest("whoami"));
    world.put("grants/whoami.toml", pinned);
    running.wait_plugin("whoami", "serving");
    world.put("plugins/whoami.wasm", relabelled(&bytes("whoami"), "another"));
    let digest = world.digest("whoami");
    screen.root("regent plugin upgrade whoami --print");
    screen.root("regent plugin upgrade whoami");
    screen.root(&format!("regent plugin upgrade whoami --yes --sha256 {digest}"));
    eventually("it serves", || (running.plugin("whoami")["serves"] == digest).then_some(()));
    screen.root("regent plugin upgrade whoami --yes");
    screen.root("regent plugin rollback whoami --print");
    screen.root("regent plugin rollback whoami");
    screen.root("regent plugin disable whoami --print");
    screen.root("regent plugin disable whoami");
    screen.root("regent plugin disable whoami");
    screen.root("regent plugin enable whoami");
    screen.is("plugin-accepting");
}

#[test]
fn plugins_are_begun() {
    let world = folder();
    let mut screen = Screen::in_folder(&world.path(""));
    screen.root("regent plugin new hello");
    screen.root("regent plugin new --python salut");
    screen.root("regent plugin new hello");
    screen.root("regent plugin new 'Not a name'");
    screen.root("regent plugin build nothing");
    screen.is("plugin-new");
}

/// A folder with shipped modules, each with grants whose programs are harmless.
fn modules() -> World {
    let open = "[settings]\nports = [22]\n[operations.open]\n[operations.close]\n[commands.open-port]\nrun = [\"/usr/bin/echo\", \"open\", \"{ip}\", \"{port}\"]\n\
                params.ip = { type = \"ipv4\", scope = \"public\" }\nparams.port = { type = \"integer\", one_of = \"settings.ports\" }\n\
                [commands.close-port]\nrun = [\"/usr/bin/false\", \"{ip}\", \"{port}\"]\nparams.ip = { type = \"ipv4\", scope = \"private\" }\n\
                params.port = { type = \"integer\" }\n[commands.list-ports]\nrun = [\"/usr/bin/echo\", \"22 is open\"]\n";
    let restart = "[settings]\nservices = [\"nginx\", \"cron\"]\n[operations.restart]\n[commands.restart-service]\n\
                   run = [\"/usr/bin/echo\", \"{service}\"]\nparams.service = { type = \"one_of\", values = \"settings.services\" }\n";
    let hostile =
        ["well", "trap", "loop", "allocate", "undeclared"].map(|name| format!("[operations.{name}]\n")).concat();
    folder().plugin("firewall", open).plugin("restart", restart).plugin("whoami", WHOAMI).plugin("hostile", &hostile)
}

#[test]
fn a_module_is_looked_at() {
    let world = modules();
    fs::write(world.path("plugins/text.wasm"), "no module\n").unwrap();
    let mut screen = Screen::in_folder(&world.path(""));
    screen.user("games", "regent plugin inspect plugins/firewall.wasm");
    screen.user("games", "regent plugin inspect plugins/text.wasm");
    screen.user("games", "regent plugin inspect plugins/nothing.wasm");
    screen.is("plugin-inspect");
}

#[test]
fn a_module_is_tried() {
    let world = modules();
    let mut screen = Screen::in_folder(&world.path(""));
    let mut tried = |request: &str| {
        let plugin = if request.starts_with("open") || request.starts_with("close") { "firewall" } else { "hostile" };
        let (plugin, request) = request.split_once(": ").unwrap_or((plugin, request));
        screen.root(&format!("regent plugin run plugins/{plugin}.wasm --grants grants/{plugin}.toml {request}"));
    };
    tried("open ip=8.8.8.8 port=22");
    tried("open ip=8.8.8.8 port=22 --perform");
    tried("close ip=192.168.0.1 port=22 --perform");
    // A value that the plugin refuses, and one that its grant does.
    tried("open ip=192.168.0.1 port=22");
    tried("close ip=8.8.8.8 port=22");
    // What needs somebody's consent.
    tried("restart: restart service=cron");
    tried("restart: restart service=sshd");
    tried("restart: restrat service=nginx");
    // What a plugin may not.
    tried("well");
    tried("trap");
    tried("loop");
    tried("allocate");
    tried("undeclared");
    screen.root("regent plugin run plugins/whoami.wasm whoami --perform --grants nowhere.toml");
    screen.is("plugin-run");
}

/// A daemon with an operation for everybody, one for which two people are asked, and one that fails.
fn served() -> World {
    needs_root();
    let grants = "sha256 = \"PIN\"\n[settings]\nports = [22]\n[operations.open]\nrequire = [{ step = \"approval\", of = \"ops\", count = 2 }]\n\
                  [operations.close]\nallow = [{ user = \"games\" }, { uid = 0 }]\n[commands.open-port]\nrun = [\"/usr/bin/echo\", \"open\", \"{ip}\", \"{port}\"]\n\
                  params.ip = { type = \"ipv4\", scope = \"public\" }\nparams.port = { type = \"integer\", one_of = \"settings.ports\" }\n\
                  [commands.close-port]\nrun = [\"/usr/bin/false\", \"{ip}\", \"{port}\"]\nparams.ip = { type = \"ipv4\" }\n\
                  params.port = { type = \"integer\" }\n[commands.list-ports]\nrun = [\"/usr/bin/true\"]\n";
    World::new().plugin("firewall", grants).plugin("whoami", WHOAMI)
}

#[test]
fn an_operation_is_held_and_decided() {
    let world = served();
    let running = world.start().serving("firewall");
    let mut screen = Screen::beside(&running);
    let mut number = 0;
    let mut held = |screen: &mut Screen| -> (String, String) {
        number += 1;
        let called = screen.user("daemon", "regent call open ip=8.8.8.8 port=22");
        let id = running.only_pending();
        screen.name(&id, &format!("<HOLD-{number}>"));
        (called.stdout.trim().to_owned(), id)
    };
    screen.root("regent pending");
    let (uid, id) = held(&mut screen);
    screen.user("daemon", &format!("regent read {uid}"));
    screen.root("regent pending");
    screen.user("bin", "regent pending");
    screen.user("games", &format!("regent show {id}"));
    screen.user("games", &format!("regent approve {id}"));
    screen.user("games", &format!("regent approve {id}"));
    screen.user("daemon", &format!("regent approve {id}"));
    screen.root(&format!("regent approve {id}"));
    screen.user("mail", &format!("regent approve {id}"));
    screen.user("daemon", &format!("regent read {uid} --wait=5"));
    screen.user("games", &format!("regent show {id}"));
    screen.user("news", &format!("regent approve {id}"));
    let (uid, id) = held(&mut screen);
    screen.user("games", &format!("regent deny {id}"));
    screen.user("daemon", &format!("regent read {uid}"));
    let (uid, id) = held(&mut screen);
    screen.user("daemon", &format!("regent cancel {uid}"));
    screen.user("daemon", &format!("regent cancel {uid}"));
    screen.user("games", &format!("regent approve {id}"));
    screen.user("games", "regent show nothing");
    screen.user("daemon", "regent call --dry-run open ip=8.8.8.8 port=22");
    screen.is("held");
}

#[test]
fn a_refusal_says_how_to_ask() {
    let world = served();
    let running = world.start().serving("firewall").serving("whoami");
    let mut screen = Screen::beside(&running);
    screen.user("daemon", "regent call whoami");
    screen.user("daemon", "regent call close ip=8.8.8.8 port=22");
    screen.user("daemon", "regent call nothing");
    screen.user("games", "regent call close ip=8.8.8.8 port=22");
    screen.user("daemon", "regent call open ip=here port=22");
    screen.user("daemon", "regent call open");
    screen.user("daemon", "regent call open ip=8.8.8.8 port=23");
    screen.user("daemon", "regent call open ip");
    screen.user("daemon", "regent read 00000000-0000-4000-8000-000000000000");
    screen.user("daemon", "REGENT_SECRET='not the secret of this socket' regent call whoami");
    screen.user("daemon", "regent --socket /nowhere.sock call whoami");
    screen.user("daemon", "regent status");
    screen.is("refused");
}

#[test]
fn what_the_daemon_logs_from_its_start_to_its_end() {
    let world = served();
    world.put("grants/broken.toml", "[operations.broken]\nrun = \"/usr/bin/true\"\n");
    let running = world.start_under(&[]).serving("firewall").serving("whoami");
    let mut screen = Screen::beside(&running);
    screen.user("daemon", "regent call whoami");
    screen.user("daemon", "regent call nothing");
    running.wait_log("Unknown operation");
    let log = running.log();
    // What a machine lacks is its own.
    let lacks = |line: &&str| line.contains("warning: cgroup v2 has ") || line.contains("warning: no cgroup v2");
    // Two modules are compiled at once, and which is ready first is chance.
    let (first, rest): (Vec<&str>, Vec<&str>) =
        log.lines().filter(|line| !lacks(line)).partition(|line| line.contains("regentd: plugin "));
    let mut plugins = first;
    plugins.sort_unstable();
    screen.shows("the log, without plugins", &rest.join("\n"));
    screen.shows("the log, of plugins", &plugins.join("\n"));
    screen.is("log");
}

#[test]
fn each_screen_that_is_kept_is_some_tests() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let source = fs::read_to_string(folder.join("screens.rs")).unwrap();
    for file in fs::read_dir(folder.join("screens")).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        assert!(source.contains(&format!("screen.is(\"{name}\")")), "{name} is nobody's");
        let text = fs::read_to_string(&path).unwrap();
        for varying in ["/tmp/", "/work/", dist().to_str().unwrap()] {
            assert!(!text.contains(varying), "{name} has {varying:?}, which is another path elsewhere");
        }
    }
}
