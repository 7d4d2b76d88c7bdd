//! Compiled code that somebody or something changed while no plugin used it: it is said, never handed to a sandbox, and
//! the module is compiled again. A thousand places of one file, and each kind of file, are in
//! `host/daemon/tests/kept_code.rs`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};

use regent_tests::{Running, World, dist, eventually, needs_root, user};
use serde_json::json;

const ECHO: &str = "[operations.echo]\n";
const WHOAMI: &str = "[operations.whoami]\n[commands.whoami]\nrun = [\"/usr/bin/whoami\"]\n";
/// Magic, key, digest.
const HEADER: usize = 16 + 32 + 32;

/// The files of compiled code.
fn kept(world: &World) -> Vec<PathBuf> {
    let entries = fs::read_dir(world.path("state/compiled")).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|ending| ending == "code")).collect()
}

/// The echo's file, and that of another plugin.
fn two_files(running: &Running<'_>) -> [PathBuf; 2] {
    let echo = eventually("the echo's is kept", || kept(running.world).pop());
    let whoami = fs::read(dist().join("plugins/whoami.wasm")).unwrap();
    running.world.put("plugins/whoami.wasm", whoami);
    running.world.put("grants/whoami.toml", WHOAMI);
    running.wait_plugin("whoami", "serving");
    let other = eventually("the other's is kept", || kept(running.world).into_iter().find(|path| *path != echo));
    [echo, other]
}

/// Waits until the echo answers.
#[track_caller]
fn answers(running: &Running<'_>) {
    eventually("it answers", || (running.op("echo", json!("again"))["data"] == "again").then_some(()));
}

/// Takes the echo out of service, does this, serves it again, and returns what the log says meanwhile.
#[track_caller]
fn meanwhile(running: &Running<'_>, deed: impl FnOnce()) -> String {
    running.world.take_away("grants/echo.toml");
    running.wait_unknown("echo");
    deed();
    let before = running.log().len();
    running.world.put("grants/echo.toml", ECHO);
    answers(running);
    eventually("the log says that it serves", || {
        let log = running.log()[before..].to_owned();
        log.contains("plugin echo serves ").then_some(log)
    })
}

/// After this damage it is said of the file, in these words, and the module is compiled once.
#[track_caller]
fn is_compiled_again(running: &Running<'_>, file: &Path, why: &str, damage: impl FnOnce()) {
    let log = meanwhile(running, damage);
    let said = format!("{}: {why}: compiling again", file.display());
    assert!(log.contains(&said), "{said:?} is not in {log}");
    assert_eq!(log.matches("plugin echo: compiled in ").count(), 1, "{why}: {log}");
    let stat = fs::symlink_metadata(file).unwrap();
    assert!(stat.is_file() && stat.permissions().mode() & 0o7777 == 0o600, "{why}: it was kept as it should be");
}

fn flip(file: &Path, place: usize) {
    let mut bytes = fs::read(file).unwrap();
    bytes[place] ^= 1;
    fs::write(file, bytes).unwrap();
}

#[test]
fn code_that_was_changed_in_any_way_is_said_and_compiled_again() {
    needs_root();
    let world = World::new().plugin("echo", ECHO);
    let running = world.start().serving("echo");
    let [echo, other] = two_files(&running);
    let is_not = |damage: &dyn Fn()| is_compiled_again(&running, &echo, "is not what was written there", damage);
    for place in [0, 16, HEADER - 1, HEADER, HEADER + 5_000] {
        is_not(&|| flip(&echo, place));
    }
    is_not(&|| fs::write(&echo, fs::read(&other).unwrap()).unwrap());
    is_not(&|| fs::write(&echo, [fs::read(&echo).unwrap(), vec![0]].concat()).unwrap());
    is_not(&|| {
        let [one, two] = [&echo, &other].map(|file| fs::read(file).unwrap());
        fs::write(&echo, two).unwrap();
        fs::write(&other, one).unwrap();
    });
    let again = |why: &str, damage: &dyn Fn()| is_compiled_again(&running, &echo, why, damage);
    again("is cut short", &|| fs::write(&echo, "").unwrap());
    again("has mode 0666, not 0600", &|| fs::set_permissions(&echo, Permissions::from_mode(0o666)).unwrap());
    let nobody = user("nobody");
    again(&format!("belongs to uid {nobody}, not to the daemon's"), &|| {
        // That it may read it is no reason to believe it.
        fs::set_permissions(&echo, Permissions::from_mode(0o644)).unwrap();
        chown(&echo, Some(nobody), None).unwrap();
    });
    again("is a symbolic link", &|| {
        fs::rename(&echo, world.path("elsewhere")).unwrap();
        symlink(world.path("elsewhere"), &echo).unwrap();
    });
    again("is no file", &|| {
        fs::remove_file(&echo).unwrap();
        let mode = rustix::fs::Mode::from_raw_mode(0o644);
        rustix::fs::mknodat(rustix::fs::CWD, &echo, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    });
}

#[test]
fn code_that_nobody_changed_is_used_as_it_is() {
    needs_root();
    let world = World::new().plugin("echo", ECHO);
    let running = world.start().serving("echo");
    eventually("it is kept", || kept(&world).pop());
    let log = meanwhile(&running, || ());
    assert!(!log.contains("compil"), "{log}");
}

#[test]
fn code_of_the_other_engine_under_this_name_is_compiled_again_even_if_its_header_is_forged() {
    needs_root();
    let world = World::new().engine("native").plugin("echo", ECHO);
    let running = world.start().serving("echo");
    let native = eventually("it is kept", || kept(&world).pop());
    world.put("grants/echo.toml", format!("engine = \"interpreter\"\n{ECHO}"));
    let interpreted = eventually("the other is kept", || kept(&world).into_iter().find(|path| *path != native));
    world.put("grants/echo.toml", ECHO);
    answers(&running);
    let code = fs::read(&interpreted).unwrap();
    let why = "is not what was written there";
    is_compiled_again(&running, &native, why, || fs::write(&native, &code).unwrap());
    // Whoever could forge the header is root; the sandbox has the engine's own word for it all the same.
    let forged = [&code[..16], &fs::read(&native).unwrap()[16..48], &code[48..]].concat();
    let log = meanwhile(&running, || fs::write(&native, &forged).unwrap());
    assert!(log.contains("plugin echo: what was compiled is of another engine or machine: compiling again"), "{log}");
    assert_eq!(log.matches("plugin echo: compiled in ").count(), 1, "{log}");
    assert_ne!(fs::read(&native).unwrap(), forged);
}
