//! Secrets: of sockets, tried by callers, replaced, mistyped in the configuration, in the wrong place. After a day of
//! these none is in a log, a file, a process list or an environment, nor in the memory of any of the daemon's
//! processes, which nobody but root can read.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]
#![allow(clippy::disallowed_methods, reason = "a test looks as another user")]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use regent_tests::{Running, World, eventually, memory, needs_root, proc, user};
use serde_json::{Value, json};

/// Secrets of one test; nobody else's memory has them.
struct Secrets(Vec<String>);

impl Secrets {
    fn new() -> Self {
        Self(Vec::new())
    }

    /// One more. What is random comes first, so that a part of it is known again.
    fn fresh(&mut self) -> String {
        let random = fs::read_to_string("/proc/sys/kernel/random/uuid").unwrap();
        self.0.push(random.trim().replace('-', ""));
        self.0.last().unwrap().clone()
    }
}

/// Asks once, whatever comes of it; the reply shows nothing of what was asked.
fn tried(running: &Running<'_>, socket: &str, line: &str, secrets: &Secrets) {
    let mut wire = running.connect_to(socket);
    wire.send(format!("{line}\n").as_bytes());
    let reply = wire.line().unwrap_or_default();
    nothing_in("a reply", reply.as_bytes(), secrets);
}

#[track_caller]
fn nothing_in(place: &str, bytes: &[u8], secrets: &Secrets) {
    for secret in &secrets.0 {
        assert!(!memory::contains(bytes, secret.as_bytes()), "{secret} is in {place}");
    }
}

/// All that callers do with secrets, right and wrong.
fn a_day_of_requests(running: &Running<'_>, socket: &str, right: &str, secrets: &mut Secrets) {
    let escaped: String = right.chars().map(|letter| format!("\\u{:04x}", u32::from(letter))).collect();
    let mut lines = vec![
        json!({"secret": right, "op": "echo", "data": 1}).to_string(),
        format!("{{\"secret\": \"{escaped}\", \"op\": \"echo\"}}"),
        json!({"secret": right, "op": "nonsense"}).to_string(),
        json!({"secret": right, "op": 7}).to_string(),
        json!({"secret": right, "uid": "u", "data": null}).to_string(),
        format!("{{\"secret\": \"{right}\", \"secret\": \"{right}\", \"op\": \"echo\"}}"),
        format!("{{\"secret\": [\"{right}\"], \"op\": \"echo\"}}"),
        format!("{{\"secret\": \"{right}\", \"op\": \"echo\""),
        format!("{{\"secret\": \"{right}\" \"op\"}}"),
        format!("{{\"secret\": \"{right}\", \"op\": \"echo\", \"data\": \"{}\"}}", "x".repeat(70_000)),
        format!("{{\"secret\": \"{right}\", \"op\": \"echo\", \"data\": \"{}\"}}", "x".repeat(30_000)),
    ];
    // What is tried is somebody's secret, too.
    lines.push(json!({"secret": secrets.fresh(), "op": "echo"}).to_string());
    lines.push(secrets.fresh());
    let kept = json!({"secret": right, "op": "echo", "data": "kept"}).to_string();
    tried(running, socket, &kept, secrets);
    std::thread::scope(|scope| {
        let secrets = &*secrets;
        lines.iter().for_each(|line| drop(scope.spawn(move || tried(running, socket, line, secrets))));
    });
    // To the wrong socket: the administrators'.
    let mut admin = regent_tests::Wire::connect(&running.world.admin_path());
    nothing_in("a reply", admin.raw(&kept).to_string().as_bytes(), secrets);
}

/// regent.toml as the administrator writes it next; whether it counts.
fn reload(running: &Running<'_>, text: &str, applies: bool, secrets: &Secrets) {
    fs::write(running.world.path("regent.toml"), text).unwrap();
    let reloaded = running.regent(&["reload"]);
    assert_eq!(reloaded.status == 0, applies, "{reloaded:?}");
    let checked = running.regent_over_config(&["check"]);
    for told in [reloaded, checked] {
        nothing_in("what `regent` says", told.stdout.as_bytes(), secrets);
        nothing_in("what `regent` says", told.stderr.as_bytes(), secrets);
    }
}

/// Mistakes that people make with a secret.
fn a_day_of_mistakes(running: &Running<'_>, good: &str, secret: &str, secrets: &Secrets) {
    let line = format!("secret = \"{secret}\"");
    for instead in [
        format!("secret = \"{secret}"),
        format!("secret = {secret}"),
        format!("secret = [\"{secret}\"]"),
        format!("secert = \"{secret}\""),
        format!("secret_file = \"{secret}\""),
        format!("{line}\n{line}"),
        format!("{line}\nsecret_file = \"/{secret}\""),
        format!("{line}\nmode = \"{secret}\""),
        format!("{secret} = 1"),
    ] {
        let text = good.replace(&line, &instead);
        // A file's name or a key's is no secret where it stands: it is shown, or nobody could find the mistake.
        let shown = instead.contains("\"/") || instead.starts_with(secret);
        let all = if shown { &Secrets::new() } else { secrets };
        reload(running, &text, false, all);
    }
    reload(running, good, true, secrets);
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn processes(running: &Running<'_>) -> Vec<u32> {
    [vec![running.pid()], proc::descendants(running.pid())].concat()
}

#[track_caller]
fn nothing_is_left(running: &Running<'_>, secrets: &Secrets) {
    for folder in ["state", "log"] {
        for file in files(&running.world.path(folder)) {
            nothing_in(&file.display().to_string(), &fs::read(&file).unwrap(), secrets);
        }
    }
    for pid in processes(running) {
        for file in ["environ", "cmdline", "comm"] {
            let path = format!("/proc/{pid}/{file}");
            nothing_in(&path, &fs::read(&path).unwrap(), secrets);
        }
        // What is on its way to be freed may take a moment.
        let name = proc::status(pid, "Name").unwrap();
        let mut found = Vec::new();
        for _ in 0..20 {
            found = memory::found(pid, &secrets.0);
            if found.is_empty() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
        assert!(found.is_empty(), "the memory of {name} has {found:#?}");
    }
}

#[test]
fn after_a_day_of_requests_mistakes_and_reloads_no_secret_is_left_anywhere() {
    needs_root();
    let mut secrets = Secrets::new();
    let (text, filed) = (secrets.fresh(), secrets.fresh());
    let world = World::new().plugin("echo", "[operations.echo]\n");
    let file = world.path("filed.secret");
    fs::write(&file, format!("{filed}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let of_file = format!(
        "[[sockets]]\nname = \"filed\"\npath = \"{}\"\nsecret_file = \"{}\"\noperations = [\"*\"]\n",
        world.socket_path("filed").display(),
        file.display()
    );
    let world = world.socket_with("text", &text, "operations = [\"*\"]").socket_lines(&of_file);
    let running = world.start().serving("echo");
    // A connection that is kept has nothing of its last request.
    let mut kept = running.connect_to("text");
    assert_eq!(kept.ask(&json!({"secret": text, "op": "echo", "data": 1}))["data"], 1);
    for (socket, secret) in [("text", &text), ("filed", &filed)] {
        a_day_of_requests(&running, socket, secret, &mut secrets);
    }
    let good = fs::read_to_string(world.path("regent.toml")).unwrap();
    a_day_of_mistakes(&running, &good, &text, &secrets);
    // Both are replaced; the former ones are nobody's any more.
    let (later_text, later_filed) = (secrets.fresh(), secrets.fresh());
    fs::write(&file, format!("{later_filed}\n{filed}\n")).unwrap();
    reload(&running, &good.replace(&text, &later_text), true, &secrets);
    for (socket, secret) in [("text", &later_text), ("filed", &later_filed), ("filed", &filed)] {
        let reply = running.connect_to(socket).ask(&json!({"secret": secret, "op": "echo", "data": 2}));
        assert_eq!(reply["data"], 2);
    }
    nothing_in("the daemon's log", running.log().as_bytes(), &without_shown(&secrets, &text));
    nothing_is_left(&running, &secrets);
    assert!(!memory::found(std::process::id(), &secrets.0).is_empty(), "where they are, they are found");
    drop(kept);
}

/// All but the one that an administrator wrote in the place of a file's name or of a key.
fn without_shown(secrets: &Secrets, shown: &str) -> Secrets {
    Secrets(secrets.0.iter().filter(|secret| *secret != shown).cloned().collect())
}

#[test]
fn no_core_is_written_of_any_process_and_only_root_can_look_into_one() {
    needs_root();
    let world = World::new().plugin("echo", "[operations.echo]\n");
    let running = world.start_under(&["prlimit", "--core=unlimited"]).serving("echo");
    assert_eq!(running.op("echo", json!(1))["data"], 1);
    let all = processes(&running);
    assert!(all.len() >= 3, "the daemon, the spawner, a sandbox: {all:?}");
    for pid in all {
        let name = proc::status(pid, "Name").unwrap();
        let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"], "{name}");
        // Undumpable: its /proc belongs to root, whoever it runs as.
        assert_eq!(fs::metadata(format!("/proc/{pid}/mem")).unwrap().uid(), 0, "{name}");
        let uid = proc::status(pid, "Uid").unwrap().split(' ').next().unwrap().to_owned();
        if uid != "0" {
            assert!(!can_read_memory(&uid, pid), "{name}");
        }
    }
}

/// With `fs.suid_dumpable` at 2 it would be dumpable from then on, for a handler of cores.
#[test]
fn the_change_of_user_does_not_leave_the_daemon_dumpable() {
    needs_root();
    let world = World::new();
    let trace = world.path("trace");
    let wrapper = ["strace", "-e", "trace=prctl,setresuid", "-o", trace.to_str().unwrap()];
    assert!(world.start_under(&wrapper).end().success());
    let trace = fs::read_to_string(trace).unwrap();
    let (_, after) = trace.split_once("setresuid(").unwrap_or_else(|| panic!("{trace}"));
    assert!(after.contains("PR_SET_DUMPABLE, SUID_DUMP_DISABLE"), "{trace}");
}

/// A terminal of its own for what follows, whose shell leads the session.
const TERMINAL: &str = "import os, pty, sys
pid, end = pty.fork()
if pid == 0:
    os.execvp('sh', ['sh', '-c', '\"$@\"; exit $?', 'sh'] + sys.argv[1:])
while True:
    try:
        said = os.read(end, 4096)
    except OSError:
        break
    os.write(2, said)
os.waitpid(pid, 0)
";

#[test]
fn what_is_typed_where_the_daemon_was_started_is_not_its_to_read() {
    needs_root();
    let world = World::new();
    let running = world.start_under(&["python3", "-c", TERMINAL]);
    let daemon = eventually("it runs", || {
        let all = proc::descendants(running.pid()).into_iter().chain([running.pid()]);
        all.into_iter().find(|pid| proc::status(*pid, "Name").as_deref() == Some("regentd"))
    });
    assert_eq!(fs::read_link(format!("/proc/{daemon}/fd/0")).unwrap(), Path::new("/dev/null"));
    for fd in [1, 2] {
        let at = fs::read_link(format!("/proc/{daemon}/fd/{fd}")).unwrap();
        let info = fs::read_to_string(format!("/proc/{daemon}/fdinfo/{fd}")).unwrap();
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:")).unwrap().trim();
        let flags = u32::from_str_radix(flags, 8).unwrap();
        assert_eq!(flags & 3, 1, "written to, and not read: {} {info}", at.display());
    }
    let stat = fs::read_to_string(format!("/proc/{daemon}/stat")).unwrap();
    let terminal = stat.rsplit(')').next().unwrap().split_whitespace().nth(4).unwrap();
    assert_eq!(terminal, "0", "/dev/tty is nothing to it: {stat}");
}

#[test]
fn the_daemon_of_an_ordinary_user_is_closed_to_that_user() {
    needs_root();
    let world = World::new().plugin("echo", "[operations.echo]\n");
    let nobody = user("nobody").to_string();
    world.write_config();
    let bin = regent_tests::dist().join("bin");
    fs::create_dir(world.path("bin")).unwrap();
    for program in fs::read_dir(bin).unwrap() {
        let program = program.unwrap();
        fs::copy(program.path(), world.path("bin").join(program.file_name())).unwrap();
    }
    assert!(Command::new("chown").args(["-R", &nobody]).arg(world.path("")).status().unwrap().success());
    let own = format!(
        "exec setpriv --reuid {nobody} --regid {nobody} --clear-groups -- {} \"$@\"",
        world.path("bin/regentd").display()
    );
    let running = world.start_as_is(&["sh", "-c", &own]).serving("echo");
    assert_eq!(running.op("echo", Value::Null)["success"], true);
    assert!(!can_read_memory(&nobody, running.pid()));
    // The same user reads its other processes.
    let mut other = Command::new("setpriv")
        .args(["--reuid", &nobody, "--regid", &nobody, "--clear-groups", "sleep", "60"])
        .spawn()
        .unwrap();
    eventually("it is that user's", || can_read_memory(&nobody, other.id()).then_some(()));
    other.kill().unwrap();
    other.wait().unwrap();
}

/// Whether this user may open the memory of this process.
fn can_read_memory(uid: &str, pid: u32) -> bool {
    let opens = format!("exec 3</proc/{pid}/mem");
    let out = Command::new("setpriv")
        .args(["--reuid", uid, "--regid", uid, "--clear-groups", "sh", "-c", &opens])
        .current_dir("/")
        .output()
        .unwrap();
    out.status.success()
}
