//! Whose rights a trial has that root started: nobody's, from before it looks at a stranger's module, unless it
//! performs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test that cannot go on panics, and starts what it tests"
)]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use regent_tests::{dist, eventually, fixture, needs_root, proc, user};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

/// Whom a trial becomes: no user, and not the one that a daemon becomes.
const NOBODYS: u32 = 1_899_999_998;

fn words(pid: u32, key: &str) -> Vec<String> {
    proc::status(pid, key).unwrap().split_whitespace().map(str::to_owned).collect()
}

/// One of Regent's programs that runs, and all that it started.
struct Going(Child);

impl Going {
    fn start(program: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(dist().join("bin").join(program));
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null());
        Self(command.spawn().unwrap())
    }

    /// The `regent-dry-run` that tries, while its compiler is at work.
    #[track_caller]
    fn compiling(&self) -> u32 {
        eventually("the module is compiled", || {
            let is = |pid: u32, name: &str| {
                let line = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                line.split('\0').next().is_some_and(|program| Path::new(program).ends_with(name))
            };
            let all: Vec<u32> = [self.0.id()].into_iter().chain(proc::descendants(self.0.id())).collect();
            let compiler = all.iter().any(|pid| is(*pid, "regent-compiler"));
            all.into_iter().find(|pid| compiler && is(*pid, "regent-dry-run"))
        })
    }
}

impl Drop for Going {
    fn drop(&mut self) {
        // What it started ends with it; of a command line's, `regent-dry-run` is one of these.
        let below = proc::descendants(self.0.id());
        let _already_ended = self.0.kill();
        for pid in below.into_iter().filter_map(|pid| Pid::from_raw(pid.cast_signed())) {
            let _ended_with_it = kill_process(pid, Signal::KILL);
        }
        let _ended = self.0.wait();
    }
}

/// A folder that root alone can enter.
struct Bench(tempfile::TempDir);

impl Bench {
    fn new() -> Self {
        needs_root();
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// For root alone.
    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path.display().to_string()
    }

    fn module(&self, name: &str) -> String {
        let shipped = dist().join("plugins").join(Path::new(name).file_name().unwrap());
        self.write(name, fs::read(shipped).unwrap())
    }

    fn config(&self) -> String {
        let folder = self.path("plugins").display().to_string();
        self.write(
            "regent.toml",
            format!(
                "plugins = [\"{folder}\"]\nstate = \"/s\"\n[[sockets]]\nname = \"web\"\npath = \"/r/web/s.sock\"\n\
                 secret_file = \"/r/secret\"\noperations = [\"echo\"]\n"
            ),
        )
    }
}

/// What `regent-dry-run` says by root, and how it ends.
#[track_caller]
fn told(arguments: &[&str]) -> (Value, i32) {
    let out = Command::new(dist().join("bin/regent-dry-run")).args(arguments).stdin(Stdio::null()).output().unwrap();
    (serde_json::from_slice(&out.stdout).unwrap_or_else(|why| panic!("{why}: {out:?}")), out.status.code().unwrap())
}

#[test]
fn who_looks_at_a_strangers_module_as_root_is_nobody_before_it_is_compiled() {
    let bench = Bench::new();
    let module = bench.write("plugins/python.wasm", fs::read(fixture("python.wasm")).unwrap());
    let config = bench.config();
    for (program, arguments) in [
        ("regent-dry-run", vec!["inspect", &module]),
        ("regent-dry-run", vec!["run", &module, "say"]),
        ("regent", vec!["plugin", "inspect", &module]),
        ("regent", vec!["plugin", "enable", &module, "--config", &config, "--print"]),
        ("regent", vec!["plugin", "run", &module, "say"]),
    ] {
        let going = Going::start(program, &arguments);
        let pid = going.compiling();
        for (key, is) in [("Uid", NOBODYS), ("Gid", NOBODYS)] {
            assert_eq!(words(pid, key), [(); 4].map(|()| is.to_string()), "{arguments:?}");
        }
        assert!(words(pid, "Groups").is_empty(), "{arguments:?}");
        for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            assert_eq!(words(pid, set), ["0000000000000000"], "{set}: {arguments:?}");
        }
        assert_eq!((words(pid, "NoNewPrivs"), words(pid, "Seccomp")), (vec!["1".into()], vec!["2".into()]));
    }
    // Of this root is told that it stays root.
    let going = Going::start("regent-dry-run", &["run", &module, "say", "--perform"]);
    assert_eq!(words(going.compiling(), "Uid"), ["0"; 4]);
}

#[test]
fn what_only_root_may_read_is_read_for_root_all_the_same() {
    let bench = Bench::new();
    let module = bench.module("plugins/whoami.wasm");
    bench.write("plugins/whoami.toml", "[operations.whoami]\n[commands.whoami]\nrun = [\"/usr/bin/whoami\"]\n");
    let config = bench.config();
    for what in [&["inspect", &module][..], &["inspect", "whoami", "--config", &config]] {
        let (found, status) = told(what);
        assert_eq!((status, &found["operations"][0]["name"]), (0, &json!("whoami")), "{found}");
    }
    let (tried, status) = told(&["run", "--json", &module, "whoami", "--config", &config]);
    assert_eq!((status, &tried["plan"][0]["argv"]), (0, &json!(["/usr/bin/whoami"])), "{tried}");
    assert_eq!((&tried["plan"][0]["run_as"], &tried["results"]), (&json!("root"), &Value::Null), "as root, if at all");
}

#[test]
fn where_root_can_become_nobody_it_looks_at_nothing_and_is_told_what_to_do() {
    let bench = Bench::new();
    let module = bench.module("echo.wasm");
    let mut alone = Command::new("unshare");
    alone.args(["--user", "--map-root-user"]).arg(dist().join("bin/regent-dry-run")).args(["inspect", &module]);
    let out = alone.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8(out.stderr).unwrap();
    assert_eq!((out.status.code(), out.stdout.len()), (Some(69), 0), "{said}");
    assert!(said.contains(&format!("cannot become uid {NOBODYS}: ")) && said.contains("as an ordinary user"), "{said}");
}

#[test]
fn a_text_of_somebody_elses_is_not_parsed_while_a_trial_is_root() {
    let bench = Bench::new();
    fs::set_permissions(bench.0.path(), fs::Permissions::from_mode(0o755)).unwrap();
    bench.module("plugins/echo.wasm");
    let config = bench.config();
    let by_name = ["inspect", "echo", "--config", &config];
    assert_eq!(told(&by_name).1, 0);
    chown(&config, Some(user("nobody")), None).unwrap();
    let (found, status) = told(&by_name);
    let why = found["reasons"][0].as_str().unwrap();
    assert!(status == 65 && why.ends_with("Root reads it only if nobody else can change it"), "{found}");

    // Two modules, and which is meant stands in Cargo.toml.
    let folder = bench.path("crate").display().to_string();
    bench.module("crate/target/regent/echo.wasm");
    bench.module("crate/target/regent/whoami.wasm");
    let cargo = bench.write("crate/Cargo.toml", "[package]\nname = \"whoami\"\n");
    let (found, status) = told(&["inspect", &folder]);
    assert_eq!((status, &found["operations"][0]["name"]), (0, &json!("whoami")), "{found}");
    chown(&cargo, Some(user("nobody")), None).unwrap();
    let (found, status) = told(&["inspect", &folder]);
    assert!(status == 65 && found["reasons"][0].as_str().unwrap().contains("name the one that you mean"), "{found}");
}

#[test]
fn a_program_that_only_root_may_look_at_is_told_so_and_is_seen_where_root_performs() {
    let bench = Bench::new();
    let module = bench.module("whoami.wasm");
    let program = bench.write("bin/me", fs::read("/usr/bin/whoami").unwrap());
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
    bench.write("whoami.toml", format!("[operations.whoami]\n[commands.whoami]\nrun = [\"{program}\"]\n"));
    let (tried, status) = told(&["run", "--json", &module, "whoami"]);
    assert_eq!((status, &tried["error"]["code"]), (78, &json!("host")), "{tried}");
    let last = tried["error"]["why"].as_array().unwrap().last().unwrap();
    assert_eq!(
        last,
        &json!(format!("without --perform it is looked at as uid {NOBODYS}, which may open less than root"))
    );
    let (tried, status) = told(&["run", "--json", &module, "whoami", "--perform"]);
    assert_eq!((status, &tried["reply"]), (0, &json!("root")), "{tried}");
}

/// Who has the folder may have made it a link to what only root reads, or a pipe that nobody writes into.
#[test]
fn what_lies_beside_a_module_is_no_link_for_root_and_no_pipe() {
    let bench = Bench::new();
    let module = bench.module("plugins/echo.wasm");
    let grants = bench.path("plugins/echo.toml");
    let roots = bench.write("roots.toml", "[operations.echo]\n");
    std::os::unix::fs::symlink(&roots, &grants).unwrap();
    let trial = ["run", "--json", &module, "echo"];
    let (tried, status) = told(&trial);
    assert!(
        status != 0 && tried.to_string().contains("is a symbolic link: root follows it only where it is named"),
        "{tried}"
    );
    let (tried, status) = told(&[&trial[..], &["--grants", &roots]].concat());
    assert_eq!(status, 0, "{tried}");
    fs::remove_file(&grants).unwrap();
    let made = Command::new("mkfifo").arg(&grants).status().unwrap();
    assert!(made.success());
    assert_eq!(told(&trial).1, 0, "what is no file is no grants file");
}

#[test]
fn root_performs_by_no_configuration_of_somebody_elses() {
    let bench = Bench::new();
    fs::set_permissions(bench.0.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let module = bench.module("plugins/echo.wasm");
    bench.write("plugins/echo.toml", "[operations.echo]\n");
    let config = bench.config();
    let performs = ["run", "--json", "--perform", &module, "echo", "--config", &config];
    assert_eq!(told(&performs).1, 0);
    chown(&config, Some(user("nobody")), None).unwrap();
    let (tried, status) = told(&performs);
    assert!(
        status != 0 && tried.to_string().contains("Root runs commands only by files that nobody else can change"),
        "{tried}"
    );
}

#[test]
fn a_trial_ends_with_who_started_it_whatever_its_module_makes_of_it() {
    let bench = Bench::new();
    let python = bench.write("python.wasm", fs::read(fixture("python.wasm")).unwrap());
    let regent = Going::start("regent", &["plugin", "inspect", &python]);
    let trial = regent.compiling();
    assert_ne!(trial, regent.0.id());
    let pid = |pid: u32| Pid::from_raw(pid.cast_signed()).unwrap();
    // It hears nothing, as one that somebody has taken over would.
    kill_process(pid(trial), Signal::STOP).unwrap();
    kill_process(pid(regent.0.id()), Signal::KILL).unwrap();
    eventually("it is gone", || proc::status(trial, "State").is_none_or(|state| state.starts_with('Z')).then_some(()));
}
