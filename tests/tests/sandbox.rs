//! What a running sandbox is, and a compiler, read from /proc: somebody else without rights, in a root with nothing in
//! it, holding what it needs and nothing more; and what of that is left out, and said, when an ordinary user runs the
//! daemon.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]
#![allow(clippy::disallowed_methods, reason = "a test looks with the system's own tools")]

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;

use regent_tests::{Running, World, dist, eventually, needs_root, proc, user};
use serde_json::json;

/// The default of `[sandbox] uids`.
const FIRST_UID: u32 = 1_900_000_000;
const UIDS: u32 = 1_000;

const LANES: usize = 4;

const ECHO: &str = "[operations.echo]\n";
const WHOAMI: &str = "[operations.whoami]\n[commands.whoami]\nrun = [\"/usr/bin/whoami\"]\n";

fn world() -> World {
    needs_root();
    World::new().plugin("echo", ECHO).plugin("whoami", WHOAMI)
}

fn serving(world: &World) -> Running<'_> {
    let running = world.start().serving("echo").serving("whoami");
    // Used once, so that all of it is there that ever will be.
    assert_eq!(running.op("echo", json!(1))["data"], 1);
    assert_eq!(running.op("whoami", json!(null))["data"], "root");
    running
}

fn sandboxes(running: &Running<'_>) -> Vec<u32> {
    proc::named(running.pid(), "regent-sandbox")
}

fn status(pid: u32, key: &str) -> String {
    proc::status(pid, key).unwrap_or_else(|| panic!("no {key} of {pid}"))
}

fn uid(pid: u32) -> u32 {
    status(pid, "Uid").split(' ').next().unwrap().parse().unwrap()
}

fn read(pid: u32, file: &str) -> Vec<u8> {
    fs::read(format!("/proc/{pid}/{file}")).unwrap_or_else(|why| panic!("/proc/{pid}/{file}: {why}"))
}

fn text(pid: u32, file: &str) -> String {
    String::from_utf8(read(pid, file)).unwrap()
}

#[test]
fn a_sandbox_is_nobody_elses_user_and_in_no_group_but_its_own() {
    let world = world();
    let running = serving(&world);
    let pids = sandboxes(&running);
    assert_eq!(pids.len(), 2, "one a plugin");
    for pid in &pids {
        let uid = uid(*pid);
        assert!((FIRST_UID..FIRST_UID + UIDS).contains(&uid), "{uid}");
        let all = vec![uid.to_string(); 4].join(" ");
        assert_eq!((status(*pid, "Uid"), status(*pid, "Gid")), (all.clone(), all));
        assert_eq!(status(*pid, "Groups"), "");
    }
    assert_ne!(uid(pids[0]), uid(pids[1]), "two plugins are two users");
}

#[test]
fn a_sandbox_has_the_same_user_after_a_restart_of_it_and_of_the_daemon_and_a_new_plugin_has_another() {
    let world = world();
    let mut before = uids(&serving(&world));
    let world = world.module("another", &dist().join("plugins/echo.wasm"), "[operations.echo]\nas = \"another\"\n");
    let running = world.start().serving("another").serving("echo").serving("whoami");
    let after = uids(&running);
    let new: Vec<_> = after.iter().filter(|uid| !before.contains(uid)).copied().collect();
    assert_eq!((after.len(), new.len()), (3, 1), "{before:?}, then {after:?}");
    before.extend(new);
    before.sort_unstable();
    assert_eq!(before, after);
    let echo = sandboxes(&running)[0];
    let own = uid(echo);
    kill(echo);
    eventually("it is gone", || proc::status(echo, "Uid").is_none().then_some(()));
    for operation in ["echo", "another"] {
        assert_eq!(running.op(operation, json!(1))["data"], 1);
    }
    assert_eq!(running.op("whoami", json!(null))["data"], "root");
    assert!(uids(&running).contains(&own), "started anew as somebody else");
}

fn uids(running: &Running<'_>) -> Vec<u32> {
    let mut uids: Vec<_> = sandboxes(running).into_iter().map(uid).collect();
    uids.sort_unstable();
    uids
}

fn kill(pid: u32) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

#[test]
fn a_sandbox_has_no_right_and_can_get_none() {
    let world = world();
    let running = serving(&world);
    for pid in sandboxes(&running) {
        assert_eq!((status(pid, "NoNewPrivs"), status(pid, "Seccomp")), ("1".into(), "2".into()));
        for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            assert_eq!(status(pid, set), "0000000000000000", "{set}");
        }
    }
}

#[test]
fn a_sandbox_shares_no_namespace_with_the_daemon_or_with_another() {
    let world = world();
    let running = serving(&world);
    let [one, other] = sandboxes(&running)[..] else { panic!("two plugins") };
    for kind in ["user", "mnt", "net", "pid", "ipc", "uts", "cgroup"] {
        let of = |pid: u32| fs::read_link(format!("/proc/{pid}/ns/{kind}")).unwrap();
        let all = [of(running.pid()), of(one), of(other)];
        assert!(all[0] != all[1] && all[0] != all[2] && all[1] != all[2], "{kind}: {all:?}");
    }
    // Nobody but the one user is known in there.
    let own = uid(one).to_string();
    for map in ["uid_map", "gid_map"] {
        assert_eq!(text(one, map).split_whitespace().collect::<Vec<_>>(), [&own, &own, "1"]);
    }
    assert!(status(one, "NSpid").ends_with(" 1"), "it is the first process that it can see");
}

#[test]
fn a_sandbox_has_an_empty_root_that_nobody_can_write() {
    let world = world();
    let running = serving(&world);
    for pid in sandboxes(&running) {
        assert_eq!(fs::read_dir(format!("/proc/{pid}/root/")).unwrap().count(), 0);
        let mounts = text(pid, "mountinfo");
        assert_eq!(mounts.lines().count(), 1, "{mounts}");
        assert!(mounts.contains(" / / ro,nosuid,nodev,noexec,"), "{mounts}");
        assert_eq!(fs::read_link(format!("/proc/{pid}/cwd")).unwrap(), Path::new("/"));
        // Its network: one interface that is down, and no route.
        let interfaces = text(pid, "net/dev");
        assert_eq!(interfaces.lines().skip(2).filter(|line| !line.trim_start().starts_with("lo:")).count(), 0);
        assert!(text(pid, "net/route").lines().count() <= 1, "more than a heading");
    }
}

#[test]
fn a_sandbox_holds_its_lanes_its_log_and_its_images_and_no_other_descriptor() {
    let world = world();
    let running = serving(&world);
    sandboxes(&running).into_iter().for_each(holds_what_it_needs_and_nothing_else);
}

fn holds_what_it_needs_and_nothing_else(pid: u32) {
    let (numbers, leads): (Vec<_>, Vec<_>) = proc::descriptors(pid).into_iter().unzip();
    assert_eq!(numbers[..3 + LANES], [0, 1, 2, 3, 4, 5, 6]);
    assert_eq!(leads[..2], ["/dev/null", "/dev/null"]);
    assert!(leads[2].starts_with("pipe:"), "{leads:?}");
    assert!(leads[3..3 + LANES].iter().all(|to| to.starts_with("socket:")), "{leads:?}");
    let images = &leads[3 + LANES..];
    assert!(!images.is_empty() && images.iter().all(|to| to.starts_with("/memfd:")), "{leads:?}");
}

#[test]
fn a_sandbox_is_one_thread_a_lane_and_the_clock_and_knows_no_environment_and_no_core_is_written_of_it() {
    let world = world();
    let running = serving(&world);
    for pid in sandboxes(&running) {
        let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
        let mut names: Vec<_> = tasks
            .map(|task| fs::read_to_string(task.unwrap().path().join("comm")).unwrap().trim().to_owned())
            .collect();
        names.sort_unstable();
        assert_eq!(names, ["lane", "lane", "lane", "regent-sandbox", "ticker"]);
        assert_eq!(read(pid, "environ"), b"");
        let interpreted = std::env::var("REGENT_ENGINE").is_ok_and(|engine| engine == "interpreter");
        assert_eq!(
            text(pid, "cmdline"),
            if interpreted { "regent-sandbox\0--interpreter\0" } else { "regent-sandbox\0" }
        );
        let limits = text(pid, "limits");
        let limit = |name: &str| {
            let line = limits.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{limits}"));
            line.split_whitespace().take(2).map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(limit("Max core file size"), ["0", "0"]);
        assert_eq!(limit("Max open files"), ["64", "64"]);
        assert_eq!(limit("Max processes"), ["64", "64"]);
        assert_eq!(limit("Max address space"), [(2_u64 << 30).to_string(), (2_u64 << 30).to_string()]);
        assert_eq!(limit("Max file size"), [(64_u64 << 20).to_string(), (64_u64 << 20).to_string()]);
        assert_eq!(text(pid, "oom_score_adj").trim(), "0");
        // Undumpable: its /proc belongs to root, so not even its own user can look into it.
        assert_eq!(fs::metadata(format!("/proc/{pid}/environ")).unwrap().uid(), 0);
    }
}

#[test]
fn a_compiler_at_work_is_as_shut_in_as_a_sandbox_and_stands_back_for_everybody() {
    needs_root();
    let world = World::new().plugin("python", "[operations.say]\n");
    let running = world.start();
    // It takes seconds. What it gives up itself it gives up before it reads the module.
    let pid = eventually("a compiler is at work", || {
        let pid = *proc::named(running.pid(), "regent-compiler").first()?;
        (proc::status(pid, "Seccomp")? == "2").then_some(pid)
    });
    assert_eq!(status(pid, "NoNewPrivs"), "1");
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        assert_eq!(status(pid, set), "0000000000000000", "{set}");
    }
    assert!((FIRST_UID..FIRST_UID + UIDS).contains(&uid(pid)), "{}", uid(pid));
    let own = uid(pid).to_string();
    assert_eq!(status(pid, "Uid"), [&*own; 4].join(" "));
    for kind in ["user", "mnt", "net", "pid", "ipc", "uts", "cgroup"] {
        let of = |pid: u32| fs::read_link(format!("/proc/{pid}/ns/{kind}")).unwrap();
        assert_ne!(of(running.pid()), of(pid), "{kind}");
    }
    assert_eq!(read(pid, "environ"), b"");
    assert_eq!(fs::metadata(format!("/proc/{pid}/environ")).unwrap().uid(), 0, "undumpable");
    // What it reads, where it writes, and where it says why it cannot: pipes and sealed memory, and copies of them.
    let leads = proc::descriptors(pid);
    assert!(leads.iter().all(|(_, to)| to.starts_with("pipe:") || to.starts_with("/memfd:")), "{leads:?}");
    let limits = text(pid, "limits");
    for (name, most) in [("Max cpu time", 30), ("Max address space", 2_u64 << 30), ("Max open files", 8)] {
        let line = limits.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        let limit: Vec<_> = line.split_whitespace().take(2).collect();
        assert_eq!(limit, [&most.to_string(); 2], "{name}");
    }
    // After the name in brackets; the 19th field is the niceness.
    let niceness = text(pid, "stat").rsplit(") ").next().unwrap().split(' ').nth(19 - 3).map(str::to_owned);
    assert_eq!(niceness.as_deref(), Some("15"));
}

/// Its clock sleeps for a while after a request; the kernel goes on with a stopped sleep by a call of its own.
#[test]
fn a_sandbox_that_is_stopped_and_goes_on_is_the_same_one() {
    let world = world();
    let running = serving(&world);
    let before = sandboxes(&running);
    let signal = |signal| {
        for pid in &before {
            let pid = rustix::process::Pid::from_raw(pid.cast_signed()).unwrap();
            rustix::process::kill_process(pid, signal).unwrap();
        }
    };
    for _ in 0..10 {
        assert_eq!(running.op("echo", json!(1))["data"], 1);
        signal(rustix::process::Signal::STOP);
        std::thread::sleep(std::time::Duration::from_millis(30));
        signal(rustix::process::Signal::CONT);
    }
    assert_eq!(running.op("echo", json!(2))["data"], 2);
    assert_eq!(sandboxes(&running), before);
}

#[test]
fn a_daemon_of_an_ordinary_user_serves_without_what_needs_root_and_says_so() {
    let world = world();
    let nobody = user("nobody").to_string();
    // The programs too: what is built may lie where only its builder may go.
    copy(&dist().join("bin"), &world.path("bin"));
    world.write_config();
    let chown = Command::new("chown").args(["-R", &nobody]).arg(world.path("")).status().unwrap();
    assert!(chown.success());
    let own = format!(
        "exec setpriv --reuid {nobody} --regid {nobody} --clear-groups -- {} \"$@\"",
        world.path("bin/regentd").display()
    );
    let running = world.start_as_is(&["sh", "-c", &own]).serving("echo").serving("whoami");
    assert_eq!(uid(running.pid()).to_string(), nobody);
    let said = "not started as root: sandboxes share this user's uid and its groups";
    assert!(running.log().contains(said), "{}", running.log());
    assert_eq!(running.op("echo", json!({"a": [1]}))["data"], json!({"a": [1]}));
    assert_eq!(running.op("whoami", json!(null))["data"], "nobody");
    let pids = sandboxes(&running);
    assert_eq!(pids.len(), 2);
    for pid in pids {
        assert_eq!(uid(pid).to_string(), nobody);
        // What an ordinary user can give it has: namespaces of its own, and nothing in its root.
        assert_eq!((status(pid, "NoNewPrivs"), status(pid, "Seccomp")), ("1".into(), "2".into()));
        for kind in ["user", "mnt", "net", "pid", "ipc", "uts", "cgroup"] {
            let of = |pid: u32| fs::read_link(format!("/proc/{pid}/ns/{kind}")).unwrap();
            assert_ne!(of(running.pid()), of(pid), "{kind}");
        }
        assert_eq!(fs::read_dir(format!("/proc/{pid}/root/")).unwrap().count(), 0);
        assert_eq!(status(pid, "CapBnd"), "0000000000000000");
        assert_eq!(read(pid, "environ"), b"");
        holds_what_it_needs_and_nothing_else(pid);
    }
}

/// A folder of programs.
fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[test]
fn the_daemon_links_no_engine_and_no_compiler() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    for package in ["regentd", "regent-dry-run"] {
        let out = Command::new(&cargo)
            .args(["tree", "--offline", "--locked", "--package", package, "--edges", "normal", "--prefix", "none"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap();
        let tree = String::from_utf8(out.stdout).unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        assert!(tree.starts_with(&format!("{package} ")) && tree.contains("tokio "), "{tree}");
        for line in tree.lines() {
            assert!(!line.contains("wasmtime") && !line.contains("cranelift") && !line.contains("wasm"), "{line}");
        }
    }
}

#[test]
fn the_sandbox_has_no_compiler_in_it_and_the_compiler_has() {
    let holds = |program: &str| {
        let bytes = fs::read(dist().join("bin").join(program)).unwrap();
        let name = b"cranelift_codegen";
        bytes.windows(name.len()).any(|window| window == name)
    };
    assert!(!holds("regent-sandbox"));
    assert!(!holds("regentd"));
    assert!(!holds("regent-dry-run"));
    assert!(holds("regent-compiler"), "or this test looks for the wrong name");
}

#[test]
fn what_stands_in_the_empty_root_is_static() {
    for program in ["regent-sandbox", "regent-compiler"] {
        let bytes = fs::read(dist().join("bin").join(program)).unwrap();
        let interpreter = b"/ld-linux";
        assert!(!bytes.windows(interpreter.len()).any(|window| window == interpreter), "{program} asks for a loader");
    }
}
