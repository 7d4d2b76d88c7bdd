//! The two engines: what is served is the same and each limit the same on either, and on the interpreter a sandbox has
//! no memory that could be executed but its own program's.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]

use std::fs;

use regent_tests::{Running, World, code, eventually, fixture, needs_root, proc};
use serde_json::{Value, json};

const ENGINES: [&str; 2] = ["native", "interpreter"];

const ECHO: &str = "[operations.echo]\n";
const HELD: &str = r#"
sha256 = "PIN"
[operations.whoami]
require = [{ step = "approval", of = "ops" }]
[commands.whoami]
run = ["/usr/bin/whoami"]
"#;
const WITHOUT_CODE: &str = r#"
[operations.greet]
run = ["/usr/bin/printf", "hello %s", "{name}"]
params.name = { type = "text", pattern = "[a-z]+" }
"#;
const PYTHON: &str = r#"
[operations.say]
[commands.say]
run = ["/usr/bin/echo", "{text}"]
params.text = { type = "text", pattern = "[a-z ]+", max = 64 }
"#;

/// The C library's own, by which it has all threads change their user: it is set as the first thread starts, nobody but
/// the process itself sends it, and the calls that it is for are refused.
const SET_ID: u32 = 33;

fn sandbox(running: &Running<'_>) -> u32 {
    let pids = proc::named(running.pid(), "regent-sandbox");
    assert_eq!(pids.len(), 1, "{pids:?}");
    pids[0]
}

/// Each mapping that may be executed: what is mapped, empty where it is nothing but memory.
fn executable(pid: u32) -> Vec<String> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let fields = maps.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    fields
        .filter(|fields| fields[1].contains('x'))
        .map(|fields| fields.get(5).copied().unwrap_or("").to_owned())
        .collect()
}

/// Whether it is the program itself, or what the kernel gives every process.
fn is_own(mapped: &str) -> bool {
    mapped.ends_with("/regent-sandbox") || ["[vdso]", "[vsyscall]"].contains(&mapped)
}

/// Signals that a handler of the process catches.
fn caught(pid: u32) -> Vec<u32> {
    let set = u64::from_str_radix(&proc::status(pid, "SigCgt").unwrap(), 16).unwrap();
    (1..=64).filter(|signal| set >> (signal - 1) & 1 == 1).collect()
}

/// An echo that has been asked on each lane, so that all is mapped that ever will be.
fn asked(running: &Running<'_>) {
    std::thread::scope(|scope| {
        for number in 0..8 {
            scope.spawn(move || assert_eq!(running.op("echo", json!(number))["data"], number));
        }
    });
}

#[test]
fn on_the_interpreter_nothing_but_its_own_program_is_executable_in_a_sandbox_and_no_fault_has_a_handler() {
    needs_root();
    let world = World::new().engine("interpreter").plugin("echo", ECHO);
    let running = world.start().serving("echo");
    asked(&running);
    let pid = sandbox(&running);
    let mapped = executable(pid);
    assert!(mapped.iter().all(|mapped| is_own(mapped)), "{mapped:?}");
    assert_eq!(caught(pid), [SET_ID]);
}

#[test]
fn on_the_processor_compiled_code_is_executable_memory_and_its_traps_are_signals() {
    needs_root();
    let world = World::new().engine("native").plugin("echo", ECHO);
    let running = world.start().serving("echo");
    asked(&running);
    let pid = sandbox(&running);
    let mapped = executable(pid);
    assert!(mapped.iter().any(|mapped| !is_own(mapped)), "{mapped:?}");
    assert_eq!(caught(pid), [4, 7, 8, 11, SET_ID], "SIGILL, SIGBUS, SIGFPE and SIGSEGV");
}

#[test]
fn every_kind_of_plugin_serves_alike_on_either_engine() {
    needs_root();
    for engine in ENGINES {
        let world = World::new()
            .engine(engine)
            .plugin("whoami", "[operations.whoami]\n[commands.whoami]\nrun = [\"/usr/bin/whoami\"]\n")
            .without_code("greet", WITHOUT_CODE)
            .plugin("python", PYTHON);
        let running = world.start().serving("whoami").serving("greet").serving("python");
        assert_eq!(running.op("whoami", Value::Null)["data"], "root", "{engine}");
        assert_eq!(running.op("greet", json!({"name": "ben"}))["data"], "hello ben", "{engine}");
        assert_eq!(code(&running.op("greet", json!({"name": "BEN"}))), "invalid-data", "{engine}");
        let said = running.op("say", json!({"text": "hello there"}));
        assert_eq!(said["data"], json!({"asked": "hello there", "said": "hello there"}), "{engine}: {said}");
        assert_eq!(code(&running.op("say", json!({"text": "; reboot"}))), "invalid-data", "{engine}");
        let status: Value = serde_json::from_str(&running.regent(&["status", "--json"]).stdout).unwrap();
        assert_eq!(status["engine"], engine);
    }
}

#[test]
fn each_limit_ends_a_plugin_alike_on_either_engine_and_it_serves_on() {
    needs_root();
    let grants = fs::read_to_string(fixture("hostile.toml")).unwrap();
    for engine in ENGINES {
        let world = World::new().engine(engine).plugin("hostile", &grants);
        let running = world.start().serving("hostile");
        for (op, word, why) in [
            ("loop", "timeout", "plugin-timeout: it ran too long: it ran for "),
            ("allocate", "failed", "plugin-memory: it wanted too much: it wanted "),
            ("recurse", "failed", "plugin-trap: it trapped: "),
            ("trap", "failed", "plugin-trap: it trapped: it reached `unreachable`"),
            ("loop-in-finish", "timeout", "plugin-timeout: it ran too long: it ran for "),
        ] {
            let reply = running.op(op, Value::Null);
            assert_eq!(code(&reply), word, "{op} on {engine}: {reply}");
            let reference = format!("ref {}:", reply["ref"].as_str().unwrap());
            let line = eventually("the log says why", || {
                running.log().lines().find(|line| line.contains(&reference)).map(str::to_owned)
            });
            assert!(line.contains(why), "{op} on {engine}: {line}");
            assert_eq!(running.op("well", Value::Null)["data"], "well", "after {op} on {engine}");
        }
    }
}

#[test]
fn the_grants_file_of_a_plugin_wins_and_the_list_tells_what_is_not_the_default() {
    needs_root();
    let interpreted = format!("engine = \"interpreter\"\n{ECHO}");
    let other = "engine = \"native\"\n[operations.echo]\nas = \"other\"\n";
    let world = World::new().engine("native").plugin("echo", &interpreted);
    let world = world.module("other", &regent_tests::dist().join("plugins/echo.wasm"), other);
    let running = world.start().serving("echo").serving("other");
    assert_eq!(
        (running.op("echo", json!(1))["data"].clone(), running.op("other", json!(2))["data"].clone()),
        (json!(1), json!(2))
    );
    assert_eq!(running.plugin("echo")["engine"], "interpreter");
    assert_eq!(running.plugin("other")["engine"], Value::Null);
    assert!(running.regent(&["plugin", "list", "echo"]).stdout.contains("    engine      interpreter\n"));
    assert!(!running.regent(&["plugin", "list", "other"]).stdout.contains("engine"));
    let executable: Vec<bool> = proc::named(running.pid(), "regent-sandbox")
        .into_iter()
        .map(|pid| executable(pid).iter().any(|mapped| !is_own(mapped)))
        .collect();
    assert!(executable.contains(&true) && executable.contains(&false), "{executable:?}");
}

#[test]
fn another_engine_in_the_file_starts_the_plugin_anew_and_voids_nothing_that_is_held() {
    needs_root();
    let world = World::new().engine("native").plugin("whoami", HELD);
    let running = world.start().serving("whoami");
    let before = sandbox(&running);
    let held = running.op("whoami", json!({"n": 1}));
    assert_eq!(held["state"], "held");
    let id = running.only_pending();
    let pinned = HELD.replace("PIN", &world.digest("whoami"));
    world.put("grants/whoami.toml", format!("engine = \"interpreter\"\n{pinned}"));
    eventually("it is on the interpreter", || (running.plugin("whoami")["engine"] == "interpreter").then_some(()));
    let after = eventually("the former sandbox is gone", || {
        let pids = proc::named(running.pid(), "regent-sandbox");
        (pids.len() == 1 && pids[0] != before).then(|| pids[0])
    });
    assert!(executable(after).iter().all(|mapped| is_own(mapped)));
    let approved = running.regent_as("games", &["approve", &id]);
    assert_eq!(approved.status, 0, "{approved:?}");
    let read = || running.ask(json!({"uid": held["uid"], "data": null}));
    let done = eventually("it has run", || Some(read()).filter(|reply| reply["state"] == "done"));
    assert_eq!(done["data"], "root");
}

#[test]
fn an_engine_that_there_is_not_leaves_what_serves_as_it_is_and_that_of_all_changes_with_a_restart_only() {
    let world = World::new().engine("native").plugin("echo", ECHO);
    let running = world.start().serving("echo");
    world.put("grants/echo.toml", format!("engine = \"jit\"\n{ECHO}"));
    let reloaded = running.regent(&["reload"]);
    assert_eq!(reloaded.status, 78, "{reloaded:?}");
    let said = reloaded.stdout + &reloaded.stderr;
    assert!(said.contains("echo.toml:1: no engine is called \"jit\": write \"native\" or \"interpreter\""), "{said}");
    assert_eq!(running.op("echo", json!(1))["data"], 1);
    world.put("grants/echo.toml", ECHO);
    let config = world.config().replace("engine = \"native\"", "engine = \"interpreter\"");
    fs::write(world.path("regent.toml"), config).unwrap();
    let reloaded = running.regent(&["reload"]);
    assert_eq!(reloaded.status, 78, "{reloaded:?}");
    let said = reloaded.stdout + &reloaded.stderr;
    assert!(said.contains("[sandbox] has changed: restart needed"), "{said}");
    assert_eq!(running.plugin("echo")["engine"], Value::Null);
}

#[test]
fn a_trial_runs_on_the_engine_that_is_typed_or_else_on_that_of_the_grants() {
    let folder = tempfile::tempdir().unwrap();
    let module = folder.path().join("echo.wasm");
    fs::write(&module, regent_tests::bytes("echo")).unwrap();
    let world = World::new().plugin("echo", ECHO);
    let running = world.start();
    let module = module.to_str().unwrap();
    let tried = |words: &[&str]| {
        let cli = running.regent(&[&["plugin", "run", "--json"], words, &[module, "echo", "a=1"]].concat());
        assert_eq!(cli.status, 0, "{cli:?}");
        let report: Value = serde_json::from_str(&cli.stdout).unwrap();
        assert_eq!(report["reply"], json!({"a": 1}));
        report["engine"].as_str().unwrap().to_owned()
    };
    fs::write(folder.path().join("echo.toml"), ECHO).unwrap();
    assert_eq!((tried(&[]), tried(&["--engine", "interpreter"])), ("native".into(), "interpreter".into()));
    fs::write(folder.path().join("echo.toml"), format!("engine = \"interpreter\"\n{ECHO}")).unwrap();
    assert_eq!((tried(&[]), tried(&["--engine", "native"])), ("interpreter".into(), "native".into()));
    assert_eq!(running.regent(&["plugin", "run", "--engine", "jit", module, "echo"]).status, 2);
}
