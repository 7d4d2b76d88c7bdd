//! Sandboxes as they are seen from outside, in /proc, while a daemon serves; and what the programs are made of.
#![allow(clippy::disallowed_methods, reason = "a test starts what it looks at")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]

use std::fs;
use std::process::Command;

use regent_tests::{Running, World, dist, eventually, needs_root, proc, user};
use serde_json::json;

fn world() -> World {
    needs_root();
    World::new()
        .plugin("echo", "[operations.echo]\n")
        .plugin("whoami", "[operations.whoami]\n[commands.whoami]\nrun = [\"/usr/bin/whoami\"]\n")
}

fn sandboxes(running: &Running<'_>) -> Vec<u32> {
    eventually("both sandboxes run", || {
        let found = proc::named(running.pid(), "regent-sandbox");
        (found.len() == 2).then_some(found)
    })
}

#[test]
fn a_sandbox_is_nobody_elses_user_without_rights_in_namespaces_of_its_own_over_an_empty_root() {
    let world = world();
    let running = world.start().serving("echo").serving("whoami");
    assert_eq!(running.op("echo", json!(1))["data"], 1);
    let mut uids = Vec::new();
    for pid in sandboxes(&running) {
        let uid = proc::status(pid, "Uid").unwrap();
        assert!(uid.split(' ').all(|uid| uid.parse::<u32>().unwrap() >= 1_900_000_000), "{uid}");
        uids.push(uid);
        assert_eq!(proc::status(pid, "Groups").unwrap(), "");
        for (key, value) in [("NoNewPrivs", "1"), ("Seccomp", "2"), ("Threads", "5")] {
            assert_eq!(proc::status(pid, key).unwrap(), value, "{key}");
        }
        for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            assert_eq!(proc::status(pid, set).unwrap(), "0000000000000000", "{set}");
        }
        for namespace in ["user", "mnt", "net", "pid", "ipc"] {
            let of = |pid: u32| fs::read_link(format!("/proc/{pid}/ns/{namespace}")).unwrap();
            assert_ne!(of(pid), of(running.pid()), "{namespace}");
        }
        assert_eq!(fs::read_dir(format!("/proc/{pid}/root/")).unwrap().count(), 0, "the root is empty");
        assert_eq!(fs::read(format!("/proc/{pid}/environ")).unwrap(), b"", "the environment is empty");
        for (number, to) in proc::descriptors(pid) {
            let right = match number {
                0 | 1 => to == "/dev/null",
                2 => to.starts_with("pipe:"),
                3..=6 => to.starts_with("socket:"),
                _ => to.starts_with("/memfd:"),
            };
            assert!(right, "descriptor {number} is {to}");
        }
    }
    uids.sort();
    uids.dedup();
    assert_eq!(uids.len(), 2, "each plugin has a uid of its own");
}

#[test]
fn a_plugin_has_the_same_uid_after_a_restart() {
    let world = world();
    let of = |running: &Running<'_>| {
        let mut uids: Vec<_> = sandboxes(running).iter().map(|pid| proc::status(*pid, "Uid").unwrap()).collect();
        uids.sort();
        uids
    };
    let running = world.start().serving("echo").serving("whoami");
    let before = of(&running);
    running.kill();
    let running = world.start().serving("echo").serving("whoami");
    assert_eq!(of(&running), before);
}

#[test]
fn a_daemon_of_an_ordinary_user_serves_without_what_needs_root_and_says_so() {
    needs_root();
    let world = World::new().plugin("echo", "[operations.echo]\n");
    world.write_config();
    let nobody = user("nobody").to_string();
    assert!(Command::new("chown").args(["-R", &nobody]).arg(world.path("")).status().unwrap().success());
    let running = world.start_as_is(&["setpriv", "--reuid", &nobody, "--regid", &nobody, "--clear-groups"]);
    running.wait_log("plugin echo serves");
    assert!(running.log().contains("not started as root"), "{}", running.log());
    assert_eq!(running.op("echo", json!("served"))["data"], "served");
}

#[test]
fn the_daemon_is_built_without_an_engine_and_the_sandbox_without_a_compiler() {
    let tree = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()))
        .args(["tree", "--locked", "-p", "regentd", "-e", "normal", "--prefix", "none"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .unwrap();
    let tree = String::from_utf8(tree.stdout).unwrap();
    assert!(tree.contains("tokio "), "{tree}");
    assert!(!tree.contains("wasmtime") && !tree.contains("cranelift"), "{tree}");
    let has = |program: &str| {
        let bytes = fs::read(dist().join("bin").join(program)).unwrap();
        bytes.windows(17).any(|window| window == b"cranelift_codegen")
    };
    assert!(!has("regent-sandbox"));
    assert!(has("regent-compiler"), "the compiler is where it would be found");
}
