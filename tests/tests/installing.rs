//! What `regent` writes, by the real programs: a daemon takes what `init` wrote, and lives by the pins that `enable`,
//! `upgrade`, `rollback` and `disable` write while it runs.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on panics")]
#![allow(clippy::disallowed_methods, reason = "a test starts what it is about")]

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use regent_tests::{Running, World, dist, eventually, needs_root, user};

/// A section that means nothing: another module with the same code.
const SECTION: [u8; 4] = [0, 2, 1, b'x'];

const GRANTS: &str = "[operations.whoami]\nrequire = [{ step = \"approval\", of = \"ops\" }]\n\
                      [commands.whoami]\nrun = [\"/usr/bin/whoami\"]\n";

/// Puts another module into the place of the one that is there, as a package does it.
fn replace_module(world: &World) -> String {
    let place = world.path("plugins/whoami.wasm");
    let bytes = [fs::read(&place).unwrap(), SECTION.to_vec()].concat();
    fs::write(world.path("plugins/new"), bytes).unwrap();
    fs::rename(world.path("plugins/new"), place).unwrap();
    world.digest("whoami")
}

/// `regent plugin …` over this world's configuration.
fn plugin(running: &Running<'_>, world: &World, words: &[&str]) -> String {
    let config = world.path("regent.toml");
    let words = [&["plugin"], words, &["--config", config.to_str().unwrap()]].concat();
    let cli = running.regent(&words);
    assert_eq!(cli.status, 0, "{words:?}: {cli:?}");
    cli.stdout
}

fn serves(running: &Running<'_>, digest: &str) {
    eventually(&format!("{digest} serves"), || {
        let cli = running.regent(&["plugin", "list", "whoami", "--json"]);
        cli.stdout.contains(&format!("\"serves\":\"{digest}\"")).then_some(())
    });
}

fn ended(mut command: Command) -> (i32, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let said = String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr);
    (status.code().unwrap_or(-1), said)
}

#[test]
fn what_init_writes_passes_the_daemons_check_for_root_and_for_an_ordinary_user() {
    needs_root();
    for name in ["root", "games"] {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let (uid, home) = (user(name), folder.path().join("home"));
        fs::create_dir(&home).unwrap();
        chown(&home, Some(uid), Some(uid)).unwrap();
        let program = |program: &str| {
            let mut command = Command::new(dist().join("bin").join(program));
            command.uid(uid).gid(uid).env_clear().env("HOME", &home).current_dir("/");
            command
        };
        let mut init = program("regent");
        let config = if uid == 0 {
            init.args(["init", "--prefix"]).arg(&home);
            home.join("etc/regent/regent.toml")
        } else {
            init.args(["init", "--user"]);
            home.join(".config/regent/regent.toml")
        };
        let (status, said) = ended(init);
        assert_eq!(status, 0, "{name}: {said}");
        let check = |path: &Path| {
            let mut check = program("regentd");
            check.arg("--config").arg(path).arg("--check");
            ended(check)
        };
        assert_eq!(check(&config), (0, String::new()), "{name}");
        let mut add = program("regent");
        let group = uid.to_string();
        add.args(["socket", "add", "ci", "--operations", "whoami", "--group", &group, "--config"]).arg(&config);
        let (status, said) = ended(add);
        assert_eq!(status, 0, "{name}: {said}");
        assert_eq!(check(&config), (0, String::new()), "{name}: the group of the socket may read its secret");
        let secret = config.with_file_name("ci.secret");
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o644)).unwrap();
        let (_, said) = check(&config);
        assert!(said.contains("others may read"), "{name}: {said}");
    }
}

#[test]
fn another_module_serves_from_the_moment_that_it_is_accepted_and_voids_what_was_held() {
    needs_root();
    let world = World::new().plugin("whoami", &format!("sha256 = \"PIN\"\n{GRANTS}"));
    let first = world.digest("whoami");
    let running = world.start().serving("whoami");
    let held = running.regent(&["call", "whoami"]);
    let id = running.only_pending();
    let second = replace_module(&world);
    running.wait_log("is not the module that whoami.toml pins");
    serves(&running, &first);
    let said = plugin(&running, &world, &["upgrade", "whoami", "--yes", "--sha256", &second]);
    assert!(said.contains("other code, the same words") && said.contains(&id), "{said}");
    serves(&running, &second);
    assert_ne!(running.regent_as("games", &["approve", &id]).status, 0);
    assert_eq!(running.regent(&["read", held.stdout.trim()]).status, 77);

    let said = plugin(&running, &world, &["rollback", "whoami"]);
    assert!(said.contains(&first), "{said}");
    serves(&running, &first);
    let text = fs::read_to_string(world.path("grants/whoami.toml")).unwrap();
    assert_eq!(text, format!("# before: {second}\nsha256 = [\"{first}\"]\n{GRANTS}"));
}

#[test]
fn a_module_that_lacks_what_is_granted_is_not_accepted_and_what_served_serves_after_a_restart() {
    needs_root();
    let world = World::new().plugin("whoami", &format!("sha256 = \"PIN\"\n{GRANTS}"));
    let first = world.digest("whoami");
    let running = world.start().serving("whoami");
    fs::copy(dist().join("plugins/echo.wasm"), world.path("plugins/new")).unwrap();
    fs::rename(world.path("plugins/new"), world.path("plugins/whoami.wasm")).unwrap();
    let second = world.digest("whoami");
    let config = world.path("regent.toml");
    let of = |running: &Running<'_>, words: &[&str]| {
        running.regent(&[&["plugin"], words, &["--config", config.to_str().unwrap()]].concat())
    };
    let refused = of(&running, &["upgrade", "whoami", "--yes", "--sha256", &second]);
    assert!(refused.status == 1 && refused.stderr.contains("take [operations.whoami] out of"), "{refused:?}");
    assert!(running.end().success());
    let running = world.start();
    serves(&running, &first);
    // By hand it can be pinned all the same; the way back is to what served.
    let text = fs::read_to_string(world.path("grants/whoami.toml")).unwrap();
    fs::write(world.path("grants/whoami.toml"), text.replace(&first, &second)).unwrap();
    running.wait_log("plugin whoami serves on as before");
    assert!(running.end().success());
    let running = world.start();
    running.wait_log("whoami");
    // No line of root's names it, only what the daemon noted: that is asked, or said.
    let asked = of(&running, &["rollback", "whoami"]);
    assert!(asked.status == 2 && asked.stderr.contains(&format!("say --sha256 {first}")), "{asked:?}");
    let other = of(&running, &["rollback", "whoami", "--sha256", &second]);
    assert!(other.status == 1 && other.stderr.contains(&format!("served {first} and not {second}")), "{other:?}");
    let back = of(&running, &["rollback", "whoami", "--sha256", &first]);
    assert!(back.status == 0 && back.stdout.contains(&first), "{back:?}");
    serves(&running, &first);
}

#[test]
fn a_person_at_a_terminal_is_asked_and_only_yes_accepts() {
    needs_root();
    let world = World::new().plugin("whoami", &format!("sha256 = \"PIN\"\n{GRANTS}"));
    let first = world.digest("whoami");
    let running = world.start().serving("whoami");
    let second = replace_module(&world);
    let regent = dist().join("bin/regent");
    let config = world.path("regent.toml");
    let typed = |answer: &str| {
        let line = format!("{} plugin upgrade whoami --config {}", regent.display(), config.display());
        let mut script = Command::new("script");
        script.args(["-qec", &line, "/dev/null"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = script.env("REGENT_ADMIN", world.admin_path()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(format!("{answer}\n").as_bytes()).unwrap();
        let out = child.wait_with_output().unwrap();
        (out.status.code(), String::from_utf8_lossy(&out.stdout).into_owned())
    };
    let pinned = || fs::read_to_string(world.path("grants/whoami.toml")).unwrap();
    for no in ["n", "", "yess"] {
        let (status, said) = typed(no);
        assert_eq!(status, Some(1), "{said}");
        assert!(said.contains("Accept this module? [y/N]") && said.contains("not accepted"), "{said}");
        assert!(pinned().contains(&first) && !pinned().contains(&second));
    }
    let (status, said) = typed("y");
    assert_eq!(status, Some(0), "{said}");
    serves(&running, &second);
}

#[test]
fn inspect_tells_programs_what_a_module_is() {
    needs_root();
    let world = World::new().plugin("whoami", GRANTS);
    let running = world.start();
    let module = world.path("plugins/whoami.wasm");
    let told = running.regent(&["plugin", "inspect", module.to_str().unwrap(), "--json"]);
    assert_eq!(told.status, 0, "{told:?}");
    let found: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(found["sha256"], world.digest("whoami"));
    assert_eq!(found["operations"][0]["name"], "whoami", "{found}");
    assert_eq!(found["wants"][0]["command"], "whoami", "{found}");
}

#[test]
fn a_plugin_is_enabled_granted_disabled_and_back_while_the_daemon_runs() {
    needs_root();
    let world = World::new().plugin("whoami", GRANTS);
    fs::remove_file(world.path("grants/whoami.toml")).unwrap();
    let running = world.start();
    plugin(&running, &world, &["enable", "whoami", "--yes"]);
    running.wait_log("no operation is served");
    let path = world.path("grants/whoami.toml");
    let text = fs::read_to_string(&path).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with("# allow"));
    let live = lines.map(|line| line.strip_prefix("# ").filter(|rest| rest.starts_with(['[', 'r'])).unwrap_or(line));
    let granted = live.map(|line| format!("{line}\n")).collect::<String>();
    let granted = granted.replace("/usr/bin/CHANGE-ME", "/usr/bin/whoami");
    fs::write(&path, granted).unwrap();
    running.wait_log("plugin whoami serves whoami");
    assert_eq!(running.regent(&["call", "whoami"]).stdout, "root\n");
    plugin(&running, &world, &["disable", "whoami"]);
    eventually("it is away", || (running.regent(&["call", "whoami"]).status == 77).then_some(()));
    plugin(&running, &world, &["enable", "whoami"]);
    eventually("it is back", || (running.regent(&["call", "whoami"]).stdout == "root\n").then_some(()));
}
