//! Who a peer is: whoever the kernel said when it connected, whatever becomes of it, of its connection or of its
//! number.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]
#![allow(clippy::disallowed_methods, reason = "a test starts peers of other users")]

use std::process::{Command, Stdio};
use std::time::Duration;

use regent_tests::{Running, SECRET, World, eventually, needs_root, user};
use serde_json::{Value, json};

/// While somebody tries to connect.
const RESTARTS: usize = 500;
/// Beyond what a signed number of 32 bits can say.
const LARGE_UID: u32 = 4_000_000_000;

/// An operation each for a user alone; one that takes a moment, one that is held.
fn world() -> World {
    needs_root();
    let echo = "run = [\"/usr/bin/echo\", \"hello\"]";
    World::new().without_code(
        "tasks",
        &format!(
            "sha256 = \"PIN\"\n[operations.of-mail]\n{echo}\nallow = [{{ user = \"mail\" }}]\n\
             [operations.of-games]\n{echo}\nallow = [{{ user = \"games\" }}]\n\
             [operations.of-root]\n{echo}\nallow = [{{ uid = 0 }}]\n\
             [operations.of-large]\n{echo}\nallow = [{{ uid = {LARGE_UID} }}]\n\
             [operations.slow]\nrun = [\"/usr/bin/sleep\", \"0.05\"]\n\
             [operations.held]\n{echo}\nrequire = [{{ step = \"approval\", of = \"ops\" }}]\n"
        ),
    )
}

/// Runs a Python program with the socket's path and these arguments; what it printed, as JSON lines.
fn python(running: &Running<'_>, program: &str, arguments: &[String]) -> Vec<Value> {
    let mut command = Command::new("/usr/bin/python3");
    command.arg("-c").arg(program).arg(running.world.socket_path("web")).args(arguments).stderr(Stdio::inherit());
    let out = command.output().unwrap();
    assert!(out.status.success());
    let text = String::from_utf8(out.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|why| panic!("{why}: {line}"))).collect()
}

fn request(op: &str) -> Value {
    json!({"secret": SECRET, "op": op, "data": null})
}

/// One user connects and is gone; another, to whom the connection was handed, asks.
const HANDED_ON: &str = r#"
import os, socket, sys
path, first, second, *lines = sys.argv[1:]
ours, theirs = socket.socketpair()
if os.fork() == 0:
    os.setgid(int(first)); os.setuid(int(first))
    stream = socket.socket(socket.AF_UNIX)
    stream.connect(path)
    socket.send_fds(theirs, [b"."], [stream.fileno()])
    os._exit(0)
os.wait()
if os.fork() == 0:
    os.setgid(int(second)); os.setuid(int(second))
    _, [number], _, _ = socket.recv_fds(ours, 1, 1)
    stream = socket.socket(fileno=number)
    reader = stream.makefile()
    for line in lines:
        stream.sendall(line.encode() + b"\n")
        sys.stdout.write(reader.readline())
    sys.stdout.flush()
    os._exit(0)
sys.exit(os.wait()[1])
"#;

#[test]
fn who_connected_asks_whoever_the_connection_was_handed_to() {
    let world = world();
    let running = world.start().serving("tasks");
    let lines = ["of-mail", "of-games", "nonsense"].map(|op| request(op).to_string());
    let users = [user("mail"), user("games")].map(|uid| uid.to_string());
    let replies = python(&running, HANDED_ON, &[&users[..], &lines[..]].concat());
    assert_eq!(replies[0]["data"], "hello", "{replies:?}");
    assert_eq!((&replies[1]["error"], &replies[1]["code"]), (&replies[2]["error"], &replies[2]["code"]));
    let done = eventually("it is on record", || world.audit().into_iter().find(|line| line["event"] == "done"));
    assert_eq!((&done["operation"], &done["uid"]), (&json!("of-mail"), &json!(user("mail"))));
}

/// A user that no list knows, asking.
const AS: &str = r#"
import os, socket, sys
path, uid, *lines = sys.argv[1:]
os.setgroups([]); os.setgid(int(uid)); os.setuid(int(uid))
stream = socket.socket(socket.AF_UNIX)
stream.connect(path)
reader = stream.makefile()
for line in lines:
    stream.sendall(line.encode() + b"\n")
    print(reader.readline(), end="")
"#;

#[test]
fn a_uid_that_would_be_negative_is_itself_and_neither_root_nor_nobody() {
    let world = world();
    let running = world.start().serving("tasks");
    let lines = ["of-large", "of-root", "of-games"].map(|op| request(op).to_string());
    let replies = python(&running, AS, &[&[LARGE_UID.to_string()], &lines[..]].concat());
    assert_eq!(replies[0]["data"], "hello", "{replies:?}");
    assert_eq!((&replies[1]["code"], &replies[2]["code"]), (&json!("unknown-operation"), &json!("unknown-operation")));
    let done = eventually("it is on record", || world.audit().into_iter().find(|line| line["event"] == "done"));
    assert_eq!(done["uid"], LARGE_UID);
}

/// Asks and hangs up, each time a little later.
const HANGS_UP: &str = r#"
import os, socket, sys, time
path, uid, *lines = sys.argv[1:]
os.setgid(int(uid)); os.setuid(int(uid))
for number in range(50):
    for line in lines:
        stream = socket.socket(socket.AF_UNIX)
        stream.connect(path)
        stream.sendall(line.encode() + b"\n")
        time.sleep(number * 0.0004)
        stream.close()
"#;

#[test]
fn who_hangs_up_is_still_who_it_was_and_nothing_runs_undecided() {
    let world = world();
    let running = world.start().serving("tasks");
    let lines = ["slow", "held", "of-root", "of-games"].map(|op| request(op).to_string());
    python(&running, HANGS_UP, &[&[user("games").to_string()], &lines[..]].concat());
    let (mut begun, mut ended) = (0, 0);
    eventually("all that began has ended", || {
        let audit = world.audit();
        let count =
            |events: &[&str]| audit.iter().filter(|line| events.contains(&line["event"].as_str().unwrap())).count();
        (begun, ended) = (count(&["performing"]), count(&["done", "failed"]));
        (begun >= 50 && begun == ended).then_some(())
    });
    let audit = world.audit();
    let requests = audit.iter().filter(|line| !line["socket"].is_null());
    assert!(requests.clone().all(|line| line["uid"] == user("games")), "{audit:?}");
    assert!(requests.clone().all(|line| line["event"] == "refused" || line["operation"] != "of-root"), "{audit:?}");
    assert!(audit.iter().all(|line| line["state"].is_null() || line["state"] == "held"), "nobody approved anything");
    assert_eq!(running.op("slow", Value::Null)["success"], true);
}

#[test]
fn nobody_connects_before_a_socket_is_as_its_configuration_says() {
    needs_root();
    let world = World::new();
    let closed = world.config().replacen("0666", "0600", 1);
    std::fs::write(world.path("regent.toml"), closed).unwrap();
    let program = r#"
import os, socket, sys
path, uid = sys.argv[1:]
os.setgid(int(uid)); os.setuid(int(uid))
tried = refused = 0
print("go", flush=True)
while os.getppid() != 1:
    stream = socket.socket(socket.AF_UNIX)
    tried += 1
    try:
        stream.connect(path)
        print("connected", flush=True)
    except PermissionError:
        refused += 1
        if refused == 1:
            print("refused", flush=True)
    except OSError:
        pass
    stream.close()
"#;
    let mut stranger = Command::new("/usr/bin/python3")
        .args(["-c", program])
        .args([world.socket_path("web").into_os_string(), user("games").to_string().into()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    for _ in 0..RESTARTS {
        let running = world.start_as_is(&[]);
        std::thread::sleep(Duration::from_millis(5));
        assert!(running.end().success());
    }
    stranger.kill().unwrap();
    let said = String::from_utf8(stranger.wait_with_output().unwrap().stdout).unwrap();
    assert_eq!(said, "go\nrefused\n", "it tried while the socket was there, and never came in");
}

/// What the daemon does to the socket's path, in order.
fn calls_of_a_start(world: &World) -> Vec<String> {
    let trace = world.path("trace");
    let calls = "trace=bind,listen,chmod,fchmodat,chown,lchown,fchownat,umask";
    let wrapper = ["strace", "-f", "-e", calls, "-o", trace.to_str().unwrap()];
    assert!(world.start_under(&wrapper).end().success());
    let trace = std::fs::read_to_string(trace).unwrap();
    let web = world.socket_path("web").display().to_string();
    let (before, after) = trace.split_once(&web).unwrap_or_else(|| panic!("{trace}"));
    let umask = before.lines().rfind(|line| line.contains("umask(")).unwrap_or_else(|| panic!("{trace}"));
    assert!(umask.contains("umask(0177)"), "it is bound for nobody: {umask}");
    let bind = before.lines().last().unwrap_or_default();
    assert!(bind.contains("bind("), "the path is bound first: {bind}");
    let until = after.split_inclusive("listen(").next().unwrap();
    until
        .lines()
        .map(|line| line.split_whitespace().nth(1).unwrap_or_default().split('(').next().unwrap().to_owned())
        .collect()
}

#[test]
fn a_socket_is_bound_closed_gets_its_owner_and_mode_and_only_then_listens() {
    needs_root();
    let world = World::new();
    let calls = calls_of_a_start(&world);
    let place =
        |name: &str| calls.iter().position(|call| call.contains(name)).unwrap_or_else(|| panic!("{name}: {calls:?}"));
    assert!(place("chown") < place("chmod") && place("chmod") < place("listen"), "{calls:?}");
}

/// Who says of itself that it is somebody else, in a user namespace of its own.
#[test]
fn who_calls_itself_somebody_else_in_a_user_namespace_is_seen_as_who_it_is() {
    let world = world();
    let running = world.start().serving("tasks");
    let ask = |map: &str, op: &str| {
        let program = "import os, socket, sys\npath, line = sys.argv[1:]\nstream = socket.socket(socket.AF_UNIX)\nstream.connect(path)\nstream.sendall(line.encode() + b'\\n')\nprint(os.getuid(), stream.makefile().readline(), end='')\n";
        let mut command = Command::new("unshare");
        command.args(["--user", map, "/usr/bin/python3", "-c", program]).arg(world.socket_path("web"));
        std::os::unix::process::CommandExt::uid(&mut command, user("games"));
        std::os::unix::process::CommandExt::gid(&mut command, user("games"));
        let out = command.arg(request(op).to_string()).current_dir("/").stderr(Stdio::inherit()).output().unwrap();
        let text = String::from_utf8(out.stdout).unwrap();
        let (uid, reply) = text.split_once(' ').unwrap_or_else(|| panic!("{text:?}"));
        (uid.parse::<u32>().unwrap(), serde_json::from_str::<Value>(reply).unwrap())
    };
    let as_mail = format!("--map-user={}", user("mail"));
    let (inside, reply) = ask(&as_mail, "of-mail");
    assert_eq!((inside, &reply["code"]), (user("mail"), &json!("unknown-operation")), "{reply}");
    assert_eq!(ask("--map-user=0", "of-root").1["code"], "unknown-operation");
    assert_eq!(ask(&as_mail, "of-games").1["data"], "hello", "it is games, whatever it calls itself");
    let done = eventually("it is on record", || world.audit().into_iter().find(|line| line["event"] == "done"));
    assert_eq!(done["uid"], user("games"));
    drop(running);
}
