//! Layers of the sandbox that a machine does not have: as root the daemon does not start and names each, unless the
//! administrator accepted that; as an ordinary user it serves without, and says so.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]
#![allow(clippy::disallowed_methods, reason = "a test starts what withholds a layer")]

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use regent_tests::{Injected, World, dist, eventually, needs_root, proc, user};
use serde_json::{Value, json};

/// EX_UNAVAILABLE.
const CANNOT_START: i32 = 69;

/// A kernel that was started without Landlock.
const WITHOUT_LANDLOCK: [&str; 8] = [
    "strace",
    "-f",
    "-o",
    "/dev/null",
    "-e",
    "trace=landlock_create_ruleset",
    "-e",
    "inject=landlock_create_ruleset:error=EOPNOTSUPP",
];
/// One of before Linux 3.17, or with a filter around it that lets no further one be made.
const WITHOUT_SECCOMP: [&str; 8] =
    ["strace", "-f", "-o", "/dev/null", "-e", "trace=seccomp", "-e", "inject=seccomp:error=EINVAL"];

/// A kernel that takes the call and does nothing.
const LYING_LANDLOCK: [&str; 8] = [
    "strace",
    "-f",
    "-o",
    "/dev/null",
    "-e",
    "trace=landlock_restrict_self",
    "-e",
    "inject=landlock_restrict_self:retval=0",
];
const LYING_SECCOMP: [&str; 8] =
    ["strace", "-f", "-o", "/dev/null", "-e", "trace=seccomp", "-e", "inject=seccomp:retval=0"];
/// The same to the daemon alone, and not to what it starts.
const LYING_TO_THE_DAEMON: [&str; 7] =
    ["strace", "-o", "/dev/null", "-e", "trace=seccomp", "-e", "inject=seccomp:retval=0"];

/// Namespaces that a sandbox can lack without the daemon's making no user map, as clone(2) is asked for them.
const NAMESPACES: [(&str, i32); 6] = [
    ("mnt", libc::CLONE_NEWNS),
    ("pid", libc::CLONE_NEWPID),
    ("net", libc::CLONE_NEWNET),
    ("ipc", libc::CLONE_NEWIPC),
    ("uts", libc::CLONE_NEWUTS),
    ("cgroup", libc::CLONE_NEWCGROUP),
];

fn world() -> World {
    needs_root();
    World::new().plugin("echo", "[operations.echo]\n")
}

/// The daemon over this world by this program, until it ends by itself.
fn refused(world: &World, wrapper: &[&str]) -> (Option<i32>, String) {
    let config = world.write_config();
    // One that starts all the same would serve for ever.
    let out = Command::new("timeout")
        .arg("60")
        .args(wrapper)
        .arg(dist().join("bin/regentd"))
        .arg("--config")
        .arg(config)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    (out.status.code(), String::from_utf8(out.stderr).unwrap())
}

/// regent.toml with these layers accepted to be missing.
fn accepting(world: &World, layers: &[&str]) {
    let path = world.write_config();
    let text = fs::read_to_string(&path).unwrap();
    assert!(!text.contains("[sandbox]"), "one engine for every test is not for these");
    fs::write(path, format!("{text}\n[sandbox]\nallow_missing = {}\n", json!(layers))).unwrap();
}

#[test]
fn a_layer_that_is_missing_ends_the_start_as_root_and_is_named_with_its_cure() {
    for (wrapper, layer, why) in [
        (WITHOUT_LANDLOCK, "landlock", "this kernel has none (Linux 5.13)"),
        (WITHOUT_SECCOMP, "seccomp", "no filter: "),
    ] {
        let world = world();
        let (status, said) = refused(&world, &wrapper);
        assert_eq!(status, Some(CANNOT_START), "{said}");
        let line = said.lines().find(|line| line.starts_with("regentd: error: ")).unwrap();
        assert!(line.starts_with(&format!("regentd: error: sandboxes lack a layer, {layer}: {why}")), "{line}");
        let cure = format!("write allow_missing = [\"{layer}\"] under [sandbox] in regent.toml");
        assert!(line.contains("docs/confinement.md") && line.ends_with(&cure), "{line}");
        assert!(!world.socket_path("web").exists(), "nothing listens");
    }
}

#[test]
fn a_layer_that_the_kernel_accepts_and_does_not_give_ends_the_start_like_one_that_is_missing() {
    for (wrapper, layer, why) in [
        (LYING_LANDLOCK, "landlock", "it was accepted, and the root can still be read"),
        (LYING_SECCOMP, "seccomp", "it was accepted, and the kernel says "),
    ] {
        let world = world();
        let (status, said) = refused(&world, &wrapper);
        assert_eq!(status, Some(CANNOT_START), "{said}");
        let so = format!("regentd: error: sandboxes lack a layer, {layer}: {why}");
        assert!(said.contains(&so), "{so} in {said}");
        assert!(!world.socket_path("web").exists(), "nothing listens");
    }
}

/// It needs its own list of system calls less than it needs that of sandboxes.
#[test]
fn a_filter_that_the_daemon_asked_for_and_has_not_is_said() {
    let world = world();
    let running = world.start_under(&LYING_TO_THE_DAEMON).serving("echo");
    let so = "warning: regentd may make any system call: seccomp: it was accepted, and the kernel says ";
    assert!(running.log().contains(so), "{}", running.log());
    assert_eq!(proc::status(running.pid(), "Seccomp").unwrap(), "0");
}

/// What comes of the next sandbox where the kernel clones into all namespaces but these, and says nothing of it.
fn born_without(withheld: i32) -> String {
    let world = world();
    let running = world.start().serving("echo");
    let spawner = proc::named(running.pid(), "regent-spawner")[0];
    let all = NAMESPACES.iter().fold(libc::CLONE_NEWUSER, |all, (_, flag)| all | flag);
    // The lower half of the flags, in which all of them stand.
    let flags = (all & !withheld).to_le_bytes().map(|byte| format!("{byte:02x}")).concat();
    let _lying = Injected::at(spawner, &format!("clone3:poke_enter=@arg1={flags}"));
    let sandbox = proc::named(running.pid(), "regent-sandbox")[0];
    let sandbox = rustix::process::Pid::from_raw(sandbox.cast_signed()).unwrap();
    rustix::process::kill_process(sandbox, rustix::process::Signal::KILL).unwrap();
    eventually("the daemon says what came of another", || {
        running.log().lines().find(|line| line.contains(" new sandbox serves")).map(str::to_owned)
    })
}

/// Who is in the daemon's namespace of IPC or of control groups could not see it from inside.
#[test]
fn a_sandbox_that_is_still_in_a_namespace_of_the_daemons_is_not_started() {
    let serves = born_without(0);
    assert!(serves.contains("plugin echo: a new sandbox serves"), "{serves}");
    for (name, flag) in NAMESPACES {
        let does_not = born_without(flag);
        let why = "plugin echo: no new sandbox serves: its sandbox cannot be started: ";
        assert!(does_not.contains(why), "{name}: {does_not}");
    }
}

#[test]
fn what_was_accepted_to_be_missing_is_served_without_and_status_says_so() {
    let world = world();
    accepting(&world, &["landlock"]);
    let running = world.start_as_is(&WITHOUT_LANDLOCK).serving("echo");
    assert_eq!(running.op("echo", json!(1))["data"], 1);
    assert!(running.log().contains("warning: no landlock: this kernel has none"), "{}", running.log());
    let status: Value = serde_json::from_str(&running.regent(&["status", "--json"]).stdout).unwrap();
    let lacks = status["lacks"].to_string();
    assert!(lacks.contains("no landlock: "), "{lacks}");
    assert!(running.regent(&["status"]).stdout.contains("no landlock: "));
}

#[test]
fn what_was_accepted_to_be_missing_and_is_there_is_asked_for_all_the_same_and_that_is_said() {
    let world = world();
    accepting(&world, &["landlock", "ipc-namespace"]);
    let running = world.start_as_is(&[]).serving("echo");
    for layer in ["landlock", "ipc-namespace"] {
        running.wait_log(&format!("allow_missing names {layer}, which is there: take it out"));
    }
    let sandbox = proc::named(running.pid(), "regent-sandbox")[0];
    let of = |pid: u32| fs::read_link(format!("/proc/{pid}/ns/ipc")).unwrap();
    assert_ne!(of(running.pid()), of(sandbox));
}

#[test]
fn a_name_that_is_no_layers_is_a_mistake() {
    let world = world();
    accepting(&world, &["landlok"]);
    let config = world.path("regent.toml");
    let out = Command::new(dist().join("bin/regentd")).arg("--config").arg(config).arg("--check").output().unwrap();
    let said = String::from_utf8(out.stdout).unwrap();
    assert!(said.contains("allow_missing: landlok is no layer of the sandbox: write user-namespace, "), "{said}");
}

/// A user namespace in which everybody is who they are outside, root too, and in which no further one of these kinds
/// can be made: what a hardened machine or a container gives its root.
struct Without {
    holder: Child,
}

impl Without {
    fn namespaces(kinds: &[&str]) -> Self {
        let holder = Command::new("unshare").args(["--user", "sleep", "1000"]).spawn().unwrap();
        let user = |pid: u32| fs::read_link(format!("/proc/{pid}/ns/user")).unwrap();
        eventually("it is in another namespace", || (user(holder.id()) != user(std::process::id())).then_some(()));
        for map in ["uid_map", "gid_map"] {
            fs::write(format!("/proc/{}/{map}", holder.id()), "0 0 4294967295\n").unwrap();
        }
        let without = Self { holder };
        for kind in kinds {
            let [program, words @ ..] = without.enter();
            let limit = format!("echo 0 > /proc/sys/user/max_{kind}_namespaces");
            assert!(Command::new(program).args(words).args(["sh", "-c", &limit]).status().unwrap().success());
        }
        without
    }

    /// The words by which a program is started in there.
    fn enter(&self) -> [String; 4] {
        ["nsenter".into(), format!("--target={}", self.holder.id()), "--user".into(), "--preserve-credentials".into()]
    }
}

impl Drop for Without {
    fn drop(&mut self) {
        let _gone = self.holder.kill();
        let _gone = self.holder.wait();
    }
}

#[test]
fn namespaces_that_cannot_be_had_are_named_one_by_one() {
    for kinds in [
        &[("user", "user-namespace"), ("net", "network-namespace")][..],
        &[("mnt", "mount-namespace")],
        &[("pid", "pid-namespace")],
        &[("ipc", "ipc-namespace")],
        &[("uts", "uts-namespace")],
        &[("cgroup", "cgroup-namespace")],
    ] {
        let world = world();
        let without = Without::namespaces(&kinds.iter().map(|(kind, _)| *kind).collect::<Vec<_>>());
        let enter = without.enter();
        let (status, said) = refused(&world, &enter.each_ref().map(String::as_str));
        assert_eq!(status, Some(CANNOT_START), "{said}");
        let named: Vec<_> = said.lines().filter(|line| line.contains("sandboxes lack a layer, ")).collect();
        assert_eq!(named.len(), kinds.len(), "{said}");
        for (line, (_, layer)) in named.iter().zip(kinds) {
            assert!(line.contains(&format!("a layer, {layer}: namespaces: ")), "{said}");
        }
    }
}

#[test]
fn without_a_user_namespace_the_others_still_hold() {
    let world = world();
    accepting(&world, &["user-namespace"]);
    let without = Without::namespaces(&["user"]);
    let enter = without.enter();
    let running = world.start_as_is(&enter.each_ref().map(String::as_str)).serving("echo");
    assert_eq!(running.op("echo", json!(1))["data"], 1);
    let sandbox = proc::named(running.pid(), "regent-sandbox")[0];
    let of = |pid: u32, kind: &str| fs::read_link(format!("/proc/{pid}/ns/{kind}")).unwrap();
    assert_eq!(of(running.pid(), "user"), of(sandbox, "user"));
    for kind in ["mnt", "net", "pid", "ipc", "uts", "cgroup"] {
        assert_ne!(of(running.pid(), kind), of(sandbox, kind), "{kind}");
    }
    let status = |key: &str| proc::status(sandbox, key).unwrap();
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        assert_eq!(status(set), "0000000000000000", "{set}");
    }
    assert!(!status("Uid").starts_with('0'));
}

#[test]
fn an_ordinary_users_daemon_serves_without_what_cannot_be_had_and_says_it() {
    let world = world();
    copy(&dist().join("bin"), &world.path("bin"));
    world.write_config();
    let nobody = user("nobody").to_string();
    assert!(Command::new("chown").args(["-R", &nobody]).arg(world.path("")).status().unwrap().success());
    let without = Without::namespaces(&["user"]);
    let own = format!(
        "exec setpriv --reuid {nobody} --regid {nobody} --clear-groups -- {} \"$@\"",
        world.path("bin/regentd").display()
    );
    let [program, target, user, credentials] = without.enter();
    let running = world.start_as_is(&[&program, &target, &user, &credentials, "sh", "-c", &own]).serving("echo");
    assert_eq!(running.op("echo", json!(1))["data"], 1);
    for layer in ["user-namespace", "mount-namespace", "network-namespace"] {
        assert!(running.log().contains(&format!("warning: no {layer}: ")), "{layer}: {}", running.log());
    }
    let sandbox = proc::named(running.pid(), "regent-sandbox")[0];
    assert_eq!(proc::status(sandbox, "Seccomp").unwrap(), "2");
    assert_eq!(proc::status(sandbox, "NoNewPrivs").unwrap(), "1");
}

#[test]
fn a_module_is_tried_by_root_with_every_layer_or_not_at_all() {
    needs_root();
    let try_it = |wrapper: &[&str]| -> Output {
        let module = dist().join("plugins/echo.wasm");
        let [program, arguments @ ..] = wrapper else { panic!("nothing withholds anything") };
        let trial = ["run", "--json"];
        Command::new(program)
            .args(arguments)
            .arg(dist().join("bin/regent-dry-run"))
            .args(trial)
            .arg(module)
            .arg("echo")
            .output()
            .unwrap()
    };
    let out = try_it(&WITHOUT_LANDLOCK);
    let said = String::from_utf8(out.stderr).unwrap();
    assert_eq!(out.status.code(), Some(CANNOT_START), "{said}");
    assert!(said.contains("sandboxes lack a layer, landlock: ") && said.contains("as an ordinary user"), "{said}");
    let out = try_it(&["env"]);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
}

/// A folder of programs.
fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}
