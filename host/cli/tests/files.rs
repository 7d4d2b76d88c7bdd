//! `init`, `secret` and `socket` from outside: what they write, whose it is, what they leave alone, and that a daemon's
//! own parser takes it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails may panic")]
#![allow(clippy::disallowed_methods, reason = "these tests start the program that they are about")]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use regent_grants::Config;

/// A machine of its own, below a folder.
struct Machine(tempfile::TempDir);

impl Machine {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// With what `init` writes.
    fn initialised() -> Self {
        let machine = Self::new();
        assert_eq!(machine.init(&[]).0, 0);
        machine
    }

    fn at(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.at(path)).unwrap()
    }

    fn mode(&self, path: &str) -> u32 {
        fs::symlink_metadata(self.at(path)).unwrap().permissions().mode() & 0o7777
    }

    fn init(&self, words: &[&str]) -> (i32, String, String) {
        regent(&[&["init", "--prefix", self.0.path().to_str().unwrap()], words].concat(), &[])
    }

    /// With this machine's configuration.
    fn regent(&self, words: &[&str]) -> (i32, String, String) {
        regent(words, &[("REGENT_CONFIG", &self.at("etc/regent/regent.toml"))])
    }

    fn config(&self) -> Config {
        Config::parse("regent.toml", &self.text("etc/regent/regent.toml")).unwrap().value
    }
}

/// Status, standard output, standard error.
fn regent(words: &[&str], environment: &[(&str, &Path)]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_regent"));
    command.args(words).env_clear().envs(environment.iter().copied());
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

const CONFIG: &str = "etc/regent/regent.toml";
const SECRET: &str = "etc/regent/local.secret";
const UNIT: &str = "etc/systemd/system/regentd.service";

#[test]
fn what_a_first_daemon_needs_is_written_with_its_modes() {
    let machine = Machine::initialised();
    for (path, mode) in [
        ("etc/regent", 0o755),
        ("etc/regent/plugins", 0o755),
        ("var/lib/regent", 0o700),
        ("run/regent", 0o755),
        (CONFIG, 0o644),
        (SECRET, 0o600),
        (UNIT, 0o644),
    ] {
        assert_eq!(machine.mode(path), mode, "{path}");
    }
    let config = machine.config();
    assert_eq!(config.grants, Some(machine.at("etc/regent/plugins")));
    assert_eq!(config.sockets[0].path, machine.at("run/regent/local/regent.sock"));
    let secret = machine.text(SECRET);
    assert_eq!((secret.len(), regent_grants::weak_secret(secret.trim())), (65, None));
}

#[test]
fn each_file_is_shown_as_it_is_written_but_no_secret_is() {
    let machine = Machine::new();
    let (status, out, _) = machine.init(&[]);
    assert_eq!(status, 0);
    for path in [CONFIG, UNIT] {
        let shown: String = machine.text(path).lines().map(|line| format!("    {line}\n")).collect();
        assert!(out.contains(&shown), "{path}: {out}");
    }
    assert!(out.contains("local.secret (mode 0600): a fresh secret, which is not shown"), "{out}");
    assert!(!out.contains(machine.text(SECRET).trim()));
    for next in ["regentd --config ", "regent check\n", "regent call "] {
        assert!(out.contains(next), "{next}: {out}");
    }
}

#[test]
fn what_is_there_already_is_left_as_it_is() {
    let machine = Machine::initialised();
    let secret = machine.text(SECRET);
    fs::write(machine.at(CONFIG), "mine").unwrap();
    let (status, out, _) = machine.init(&[]);
    assert_eq!(status, 0);
    assert_eq!(out.matches("exists already: left as it is").count(), 9, "{out}");
    assert_eq!((machine.text(CONFIG).as_str(), machine.text(SECRET)), ("mine", secret));
}

#[test]
fn print_shows_everything_and_writes_nothing() {
    let machine = Machine::new();
    let (status, out, err) = machine.init(&["--print"]);
    assert_eq!((status, err.as_str()), (0, "regent: nothing was written: --print\n"));
    assert!(out.contains("[[sockets]]") && out.contains("Type=notify"), "{out}");
    assert_eq!(fs::read_dir(machine.0.path()).unwrap().count(), 0);
}

/// `# key = value` and `# [table]` are lines to add: without their `# ` they must be such.
#[test]
fn what_the_comments_of_the_configuration_say_to_add_is_taken() {
    let text = Machine::initialised().text(CONFIG);
    let added = |line: &&str| line.starts_with("# [") || line.starts_with("# group =") || line.starts_with("# user =");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.iter().filter(|line| added(line)).count(), 7);
    let whole: String = lines
        .iter()
        .map(|line| if added(line) || line.starts_with("# ops =") { line.strip_prefix("# ").unwrap() } else { line })
        .map(|line| format!("{line}\n"))
        .collect();
    let config = Config::parse("regent.toml", &whole).unwrap_or_else(|mistakes| panic!("{mistakes}\n{whole}")).value;
    assert_eq!(config.members("ops"), Some(vec!["anna", "ben"]));
}

#[test]
fn the_unit_starts_the_daemon_that_lies_beside_with_the_configuration_that_was_written() {
    let machine = Machine::initialised();
    let exec = format!(" --config {}\n", machine.at(CONFIG).display());
    let unit = machine.text(UNIT);
    assert!(unit.lines().any(|line| line.starts_with("ExecStart=/") && format!("{line}\n").ends_with(&exec)), "{unit}");
    for line in ["Type=notify", "Delegate=yes", "KillMode=mixed", "ExecReload=/bin/kill -HUP $MAINPID"] {
        assert!(unit.lines().any(|known| known == line), "{line}: {unit}");
    }
}

#[test]
fn a_user_has_everything_below_the_folders_of_a_user() {
    let home = Machine::new();
    let (config, run) = (home.at("config"), home.at("run"));
    let environment = [("HOME", home.0.path()), ("XDG_CONFIG_HOME", &config), ("XDG_RUNTIME_DIR", &run)];
    let (status, out, err) = regent(&["init", "--user"], &environment);
    assert_eq!((status, err.as_str()), (0, ""), "{out}");
    let text = home.text("config/regent/regent.toml");
    let config = Config::parse("regent.toml", &text).unwrap().value;
    assert_eq!(config.state, home.at(".local/state/regent"));
    assert_eq!(config.admin.unwrap().path, home.at("run/regent-admin/admin.sock"));
    assert!(home.text("config/systemd/user/regentd.service").contains("WantedBy=default.target\n"));
    assert!(out.contains(&format!("export REGENT_CONFIG={}", home.at("config/regent/regent.toml").display())), "{out}");
}

#[test]
fn a_link_in_the_place_of_a_file_is_neither_followed_nor_replaced() {
    let machine = Machine::new();
    fs::create_dir_all(machine.at("etc/regent")).unwrap();
    fs::write(machine.at("victim"), "mine").unwrap();
    symlink(machine.at("victim"), machine.at(SECRET)).unwrap();
    symlink(machine.at("nowhere"), machine.at(CONFIG)).unwrap();
    assert_eq!(machine.init(&[]).0, 0);
    assert_eq!(machine.text("victim"), "mine");
    assert!(!machine.at("nowhere").exists() && machine.at(CONFIG).symlink_metadata().unwrap().is_symlink());
}

#[test]
fn nothing_is_written_into_a_folder_that_others_can_write() {
    let machine = Machine::new();
    fs::create_dir(machine.at("etc")).unwrap();
    fs::set_permissions(machine.at("etc"), fs::Permissions::from_mode(0o777)).unwrap();
    let (status, _, err) = machine.init(&[]);
    assert_eq!(status, 1);
    assert!(err.contains("/etc: can be written by others (mode 0777): chmod go-w"), "{err}");
    assert_eq!(fs::read_dir(machine.at("etc")).unwrap().count(), 0);
}

#[test]
fn a_socket_that_is_there_is_named_by_its_line_in_the_file_that_is_there() {
    let machine = Machine::initialised();
    assert_eq!(machine.regent(&["socket", "add", "shop", "--operations", "note"]).0, 0);
    let text = machine.text(CONFIG);
    let (above, _) = text.rsplit_once("[[sockets]]\n").unwrap();
    let line = above.lines().count() + 1;
    let (status, out, err) = machine.regent(&["socket", "add", "shop", "--operations", "note"]);
    assert_eq!((status, out.as_str()), (1, ""));
    assert!(err.contains(&format!("regent.toml:{line}: socket shop is there already")), "{err}");
    assert_eq!((machine.text(CONFIG), err.lines().count()), (text, 2), "{err}");
}

#[test]
fn a_state_folder_that_was_handed_to_the_daemons_user_is_left_as_it_is_and_one_of_anybody_else_is_refused() {
    let machine = Machine::initialised();
    let state = machine.at("var/lib/regent");
    let owned = |uid| std::os::unix::fs::chown(&state, Some(uid), Some(uid)).unwrap();
    owned(regent_grants::DAEMON_USER);
    for words in [&[][..], &["--print"]] {
        let (status, out, err) = machine.init(words);
        assert_eq!(status, 0, "{err}");
        assert!(out.contains("var/lib/regent/: exists already: left as it is"), "{out}");
    }
    let config = machine.text(CONFIG);
    fs::write(machine.at(CONFIG), format!("daemon_user = 4711\n{config}")).unwrap();
    assert_eq!(machine.init(&[]).0, 1, "it is another's");
    owned(4711);
    assert_eq!(machine.init(&[]).0, 0);
    owned(4712);
    let (status, _, err) = machine.init(&[]);
    assert_eq!(status, 1);
    assert!(err.contains("var/lib/regent: belongs to uid 4712"), "{err}");
}

#[test]
fn a_new_secret_is_another_each_time_and_no_file_is_overwritten() {
    let (status, one, err) = regent(&["secret", "new"], &[]);
    assert_eq!((status, one.len(), err.as_str()), (0, 65, ""));
    assert_ne!(one, regent(&["secret", "new"], &[]).1);
    let machine = Machine::new();
    let path = machine.at("secret");
    let words = ["secret", "new", path.to_str().unwrap()];
    assert_eq!(regent(&words, &[]), (0, String::new(), String::new()));
    let (secret, mode) = (machine.text("secret"), machine.mode("secret"));
    assert_eq!((secret.len(), mode), (65, 0o600));
    let (status, _, err) = regent(&words, &[]);
    assert_eq!((status, machine.text("secret")), (1, secret));
    assert!(err.contains("is there already, and is left as it is"), "{err}");
}

#[test]
fn a_rotated_secret_comes_first_and_the_old_ones_stay_until_it_is_finished() {
    let machine = Machine::initialised();
    let old = machine.text(SECRET);
    fs::set_permissions(machine.at(SECRET), fs::Permissions::from_mode(0o640)).unwrap();
    let owner = fs::metadata(machine.at(SECRET)).unwrap();
    let (status, out, err) = machine.regent(&["secret", "rotate", "local"]);
    assert_eq!((status, out.as_str()), (0, ""), "{err}");
    let both = machine.text(SECRET);
    let fresh = both.strip_suffix(&old).unwrap();
    assert_eq!(fresh.len(), 65);
    assert!(!err.contains(fresh.trim()) && err.contains("regent secret rotate local --finish"), "{err}");
    let (status, _, err) = machine.regent(&["secret", "rotate", "local", "--finish"]);
    assert_eq!((status, machine.text(SECRET).as_str()), (0, fresh), "{err}");
    let after = fs::metadata(machine.at(SECRET)).unwrap();
    assert_eq!((machine.mode(SECRET), after.uid(), after.gid()), (0o640, owner.uid(), owner.gid()));
    let (status, _, err) = machine.regent(&["secret", "rotate", "local", "--finish"]);
    assert_eq!((status, machine.text(SECRET).as_str()), (1, fresh));
    assert!(err.contains("has no second secret"), "{err}");
}

#[test]
fn a_rotated_secret_is_shown_only_if_that_was_said() {
    let machine = Machine::initialised();
    let (status, out, _) = machine.regent(&["secret", "rotate", "local", "--show"]);
    assert_eq!(status, 0);
    assert!(machine.text(SECRET).starts_with(&out) && out.len() == 65);
}

#[test]
fn the_secrets_of_a_socket_that_is_not_there_or_in_the_configuration_itself_are_not_rotated() {
    let machine = Machine::initialised();
    let (status, _, err) = machine.regent(&["secret", "rotate", "lokal"]);
    assert_eq!(status, 1);
    assert!(err.contains("no socket is called lokal: it has local"), "{err}");
    let text = machine.text(CONFIG).replace("secret_file = ", "secret = ");
    fs::write(machine.at(CONFIG), text).unwrap();
    let (status, _, err) = machine.regent(&["secret", "rotate", "local"]);
    assert_eq!(status, 1);
    assert!(err.contains("put it into one of its own"), "{err}");
}

#[test]
fn an_added_socket_stands_at_the_end_and_everything_before_it_is_as_it_was() {
    let machine = Machine::initialised();
    let before = machine.text(CONFIG);
    let (status, out, err) = machine.regent(&["socket", "add", "ci", "--operations", "whoami,open"]);
    assert_eq!((status, err.as_str()), (0, ""));
    assert!(machine.text(CONFIG).starts_with(&before));
    let config = machine.config();
    let socket = &config.sockets[1];
    assert_eq!((socket.name.as_str(), socket.trust_peer_uid), ("ci", false));
    assert_eq!(socket.path, machine.at("run/regent/ci/regent.sock"));
    assert!(socket.operations.sees("open") && !socket.operations.sees("reboot"));
    assert_eq!((machine.mode("etc/regent/ci.secret"), machine.text("etc/regent/ci.secret").len()), (0o600, 65));
    assert!(!out.contains(machine.text("etc/regent/ci.secret").trim()));
    assert!(out.contains("only root may connect") && out.contains("docker run") && out.contains("regent reload"));
}

#[test]
fn members_of_the_group_of_a_socket_may_read_its_secret() {
    let machine = Machine::initialised();
    let own = fs::metadata(machine.0.path()).unwrap().gid().to_string();
    let (status, out, err) = machine.regent(&["socket", "add", "ci", "--operations", "whoami", "--group", &own]);
    assert_eq!((status, err.as_str()), (0, ""));
    assert_eq!(machine.mode("etc/regent/ci.secret"), 0o640);
    assert_eq!(fs::metadata(machine.at("etc/regent/ci.secret")).unwrap().gid().to_string(), own);
    assert!(out.contains(&format!("--group-add {own} ")), "{out}");
}

#[test]
fn a_socket_with_a_mistake_writes_nothing() {
    let machine = Machine::initialised();
    let before = machine.text(CONFIG);
    for words in [
        &["local", "--operations", "whoami"][..],
        &["c i", "--operations", "whoami"],
        &["ci", "--operations", "who ami"],
        &["ci", "--operations", "whoami,whoami"],
        &["ci", "--operations", "whoami", "--mode", "rw"],
        &["ci", "--operations", "whoami", "--group", "no-such-group-here"],
        &["../ci", "--operations", "whoami"],
    ] {
        let (status, out, err) = machine.regent(&[&["socket", "add"], words].concat());
        assert!((status == 1 || status == 2) && out.is_empty() && !err.is_empty(), "{words:?}: {err}");
        assert_eq!(machine.text(CONFIG), before, "{words:?}");
        assert_eq!(fs::read_dir(machine.at("etc/regent")).unwrap().count(), 3, "{words:?}");
    }
    assert_eq!(machine.regent(&["socket", "add", "ci"]).0, 2, "which operations?");
    assert_eq!(machine.regent(&["socket", "add", "ci", "--operations", "whoami", "--print"]).0, 0);
    assert_eq!(machine.text(CONFIG), before);
}

#[test]
fn no_configuration_is_told_with_what_writes_one() {
    let machine = Machine::new();
    let (status, _, err) = machine.regent(&["secret", "rotate", "local"]);
    assert_eq!(status, 1);
    assert!(err.contains("there is no such file") && err.contains("regent init"), "{err}");
}
