//! `plugin enable`, `upgrade`, `rollback` and `disable` from outside. `regent-dry-run` is a script here
//! (tests/install/regent-dry-run), which finds in a module what stands in it: its digest is the file's first line, and
//! the rest is what it says of itself. The daemon is one that answers once.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails may panic")]
#![allow(clippy::disallowed_methods, reason = "these tests start the program that they are about")]

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const ONE: &str = "1111111111111111111111111111111111111111111111111111111111111111";
const TWO: &str = "2222222222222222222222222222222222222222222222222222222222222222";

/// A module that says this of itself.
fn module(digest: &str, said: &str) -> String {
    format!("{digest}\n{said}")
}

const OPENS: &str = r#""operations":[{"name":"open","summary":"Open a port"}],
"wants":[{"command":"add","slots":["ip"],"reason":"adds the rule"}]"#;
const REBOOTS: &str = r#""operations":[{"name":"open","summary":"Open a port"}],
"wants":[{"command":"add","slots":["ip"],"reason":"adds the rule"},{"command":"reboot","slots":[],"reason":"why not"}]"#;

/// A machine with a program, a `regent-dry-run` and a configuration.
struct Machine(tempfile::TempDir);

impl Machine {
    fn new() -> Self {
        let machine = Self(tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap());
        for folder in ["bin", "grants", "plugins", "state/modules"] {
            fs::create_dir_all(machine.at(folder)).unwrap();
        }
        fs::hard_link(env!("CARGO_BIN_EXE_regent"), machine.at("bin/regent")).unwrap();
        // Linked: a script that was just written may be still open in a sibling test's child, and does not start then.
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/install/regent-dry-run");
        symlink(script, machine.at("bin/regent-dry-run")).unwrap();
        let root = machine.0.path().display();
        machine.write(
            "regent.toml",
            &format!(
                "plugins = [\"{root}/plugins\"]\ngrants = \"{root}/grants\"\nstate = \"{root}/state\"\n[[sockets]]\n\
                 name = \"a\"\npath = \"{root}/run/a/s\"\nsecret_file = \"{root}/s\"\noperations = [\"*\"]\n"
            ),
        );
        machine
    }

    /// With a plugin `open` that is granted, pinned to the module that it has.
    fn with_plugin() -> Self {
        let machine = Self::new();
        machine.write("plugins/open.wasm", &module(ONE, OPENS));
        machine.write("grants/open.toml", &granted(&format!("sha256 = [\"{ONE}\"]\n")));
        machine.write(&format!("state/modules/{ONE}.wasm"), &module(ONE, OPENS));
        machine.write("state/modules/open.json", &format!("{{\"accepted\":\"{ONE}\",\"before\":[]}}"));
        machine
    }

    /// The same, and the module is another by now.
    fn with_another() -> Self {
        let machine = Self::with_plugin();
        machine.write("plugins/open.wasm", &module(TWO, REBOOTS));
        machine
    }

    fn at(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        fs::write(self.at(path), text).unwrap();
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.at(path)).unwrap()
    }

    fn grants(&self) -> Vec<String> {
        let entries = fs::read_dir(self.at("grants")).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Status, standard output, standard error.
    fn regent(&self, words: &[&str]) -> (i32, String, String) {
        let mut command = Command::new(self.at("bin/regent"));
        command.arg("plugin").args(words).env_clear().env("PATH", "/usr/bin:/bin").stdin(Stdio::null());
        command.env("REGENT_CONFIG", self.at("regent.toml")).env("REGENT_ADMIN", self.at("admin"));
        let Output { status, stdout, stderr } = command.output().unwrap();
        (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
    }

    fn json(&self, words: &[&str]) -> Value {
        let (status, out, err) = self.regent(&[words, &["--json"]].concat());
        assert_eq!((status, err.as_str()), (0, ""), "{out}");
        serde_json::from_str(&out).unwrap()
    }

    /// A daemon that says once what is held.
    fn holding(&self, operations: &[&str]) -> std::thread::JoinHandle<()> {
        let hold = |(number, operation): (usize, &&str)| {
            format!(
                r#"{{"id":"h-{number}","operation":"{operation}","state":"held","requester":"www-data",
                "from":{{"socket":"a","uid":33,"gid":33}},"asked":"","expires":"","data":null,"summary":"","plan":[],"steps":[]}}"#
            )
            .replace('\n', "")
        };
        let holds: Vec<_> = operations.iter().enumerate().map(hold).collect();
        let listener = UnixListener::bind(self.at("admin")).unwrap();
        std::thread::spawn(move || {
            let mut peer = BufReader::new(listener.accept().unwrap().0);
            peer.read_line(&mut String::new()).unwrap();
            writeln!(peer.get_mut(), "{{\"success\":true,\"uid\":null,\"data\":[{}]}}", holds.join(",")).unwrap();
        })
    }
}

fn granted(pin: &str) -> String {
    format!(
        "# mine\n{pin}\n[operations.open]   # as it is\nas = \"open-it\"\n\n[commands.add]\nrun = [\"/usr/bin/true\"]\n"
    )
}

#[test]
fn a_plugin_is_enabled_with_its_pin_and_nothing_granted() {
    let machine = Machine::new();
    machine.write("plugins/open.wasm", &module(ONE, OPENS));
    let (status, out, err) = machine.regent(&["enable", "open", "--yes"]);
    assert_eq!((status, err.as_str()), (0, ""));
    let text = machine.text("grants/open.toml");
    let live: Vec<&str> = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    assert_eq!(live, [format!("sha256 = [\"{ONE}\"]")]);
    for said in ["# [operations.open]\n", "# [commands.add]\n", "adds the rule", "Open a port"] {
        assert!(text.contains(said) && out.contains(said), "{said}: {out}");
    }
    assert!(out.contains("regent check") && !out.contains("install -m"), "{out}");
    let mode = fs::metadata(machine.at("grants/open.toml")).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o644);
}

/// Whoever took over the program that looked at it would write the grants otherwise.
#[test]
fn a_digest_that_regent_dry_run_says_is_one_or_nothing_is_written() {
    let machine = Machine::new();
    let lines = "\\\"]\\n[operations.open]\\nrun = [\\\"/usr/bin/id\\\"]\\n# ";
    for said in [format!("{ONE}{lines}"), ONE.replacen('1', "g", 1), ONE[..63].to_owned()] {
        machine.write("plugins/open.wasm", &module(&said, OPENS));
        let (status, out, err) = machine.regent(&["enable", "open", "--yes"]);
        assert!(status == 1 && err.contains("regent-dry-run says what is no digest"), "{status} {out}{err}");
        assert!(!err.contains("\n[operations"), "and it is harmless: {err}");
        assert!(!machine.at("grants/open.toml").exists() && !machine.at("plugins/open.toml").exists());
    }
}

#[test]
fn a_module_that_is_not_installed_yet_is_enabled_by_its_file_and_where_it_belongs_is_told() {
    let machine = Machine::new();
    machine.write("open.wasm", &module(ONE, OPENS));
    let file = machine.at("open.wasm").display().to_string();
    let (status, out, err) = machine.regent(&["enable", &file, "--yes"]);
    assert_eq!((status, err.as_str()), (0, ""));
    assert!(out.contains(&format!("install -m 0644 {file} {}", machine.at("plugins/open.wasm").display())), "{out}");
    assert_eq!(machine.grants(), ["open.toml"]);
}

#[test]
fn a_grants_file_that_is_there_is_left_as_it_is() {
    let machine = Machine::with_another();
    let before = machine.text("grants/open.toml");
    let (status, out, _) = machine.regent(&["enable", "open", "--yes"]);
    assert_eq!((status, machine.text("grants/open.toml")), (0, before));
    assert!(out.contains("exists already: left as it is") && out.contains("regent plugin upgrade open"), "{out}");
    assert_eq!(machine.json(&["enable", "open"])["state"], "there");
}

#[test]
fn who_cannot_be_asked_and_did_not_say_yes_writes_nothing() {
    let machine = Machine::with_another();
    machine.write("plugins/new.wasm", &module(ONE, OPENS));
    let before = machine.text("grants/open.toml");
    let (status, _, err) = machine.regent(&["enable", "new"]);
    assert_eq!(status, 2);
    assert!(err.contains("there is nobody to ask: say --yes"), "{err}");
    let (status, _, err) = machine.regent(&["upgrade", "open"]);
    assert_eq!(status, 2);
    assert!(err.contains(&format!("say --yes --sha256 {TWO}")), "{err}");
    assert_eq!(machine.regent(&["upgrade", "open", "--yes"]).0, 2, "yes to what?");
    assert_eq!((machine.grants(), machine.text("grants/open.toml")), (vec!["open.toml".to_owned()], before));
}

#[test]
fn print_shows_the_file_and_writes_nothing() {
    let machine = Machine::with_another();
    machine.write("plugins/new.wasm", &module(ONE, OPENS));
    let before = machine.text("grants/open.toml");
    let (status, out, _) = machine.regent(&["enable", "new", "--print"]);
    assert!(status == 0 && out.contains("# [operations.open]"), "{out}");
    let (status, out, _) = machine.regent(&["upgrade", "open", "--print"]);
    assert!(status == 0 && out.contains(&format!("# before: {ONE}\nsha256 = [\"{TWO}\"]\n")), "{out}");
    let (status, out, _) = machine.regent(&["disable", "open", "--print"]);
    assert!(status == 0 && out.contains("would be renamed"), "{out}");
    assert_eq!((machine.grants(), machine.text("grants/open.toml")), (vec!["open.toml".to_owned()], before));
}

#[test]
fn a_module_that_no_daemon_would_serve_is_neither_enabled_nor_accepted() {
    let machine = Machine::with_plugin();
    machine.write("plugins/open.wasm", "bad\n");
    machine.write("plugins/new.wasm", "bad\n");
    let before = machine.text("grants/open.toml");
    for words in [&["enable", "new", "--yes"][..], &["upgrade", "open", "--yes", "--sha256", TWO]] {
        let (status, out, err) = machine.regent(words);
        assert_eq!((status, out.as_str()), (65, ""));
        assert!(err.contains("plugin-import: imports sockets") && err.contains("no daemon would serve it"), "{err}");
    }
    assert_eq!((machine.grants(), machine.text("grants/open.toml")), (vec!["open.toml".to_owned()], before));
}

#[test]
fn an_upgrade_shows_what_changes_and_pins_the_new_module_alone() {
    let machine = Machine::with_another();
    let (status, out, err) = machine.regent(&["upgrade", "open", "--yes", "--sha256", TWO]);
    assert_eq!((status, err.as_str()), (0, ""));
    assert!(out.contains("+ command reboot\n") && out.contains("why not") && !out.contains("operation open"), "{out}");
    let wanted = granted(&format!("# before: {ONE}\nsha256 = [\"{TWO}\"]\n"));
    assert_eq!(machine.text("grants/open.toml"), wanted);
    let again = machine.json(&["upgrade", "open", "--yes", "--sha256", TWO]);
    assert_eq!((&again["written"], machine.text("grants/open.toml")), (&Value::Bool(false), wanted));
}

#[test]
fn granted_operations_that_the_new_module_does_not_have_are_told() {
    let machine = Machine::with_another();
    let said = "\"operations\":[{\"name\":\"close\"}]";
    machine.write("plugins/open.wasm", &module(TWO, said));
    let (_, out, _) = machine.regent(&["upgrade", "open", "--print"]);
    assert!(out.contains("until they do not: open\n"), "{out}");
    let before = machine.text("grants/open.toml");
    let (status, _, err) = machine.regent(&["upgrade", "open", "--yes", "--sha256", TWO]);
    assert_eq!((status, machine.text("grants/open.toml")), (1, before));
    assert!(err.contains("take [operations.open] out of ") && err.contains("grants/open.toml first"), "{err}");
    assert_eq!(machine.json(&["upgrade", "open", "--print"])["lost"], serde_json::json!(["open"]));
    machine.write("plugins/open.wasm", &module(TWO, "\"operations\":[{\"name\":\"*\"}]"));
    assert_eq!(machine.json(&["upgrade", "open", "--print"])["lost"], serde_json::json!([]));
}

#[test]
fn a_script_accepts_exactly_the_module_that_it_named() {
    let machine = Machine::with_another();
    let before = machine.text("grants/open.toml");
    for other in [ONE, "22", ""] {
        let (status, _, err) = machine.regent(&["upgrade", "open", "--yes", "--sha256", other]);
        assert_eq!((status, machine.text("grants/open.toml").as_str()), (1, before.as_str()), "{other}");
        assert!(err.contains(&format!("has sha256 {TWO} and not {other}")), "{err}");
    }
}

#[test]
fn holds_that_become_void_are_told_by_what_callers_call_the_operation() {
    let machine = Machine::with_another();
    let daemon = machine.holding(&["other", "open-it", "open"]);
    let (_, out, _) = machine.regent(&["upgrade", "open", "--print"]);
    daemon.join().unwrap();
    assert!(out.contains("What is held becomes void:\n  h-1: open-it for www-data\n"), "{out}");
    assert!(!out.contains("h-0") && !out.contains("h-2"), "{out}");
    fs::remove_file(machine.at("admin")).unwrap();
    let daemon = machine.holding(&["open-it"]);
    let report = machine.json(&["upgrade", "open", "--print"]);
    daemon.join().unwrap();
    assert_eq!((&report["voids"][0], &report["changes"][0]["name"]), (&"h-0".into(), &"reboot".into()));
}

#[test]
fn without_a_daemon_the_holds_are_unknown_and_without_a_kept_module_the_changes_are() {
    let machine = Machine::with_another();
    let (_, out, _) = machine.regent(&["upgrade", "open", "--print"]);
    assert!(out.contains("Which holds become void is unknown: "), "{out}");
    fs::remove_dir_all(machine.at("state")).unwrap();
    let (_, out, _) = machine.regent(&["upgrade", "open", "--print"]);
    assert!(out.contains("What was accepted before is not known here") && out.contains("+ operation open"), "{out}");
    let report = machine.json(&["upgrade", "open", "--print"]);
    assert_eq!((&report["voids"], &report["changes"]), (&Value::Null, &Value::Null));
    assert_eq!((&report["sha256"], &report["before"][0]), (&TWO.into(), &ONE.into()));
}

#[test]
fn a_rollback_pins_what_served_before_and_only_what_is_still_kept() {
    let machine = Machine::with_another();
    let kept = machine.at(&format!("state/modules/{TWO}.wasm"));
    let before = machine.text("grants/open.toml");
    let (status, _, err) = machine.regent(&["rollback", "open"]);
    assert_eq!(status, 1);
    assert!(err.contains("no module served before the present one"), "{err}");
    machine.write("state/modules/open.json", &format!("{{\"accepted\":\"{ONE}\",\"before\":[\"{TWO}\",\"x\"]}}"));
    let (status, _, err) = machine.regent(&["rollback", "open"]);
    assert_eq!((status, machine.text("grants/open.toml")), (1, before));
    assert!(err.contains("is no longer kept"), "{err}");
    fs::write(kept, module(TWO, OPENS)).unwrap();
    // What the daemon alone noted is nobody's word.
    let before = machine.text("grants/open.toml");
    for words in [&["rollback", "open"][..], &["rollback", "open", "--sha256", ONE]] {
        let (status, _, err) = machine.regent(words);
        assert!(status != 0 && (err.contains("there is nobody to ask") || err.contains("and not 1111")), "{err}");
        assert_eq!(machine.text("grants/open.toml"), before);
    }
    let report = machine.json(&["rollback", "open", "--sha256", TWO]);
    assert_eq!((&report["sha256"], &report["written"]), (&TWO.into(), &true.into()));
    assert!(machine.text("grants/open.toml").contains(&format!("# before: {ONE}\nsha256 = [\"{TWO}\"]\n")));
}

#[test]
fn a_list_of_several_pins_loses_none_by_an_upgrade_and_by_a_rollback_only_what_it_goes_back_from() {
    let machine = Machine::with_another();
    let third = "c".repeat(64);
    let text = granted(&format!("sha256 = [\"{ONE}\", \"{third}\"]\n"));
    machine.write("grants/open.toml", &text);
    let (status, out, err) = machine.regent(&["upgrade", "open", "--yes", "--sha256", TWO]);
    assert_eq!(status, 0, "{err}");
    assert!(out.contains(&format!("Pinned as before: {ONE}, {third}\n")), "{out}");
    assert_eq!(machine.text("grants/open.toml"), granted(&format!("sha256 = [\"{TWO}\", \"{ONE}\", \"{third}\"]\n")));
    machine.write("state/modules/open.json", &format!("{{\"accepted\":\"{TWO}\",\"before\":[\"{ONE}\"]}}"));
    let (status, out, err) = machine.regent(&["rollback", "open"]);
    assert_eq!(status, 0, "{err}");
    assert!(out.contains(&format!("Pinned as before: {third}\n")), "{out}");
    let wanted = granted(&format!("# before: {TWO}\nsha256 = [\"{ONE}\", \"{third}\"]\n"));
    assert_eq!(machine.text("grants/open.toml"), wanted);
}

#[test]
fn a_rollback_from_a_pin_that_never_served_is_to_what_did() {
    let machine = Machine::with_another();
    machine.write("grants/open.toml", &granted(&format!("sha256 = [\"{TWO}\"]\n")));
    machine.write("state/modules/open.json", &format!("{{\"accepted\":\"{ONE}\",\"before\":[]}}"));
    let report = machine.json(&["rollback", "open", "--sha256", ONE]);
    assert_eq!((&report["sha256"], &report["written"]), (&ONE.into(), &true.into()));
    assert_eq!(machine.text("grants/open.toml"), granted(&format!("# before: {TWO}\nsha256 = [\"{ONE}\"]\n")));
}

#[test]
fn what_is_disabled_comes_back_as_it_was() {
    let machine = Machine::with_plugin();
    let before = machine.text("grants/open.toml");
    let (status, out, _) = machine.regent(&["disable", "open"]);
    assert!(status == 0 && out.contains("Back: regent plugin enable open"), "{out}");
    assert_eq!(machine.grants(), ["open.toml.disabled"]);
    assert_eq!(machine.regent(&["disable", "open"]).0, 1, "it is away");
    assert_eq!(machine.json(&["enable", "open"])["state"], "back");
    assert_eq!((machine.grants(), machine.text("grants/open.toml")), (vec!["open.toml".to_owned()], before));
    machine.write("grants/open.toml.disabled", "older");
    let (status, _, err) = machine.regent(&["disable", "open"]);
    assert!(status == 1 && err.contains("is there already"), "{err}");
    assert_eq!(machine.text("grants/open.toml.disabled"), "older");
}

#[test]
fn a_name_that_is_none_leads_nowhere() {
    let machine = Machine::with_plugin();
    for words in
        [["disable", "../open"], ["upgrade", "a/b"], ["rollback", ""], ["enable", "a b"], ["enable", "/tmp/a b.wasm"]]
    {
        let (status, _, err) = machine.regent(&words);
        assert!(status == 2 && err.contains("is no name of a plugin"), "{words:?}: {err}");
    }
    let (status, _, err) = machine.regent(&["upgrade", "other"]);
    assert!(status == 1 && err.contains("there is no other.toml in ") && err.contains("plugin enable other"), "{err}");
    let (status, _, err) = machine.regent(&["enable", "other", "--yes"]);
    assert!(status == 1 && err.contains("there is no other.wasm in "), "{err}");
}
