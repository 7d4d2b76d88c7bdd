//! Configuration and the daemon's own life: what `--check` says, what is not started over, and what signals do.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]
#![allow(clippy::disallowed_methods, reason = "a test starts what it is about")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};

use regent_tests::{World, dist, eventually, needs_root, user as uid};
use serde_json::json;

/// EX_CONFIG.
const BAD_CONFIGURATION: i32 = 78;
/// EX_UNAVAILABLE.
const CANNOT_START: i32 = 69;

fn world() -> World {
    World::new().plugin("echo", "[operations.echo]\n")
}

/// `regentd` over this world: how it ended, and all it said.
fn regentd(world: &World, arguments: &[&str]) -> (i32, String) {
    let mut command = Command::new("timeout");
    command.arg("20").arg(dist().join("bin/regentd")).arg("--config").arg(world.path("regent.toml")).args(arguments);
    let out = command.stdin(Stdio::null()).output().unwrap();
    let said = [out.stdout, out.stderr].concat();
    (out.status.code().unwrap(), String::from_utf8(said).unwrap())
}

fn kill(pid: u32, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::kill_process(pid, signal).unwrap();
}

#[test]
fn a_good_configuration_ends_the_check_with_0_and_starts_nothing() {
    let world = world();
    world.write_config();
    let (status, said) = regentd(&world, &["--check"]);
    assert_eq!(status, 0, "{said}");
    assert!(!world.path("state").exists() && !world.socket_path("web").exists());
}

#[test]
fn a_module_that_is_not_the_pinned_one_is_told_by_the_check_and_the_pinned_one_is_not() {
    let world = world().grants("echo", "sha256 = \"PIN\"\n[operations.echo]\nallow = [{ uid = 0 }]\n");
    world.write_config();
    let (status, said) = regentd(&world, &["--check"]);
    assert!(status == 0 && !said.contains("is not the module"), "{said}");
    let other = format!("sha256 = \"{}\"\n[operations.echo]\nallow = [{{ uid = 0 }}]\n", "ab".repeat(32));
    let world = world.grants("echo", &other);
    let (status, said) = regentd(&world, &["--check"]);
    // No mistake: a daemon that runs serves on with the one before it.
    assert_eq!(status, 0, "{said}");
    assert!(
        said.contains("echo.wasm is not the module that echo.toml pins") && said.contains("regent plugin upgrade echo"),
        "{said}"
    );
}

#[test]
fn a_command_that_runs_as_the_daemons_own_user_is_told_by_the_check_and_another_is_not() {
    let granted = |user: &str| {
        format!(
            "[operations.whoami]\nallow = [{{ uid = 0 }}]\n[commands.whoami]\nrun = [\"/usr/bin/whoami\"]\nrun_as = \"{user}\"\n"
        )
    };
    for (user, told) in [("games", true), ("mail", false)] {
        let world = world().plugin("whoami", &granted(user));
        let config = fs::read_to_string(world.write_config()).unwrap();
        fs::write(world.path("regent.toml"), format!("daemon_user = \"games\"\n{config}")).unwrap();
        let (status, said) = regentd(&world, &["--check"]);
        let text = format!("command whoami: run_as: uid {} is the daemon's own user (daemon_user)", uid("games"));
        assert!(status == 0 && said.contains(&text) == told, "{said}");
    }
}

/// Root may read everything, and the daemon is not root when it reads grants and modules.
#[test]
fn what_the_daemons_user_may_not_read_is_a_mistake_of_the_check_and_so_is_a_user_that_it_cannot_be() {
    let world = world();
    let config = fs::read_to_string(world.write_config()).unwrap();
    let mode = |name: &str, mode| fs::set_permissions(world.path(name), fs::Permissions::from_mode(mode)).unwrap();
    for (name, closed, open, why) in [
        ("grants/echo.toml", 0o600, 0o644, "echo.toml: uid 1899999999 may not open it: chmod o+r"),
        ("plugins/echo.wasm", 0o600, 0o644, "echo.wasm: uid 1899999999 may not open it: chmod o+r"),
        ("plugins", 0o700, 0o755, "plugins: uid 1899999999 may not go through it: chmod o+x"),
        ("grants", 0o700, 0o755, "grants: uid 1899999999 may not"),
    ] {
        mode(name, closed);
        let (status, said) = regentd(&world, &["--check"]);
        assert!(status == BAD_CONFIGURATION && said.contains(why), "{name}: {said}");
        mode(name, open);
        assert_eq!(regentd(&world, &["--check"]).0, 0);
    }
    for (user, why) in [
        ("\"nobody-is-called-so\"", "regent.toml:1: daemon_user: there is no user nobody-is-called-so"),
        ("1900000007", "regent.toml:1: daemon_user: uid 1900000007 is one of [sandbox] uids"),
    ] {
        fs::write(world.path("regent.toml"), format!("daemon_user = {user}\n{config}")).unwrap();
        for words in [&["--check"][..], &[]] {
            let (status, said) = regentd(&world, words);
            assert!(status == BAD_CONFIGURATION && said.contains(why), "{words:?}: {said}");
        }
    }
}

#[test]
fn an_operation_that_a_socket_without_trusted_uids_shows_and_allows_nobody_is_told_by_the_check() {
    let world = World::new()
        .socket("box", "trust_peer_uid = false\noperations = [\"echo\", \"open\"]")
        .grants("echo", "[operations.echo]\nallow = [{ uid = 33 }]\n[operations.open]\nas = \"open\"\n");
    world.write_config();
    let (status, said) = regentd(&world, &["--check"]);
    assert_eq!(status, 0, "{said}");
    let told: Vec<_> = said.lines().filter(|line| line.contains("matches nobody")).collect();
    let [told] = told[..] else { panic!("{said}") };
    let at = format!("{}:", world.path("regent.toml").display());
    assert!(told.contains(&at) && told.contains("socket box shows echo, whose allow ("), "{told}");
    assert!(told.contains("echo.toml:2)") && told.ends_with("in a file of its own, without allow"), "{told}");
}

#[test]
fn all_mistakes_are_told_at_once_each_with_its_file_and_line() {
    let world = world().grants(
        "echo",
        "[operations.echo]\ndeadlin = \"4s\"\n\n[commands.list]\nrun = [\"ls\"]\n\n[commands.other]\nrun = [\"/usr/bin/echo\", \"{slot}\"]\n",
    );
    let config = world.write_config();
    let text =
        fs::read_to_string(&config).unwrap().replace("operations = [\"*\"]", "operatons = [\"*\"]\ntrust_peer_uid = 7");
    fs::write(&config, &text).unwrap();
    let line = |text: &str, part: &str| text.lines().position(|line| line.contains(part)).unwrap() + 1;
    let (status, said) = regentd(&world, &["--check"]);
    assert_eq!(status, BAD_CONFIGURATION, "{said}");
    let at = |line: usize| format!("regent.toml:{line}: ");
    assert!(said.contains(&at(line(&text, "operatons"))) && said.contains("operations"), "{said}");
    assert!(said.contains("the grants were not looked at"), "{said}");
    // A grants file is told of beside it, with the nearest known key.
    let (status, said) = {
        world.write_config();
        regentd(&world, &["--check"])
    };
    assert_eq!(status, BAD_CONFIGURATION, "{said}");
    for part in ["echo.toml:2: ", "did you mean deadline", "echo.toml:5: ", "echo.toml:8: "] {
        assert!(said.contains(part), "{part:?} is not in\n{said}");
    }
}

#[test]
fn with_a_mistake_in_regent_toml_nothing_starts() {
    let world = world();
    let config = world.write_config();
    let text = fs::read_to_string(&config).unwrap() + "\nnonsense = 1\n";
    fs::write(&config, text).unwrap();
    let (status, said) = regentd(&world, &[]);
    assert_eq!(status, BAD_CONFIGURATION, "{said}");
    assert!(!world.socket_path("web").exists());
}

#[test]
fn a_mistake_in_one_grants_file_leaves_the_others_served() {
    let world = world().grants("other", "[operations.other]\nnonsense = 1\n");
    let running = world.start().serving("echo");
    assert!(running.log().contains("other.toml:2: "), "{}", running.log());
    assert_eq!(running.op("echo", json!(1))["data"], 1);
    assert_eq!(running.op("other", json!(1))["error"], "Unknown operation");
}

#[test]
fn what_others_may_write_is_no_configuration() {
    needs_root();
    let world = world();
    let config = world.write_config();
    for mode in [0o620, 0o602] {
        fs::set_permissions(&config, fs::Permissions::from_mode(mode)).unwrap();
        for arguments in [&["--check"][..], &[]] {
            let (status, said) = regentd(&world, arguments);
            assert_eq!(status, BAD_CONFIGURATION, "{said}");
            assert!(said.contains("regent.toml"), "{said}");
        }
    }
    fs::set_permissions(&config, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(regentd(&world, &["--check"]).0, 0);
    // So is a folder on the way to it.
    fs::set_permissions(world.path(""), fs::Permissions::from_mode(0o777)).unwrap();
    assert_eq!(regentd(&world, &["--check"]).0, BAD_CONFIGURATION);
    fs::set_permissions(world.path(""), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn what_others_may_write_grants_nothing() {
    needs_root();
    let world = world();
    let grants = world.path("grants/echo.toml");
    fs::set_permissions(&grants, fs::Permissions::from_mode(0o666)).unwrap();
    let running = world.start();
    assert!(running.log().contains("echo.toml"), "{}", running.log());
    assert_eq!(running.op("echo", json!(1))["error"], "Unknown operation");
}

#[test]
fn a_second_daemon_over_one_state_is_refused_and_the_first_goes_on() {
    let world = world();
    let running = world.start().serving("echo");
    let (status, said) = regentd(&world, &[]);
    assert_eq!(status, CANNOT_START, "{said}");
    assert!(said.contains("another daemon"), "{said}");
    assert_eq!(running.op("echo", json!(1))["data"], 1);
}

#[test]
fn a_socket_that_a_dead_daemon_left_is_replaced() {
    let world = world();
    let running = world.start();
    // Of the two only the one that outlives the other removes it; a kill -9 of both leaves it.
    let spawner = regent_tests::proc::named(running.pid(), "regent-spawner");
    kill(spawner[0], rustix::process::Signal::KILL);
    running.ended();
    assert!(world.socket_path("web").exists(), "nobody was left to remove it");
    let running = world.start().serving("echo");
    assert_eq!(running.op("echo", json!(1))["data"], 1);
}

#[test]
fn whatever_else_has_the_sockets_name_stays_and_the_daemon_does_not_start() {
    let world = world();
    world.write_config();
    let path = world.socket_path("web");
    fs::create_dir(path.parent().unwrap()).unwrap();
    fs::write(&path, "precious").unwrap();
    let (status, said) = regentd(&world, &[]);
    assert_eq!(status, CANNOT_START, "{said}");
    assert!(said.contains(path.to_str().unwrap()), "{said}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    fs::remove_file(&path).unwrap();
    for target in [world.path("precious"), world.path("missing")] {
        fs::write(world.path("precious"), "precious").unwrap();
        std::os::unix::fs::symlink(&target, &path).unwrap();
        let (status, said) = regentd(&world, &[]);
        assert_eq!(status, CANNOT_START, "a link: {said}");
        assert!(said.contains(path.to_str().unwrap()), "{said}");
        assert_eq!(fs::read_link(&path).unwrap(), target);
        assert_eq!(fs::read_to_string(world.path("precious")).unwrap(), "precious");
        assert!(!world.path("missing").exists());
        fs::remove_file(&path).unwrap();
    }
    let _listener = UnixListener::bind(&path).unwrap();
    let (status, said) = regentd(&world, &[]);
    assert_eq!(status, CANNOT_START, "a socket on which another listens: {said}");
}

#[test]
fn sighup_reads_all_files_again() {
    let world = world();
    let running = world.start().serving("echo");
    kill(running.pid(), rustix::process::Signal::HUP);
    running.wait_log("reloaded: 0 changes");
    assert_eq!(running.op("echo", json!(1))["data"], 1);
}

#[test]
fn sigterm_ends_it_cleanly_with_0_and_leaves_no_process_and_no_socket() {
    let world = world();
    let running = world.start().serving("echo");
    let below = regent_tests::proc::descendants(running.pid());
    assert!(!below.is_empty());
    let status = running.end();
    assert_eq!(status.code(), Some(0));
    assert!(!world.socket_path("web").exists() && !world.admin_path().exists());
    let is_there = |pid: &u32| fs::exists(format!("/proc/{pid}")).unwrap();
    eventually("nothing is left", || (!below.iter().any(is_there)).then_some(()));
}

/// A program and a folder in `world`, which others may write, or not.
fn with_modes(world: &World, program: u32, folder: u32) {
    fs::write(world.path("tool"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(world.path("tool"), fs::Permissions::from_mode(program)).unwrap();
    fs::create_dir_all(world.path("data")).unwrap();
    fs::set_permissions(world.path("data"), fs::Permissions::from_mode(folder)).unwrap();
}

#[test]
fn a_program_or_a_folder_of_paths_that_others_can_write_is_a_mistake_of_the_check_in_the_words_of_the_request() {
    needs_root();
    let world = World::new();
    let grants = format!(
        "[operations.tool]\nallow = [{{ user = \"root\" }}]\nrun = [\"{}\", \"{{file}}\"]\nparams.file = {{ type = \"path\", below = \"{}\" }}\n",
        world.path("tool").display(),
        world.path("data").display()
    );
    let world = world.without_code("tool", &grants);
    world.write_config();
    with_modes(&world, 0o755, 0o755);
    assert_eq!(regentd(&world, &["--check"]).0, 0);
    with_modes(&world, 0o757, 0o777);
    let (status, said) = regentd(&world, &["--check"]);
    assert_eq!(status, BAD_CONFIGURATION, "{said}");
    let at = format!("{}:1: command tool:", world.path("grants/tool.toml").display());
    let (tool, data) = (world.path("tool"), world.path("data"));
    for line in [
        format!("{at} {}: can be written by others (mode 0757): chmod go-w", tool.display()),
        format!("{at} file: below: {}: can be written by others (mode 0777): chmod go-w", data.display()),
    ] {
        assert!(said.contains(&line), "{line}\n{said}");
    }
    fs::remove_dir(data).unwrap();
    with_modes(&world, 0o755, 0o755);
    fs::remove_dir(world.path("data")).unwrap();
    let (status, said) = regentd(&world, &["--check"]);
    assert!(status == 0 && said.contains("file: below: ") && said.contains("it will fail"), "{said}");
}

#[test]
fn a_secret_file_that_is_weak_is_warned_of() {
    needs_root();
    let world = World::new();
    let secret = world.path("web.secret");
    let lines = |secret: &std::path::Path| {
        format!(
            "[[sockets]]\nname = \"more\"\npath = \"{}\"\nsecret_file = \"{}\"\noperations = [\"*\"]\n",
            secret.with_file_name("run-more/s").display(),
            secret.display()
        )
    };
    let lines = lines(&secret);
    let world = world.socket_lines(&lines);
    world.write_config();
    for (text, weak) in
        [("short", true), ("aaaaaaaaaaaaaaaaaaaaaaaa", true), ("4f1c0a7be2d94c6680f1e2b7aa35c9d0", false)]
    {
        fs::write(&secret, text).unwrap();
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
        let (_, said) = regentd(&world, &["--check"]);
        let of_file = said.lines().any(|line| line.contains("weak secret") && line.contains("web.secret"));
        assert_eq!(of_file, weak, "{text}: {said}");
    }
}

#[test]
fn mistakes_of_every_kind_in_one_grants_file_are_told_together_and_each_with_its_line() {
    needs_root();
    let world = World::new();
    with_modes(&world, 0o757, 0o755);
    let grants = format!(
        "[operations.a]\nrun = [\"{}\"]\nallow = [{{ user = \"nobody-of-that-name\" }}]\n[operations.b]\nrun = [\"/usr/bin/true\"]\nrun_as = \"nor-of-this\"\n",
        world.path("tool").display()
    );
    let world = world.without_code("desk", &grants);
    world.write_config();
    let file = world.path("grants/desk.toml");
    let (status, said) = regentd(&world, &["--check"]);
    assert_eq!(status, BAD_CONFIGURATION);
    for line in [
        format!("{}:3: operation a: allow: there is no user nobody-of-that-name", file.display()),
        format!("{}:1: command a: {}: can be written by others", file.display(), world.path("tool").display()),
        format!("{}:4: command b: run_as: there is no user nor-of-this", file.display()),
    ] {
        assert!(said.contains(&line), "{line}\n{said}");
    }
}
