//! Secrets of sockets that a service manager hands over, as systemd does: a folder that is named in the environment,
//! closed to all but the service's user, with a file for each.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]
#![allow(clippy::disallowed_methods, reason = "a test starts a daemon that does not start")]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;
use std::process::Command;

use regent_tests::{Running, World, dist, error, needs_root, proc, user};
use serde_json::{Value, json};

/// EX_CONFIG.
const BAD_CONFIGURATION: i32 = 78;
const HANDED_OVER: &str = "what systemd handed over, and nobody else";

/// A socket whose secret is the credential `web.secret`, and an operation that tells its environment.
fn world() -> World {
    needs_root();
    let world = World::new();
    let lines = format!(
        "[[sockets]]\nname = \"handed\"\npath = \"{}\"\nsecret_file = \"credential:web.secret\"\noperations = [\"*\"]\n",
        world.socket_path("handed").display()
    );
    let world = world.socket_lines(&lines).without_code("tasks", "[operations.env]\nrun = [\"/usr/bin/env\"]\n");
    fs::create_dir(world.path("credentials")).unwrap();
    hand_over(&world, HANDED_OVER);
    mode(&world.path("credentials"), 0o500);
    world
}

fn hand_over(world: &World, secret: &str) {
    let path = world.path("credentials/web.secret");
    let _none_yet = fs::remove_file(&path);
    fs::write(&path, secret).unwrap();
    mode(&path, 0o400);
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn variable(world: &World) -> String {
    format!("CREDENTIALS_DIRECTORY={}", world.path("credentials").display())
}

fn start(world: &World) -> Running<'_> {
    world.start_under(&["env", &variable(world)]).serving("tasks")
}

fn ask(running: &Running<'_>, secret: &str) -> Value {
    running.connect_to("handed").ask(&json!({"secret": secret, "op": "env", "data": {}}))
}

/// The daemon with this in its environment: how it ends, and what it says.
fn ends(world: &World, variable: &str, arguments: &[&str]) -> (i32, String) {
    let config = world.write_config();
    let out = Command::new("timeout")
        .args(["20", "env", "-u", "CREDENTIALS_DIRECTORY", variable])
        .arg(dist().join("bin/regentd"))
        .arg("--config")
        .arg(config)
        .args(arguments)
        .output()
        .unwrap();
    let said = [out.stdout, out.stderr].concat();
    (out.status.code().unwrap(), String::from_utf8(said).unwrap())
}

#[test]
fn a_credential_opens_its_socket_is_read_again_by_a_reload_and_reaches_nothing_that_is_started() {
    let world = world();
    let running = start(&world);
    let reply = ask(&running, HANDED_OVER);
    let environment = reply["data"].as_str().unwrap_or_else(|| panic!("{reply}"));
    assert!(environment.contains("PATH=") && !environment.contains("CREDENTIALS"), "{environment}");
    for pid in proc::descendants(running.pid()) {
        let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&environ).contains("CREDENTIALS"));
    }
    assert!(!running.log().contains("others may read"), "{}", running.log());
    assert_eq!(error(&ask(&running, "another")), "Permission denied");
    hand_over(&world, "what was handed over after that");
    let reloaded = running.regent(&["reload"]);
    assert!(reloaded.stdout.contains("socket handed: other secrets"), "{reloaded:?}");
    assert_eq!(ask(&running, "what was handed over after that")["success"], true);
    assert_eq!(error(&ask(&running, HANDED_OVER)), "Permission denied");
}

#[test]
fn a_right_of_the_group_is_how_an_access_list_of_systemds_looks_and_no_warning() {
    let world = world();
    mode(&world.path("credentials"), 0o550);
    mode(&world.path("credentials/web.secret"), 0o440);
    let running = start(&world);
    assert_eq!(ask(&running, HANDED_OVER)["success"], true);
    assert!(!running.log().contains("others may read"), "{}", running.log());
}

#[test]
fn what_was_not_handed_over_ends_the_start_with_what_to_write() {
    let world = world();
    let cure = "write LoadCredential=web.secret:/path/to/the/secret below [Service] in the unit of regentd";
    let (status, said) = ends(&world, "ANOTHER=1", &[]);
    assert_eq!(status, BAD_CONFIGURATION, "{said}");
    assert!(said.contains("credential web.secret: CREDENTIALS_DIRECTORY is not set") && said.contains(cure), "{said}");
    let (status, said) = ends(&world, "CREDENTIALS_DIRECTORY=credentials", &[]);
    assert_eq!(status, BAD_CONFIGURATION, "{said}");
    assert!(said.contains("CREDENTIALS_DIRECTORY is credentials, which is no absolute path"), "{said}");
    fs::remove_file(world.path("credentials/web.secret")).unwrap();
    let (status, said) = ends(&world, &variable(&world), &[]);
    assert_eq!(status, BAD_CONFIGURATION, "{said}");
    assert!(said.contains("credentials/web.secret: there is no such file") && said.contains(cure), "{said}");
}

#[test]
fn who_checks_by_hand_is_told_that_it_is_not_looked_at_and_every_other_mistake() {
    let world = world();
    let (status, said) = ends(&world, "ANOTHER=1", &["--check"]);
    assert_eq!(status, 0, "{said}");
    assert!(said.contains("socket handed: credential web.secret is handed over when the service starts"), "{said}");
    assert_eq!(ends(&world, &variable(&world), &["--check"]).0, 0);
    let world = world.grants("tasks", "[operations.env]\nnonsense = 1\n");
    let (status, said) = ends(&world, "ANOTHER=1", &["--check"]);
    assert!(status == BAD_CONFIGURATION && said.contains("nonsense"), "{said}");
}

#[test]
fn a_credential_is_judged_like_any_secret_file() {
    let world = world();
    let path = world.path("credentials/web.secret");
    for (mode_of_file, why) in [(0o420, "can be written by others"), (0o402, "can be written by others")] {
        mode(&path, mode_of_file);
        let (status, said) = ends(&world, &variable(&world), &[]);
        assert!(status == BAD_CONFIGURATION && said.contains(why), "{said}");
    }
    mode(&path, 0o400);
    chown(&path, Some(user("games")), None).unwrap();
    let (status, said) = ends(&world, &variable(&world), &[]);
    assert!(status == BAD_CONFIGURATION && said.contains("belongs to uid"), "{said}");
    fs::remove_file(&path).unwrap();
    hand_over(&world, " \n\n");
    let (status, said) = ends(&world, &variable(&world), &[]);
    assert!(status == BAD_CONFIGURATION && said.contains("the secret file is empty"), "{said}");
}

#[test]
fn it_is_not_for_regent_to_replace() {
    let world = world();
    let running = start(&world);
    let rotated = running.regent_over_config(&["secret", "rotate", "handed"]);
    assert!(rotated.status != 0 && rotated.stderr.contains("LoadCredential="), "{rotated:?}");
    assert_eq!(ask(&running, HANDED_OVER)["success"], true);
}
