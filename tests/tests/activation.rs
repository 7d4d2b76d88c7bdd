//! A service manager without a service manager: sockets that were opened before the daemon (sd_listen_fds), and what it
//! is told (sd_notify). A shell makes descriptor 3 of the standard input that the test gives it, and then becomes the
//! daemon.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]
#![allow(clippy::disallowed_methods, reason = "a test starts what does not start")]

use std::fs::{self, File};
use std::io::Write as _;
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use regent_tests::{Running, SECRET, Wire, World, dist, eventually, needs_root, proc};
use rustix::process::Signal;
use serde_json::{Value, json};

/// As systemd does it.
const HAND_OVER: &str = "exec 3<&0 0</dev/null; exec env LISTEN_PID=$$ LISTEN_FDS=1 \"$@\"";
const FOR_ANOTHER: &str = "exec 3<&0 0</dev/null; exec env LISTEN_PID=1 LISTEN_FDS=1 \"$@\"";

fn world() -> World {
    needs_root();
    let world = World::new();
    let program = world.path("program");
    fs::write(&program, "#!/bin/sh\necho >$0.runs\nenv | grep -c 'LISTEN\\|NOTIFY'\nsleep $(cat $0.sleep)\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(world.path("program.sleep"), "0").unwrap();
    let whoami = format!(
        "[operations.whoami]\ndeadline = \"30s\"\n[commands.whoami]\nrun = [\"{}\"]\ntimeout = \"20s\"\n",
        program.display()
    );
    world.plugin("echo", "[operations.echo]\n").plugin("whoami", &whoami)
}

/// Bound and listening at this path, in a folder that is made for it.
fn listen(path: &Path) -> OwnedFd {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    UnixListener::bind(path).unwrap().into()
}

fn activated<'w>(world: &'w World, socket: &impl AsFd) -> Running<'w> {
    let socket = socket.as_fd().try_clone_to_owned().unwrap();
    world.start_given(&["sh", "-c", HAND_OVER, "sh"], socket)
}

fn echo(data: u64) -> String {
    format!("{}\n", json!({"secret": SECRET, "op": "echo", "data": data}))
}

#[test]
fn a_socket_that_was_handed_over_is_served_and_who_was_first_is_answered() {
    let world = world();
    let path = world.socket_path("web");
    let socket = listen(&path);
    let mut early = Wire::connect(&path);
    early.send(echo(1).as_bytes());
    let running = activated(&world, &socket);
    assert_eq!(early.reply()["data"], 1);
    assert_eq!(running.op("echo", json!(2))["data"], 2);
    assert!(!running.log().contains("handed over"), "{}", running.log());
}

#[test]
fn what_was_handed_over_outlives_the_daemon_and_who_came_between_two_is_answered_by_the_second() {
    let world = world();
    let path = world.socket_path("web");
    let socket = listen(&path);
    let running = activated(&world, &socket);
    assert_eq!(running.op("echo", json!(1))["data"], 1);
    assert!(world.admin_path().exists());
    assert!(running.end().success());
    assert!(path.exists(), "its name is the service manager's");
    assert!(!world.admin_path().exists(), "that of its own socket goes with it");
    let mut between = Wire::connect(&path);
    between.send(echo(2).as_bytes());
    let running = activated(&world, &socket);
    assert_eq!(between.reply()["data"], 2);
    running.kill();
    let _running = activated(&world, &socket);
    assert_eq!(Wire::connect(&path).raw(echo(3).trim())["data"], 3);
}

#[test]
fn two_sockets_that_were_handed_over_are_each_taken_for_what_is_configured_there_the_admin_socket_too() {
    let world = world();
    let (web, admin) = (listen(&world.socket_path("web")), listen(&world.admin_path()));
    fs::set_permissions(world.admin_path(), fs::Permissions::from_mode(0o600)).unwrap();
    // No shell but bash takes a descriptor of two digits; this one is inherited, and is not the daemon's once it is
    // descriptor 3.
    let inherited = rustix::io::dup(&admin).unwrap();
    let number = inherited.as_raw_fd();
    let script = format!("exec 4<&0 3<&{number} {number}<&- 0</dev/null; exec env LISTEN_PID=$$ LISTEN_FDS=2 \"$@\"");
    let running = world.start_given(&["bash", "-c", &script, "bash"], web.try_clone().unwrap()).serving("echo");
    assert!(!running.log().contains("handed over"), "{}", running.log());
    assert_eq!(running.op("echo", json!(1))["data"], 1);
    let status = running.regent(&["status"]);
    assert_eq!(status.status, 0, "{status:?}");
    assert!(running.end().success());
    assert!(world.socket_path("web").exists() && world.admin_path().exists(), "both are the service manager's");
}

#[test]
fn who_may_connect_to_it_is_the_service_managers_business() {
    let world = world();
    let path = world.socket_path("web");
    let socket = listen(&path);
    let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let running = activated(&world, &socket);
    assert_eq!(mode(), 0o640);
    let config = fs::read_to_string(world.path("regent.toml")).unwrap();
    fs::write(world.path("regent.toml"), config.replace("\"0666\"", "\"0660\"")).unwrap();
    let reloaded = running.regent(&["reload"]);
    assert_eq!(reloaded.status, 0, "{reloaded:?}");
    assert_eq!(mode(), 0o640);
    let own = fs::metadata(world.admin_path()).unwrap().permissions().mode() & 0o777;
    assert_eq!(own, 0o660, "that of its own socket is the daemon's");
}

#[test]
fn what_was_handed_to_another_process_is_not_taken() {
    let world = world();
    let elsewhere = world.path("elsewhere/other.sock");
    let socket = listen(&elsewhere);
    let said = "handed over by the service manager, and no socket is configured there";
    let running = world.start_given(&["sh", "-c", FOR_ANOTHER, "sh"], socket.try_clone().unwrap()).serving("echo");
    assert!(!running.log().contains(said), "{}", running.log());
    assert_eq!(running.op("echo", json!(1))["data"], 1);
    drop(running);
    let running = activated(&world, &socket).serving("echo");
    assert!(running.log().contains(&format!("{}: {said}", elsewhere.display())), "{}", running.log());
    assert_eq!(running.op("echo", json!(1))["data"], 1, "its own is opened all the same");
}

/// How a start ends that was handed this.
#[track_caller]
fn does_not_start(script: &str, stdin: impl Into<Stdio>, says: &str) {
    let world = world();
    // One that starts all the same is no reason to wait for ever.
    let out = Command::new("timeout")
        .args(["20", "sh", "-c", script, "sh"])
        .arg(dist().join("bin/regentd"))
        .arg("--config")
        .arg(world.write_config())
        .stdin(stdin)
        .output()
        .unwrap();
    let log = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(69), "{log}");
    assert!(log.contains(says), "{log}");
    assert!(!world.socket_path("web").exists(), "nothing listens");
}

#[test]
fn what_is_no_listening_unix_socket_with_a_path_ends_the_start_and_is_named() {
    let none = "LISTEN_FDS: descriptor 3 is no Unix socket with a path";
    does_not_start(HAND_OVER, File::open("/dev/null").unwrap(), none);
    does_not_start(HAND_OVER, OwnedFd::from(std::net::TcpListener::bind("127.0.0.1:0").unwrap()), none);
    let name = SocketAddr::from_abstract_name(format!("regent-test-{}", std::process::id())).unwrap();
    does_not_start(HAND_OVER, OwnedFd::from(UnixListener::bind_addr(&name).unwrap()), none);
    let folder = tempfile::tempdir().unwrap();
    let datagrams = UnixDatagram::bind(folder.path().join("datagrams")).unwrap();
    does_not_start(HAND_OVER, OwnedFd::from(datagrams), "LISTEN_FDS: descriptor 3 is a socket that does not listen");
    let two = HAND_OVER.replace("LISTEN_FDS=1", "LISTEN_FDS=2");
    let socket = listen(&folder.path().join("socket"));
    does_not_start(&two, socket, "LISTEN_FDS: descriptor 4 is no Unix socket");
}

#[test]
fn nothing_of_what_a_service_manager_gave_reaches_spawner_sandboxes_or_commands() {
    let world = world();
    let path = world.socket_path("web");
    let socket = listen(&path);
    let inode = format!("socket:[{}]", rustix::fs::fstat(&socket).unwrap().st_ino);
    let has_it = |pid: u32| proc::descriptors(pid).iter().any(|(_, leads)| *leads == inode);
    let script = HAND_OVER.replace("LISTEN_FDS=1", "LISTEN_FDS=1 NOTIFY_SOCKET=@nobody-listens-here");
    let running = world.start_given(&["sh", "-c", &script, "sh"], socket.try_clone().unwrap());
    let running = running.serving("echo").serving("whoami");
    assert!(has_it(running.pid()), "the daemon does have it, so this test would see it");
    fs::write(world.path("program.sleep"), "2").unwrap();
    let mut wire = running.connect();
    wire.send(format!("{}\n", json!({"secret": SECRET, "op": "whoami"})).as_bytes());
    let command = eventually("the command sleeps", || proc::named(running.pid(), "sleep").first().copied());
    let all = proc::descendants(running.pid());
    let names: Vec<String> = all.iter().filter_map(|pid| proc::status(*pid, "Name")).collect();
    assert!(all.contains(&command) && names.iter().any(|name| name == "regent-spawner"), "{names:?}");
    assert!(names.iter().filter(|name| *name == "regent-sandbox").count() >= 2, "{names:?}");
    for pid in all {
        assert!(!has_it(pid), "{} has it", proc::status(pid, "Name").unwrap_or_default());
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let environment = String::from_utf8_lossy(&environment).into_owned();
        assert!(!environment.contains("LISTEN_") && !environment.contains("NOTIFY_SOCKET"), "{environment}");
    }
    assert_eq!(wire.reply()["data"], "0", "what the command itself sees of it");
}

/// What the daemon says, a datagram a word.
struct Manager(UnixDatagram);

impl Manager {
    #[track_caller]
    fn hears(&self) -> String {
        let mut word = [0; 256];
        self.0.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let length = self.0.recv(&mut word).expect("nothing is said");
        String::from_utf8(word[..length].to_vec()).unwrap()
    }

    fn hears_no_more(&self) {
        self.0.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        assert!(self.0.recv(&mut [0; 256]).is_err());
    }
}

fn microseconds() -> i64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    now.tv_sec * 1_000_000 + now.tv_nsec / 1_000
}

/// A whole life, as it is told.
fn is_told(manager: &Manager, world: &World, to: &str) {
    let wrapper = ["env", &format!("NOTIFY_SOCKET={to}")];
    let running = std::thread::scope(|scope| {
        let running = scope.spawn(|| world.start_under(&wrapper));
        assert_eq!(manager.hears(), "READY=1");
        Wire::connect(&world.socket_path("web"));
        running.join().unwrap()
    });
    let reloading = || {
        let word = manager.hears();
        let at = word.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap_or_else(|| panic!("{word}"));
        assert_eq!(manager.hears(), "READY=1");
        at.parse::<i64>().unwrap()
    };
    let before = microseconds();
    running.signal(Signal::HUP);
    let at = reloading();
    assert!((before..=microseconds()).contains(&at), "{before} {at}");
    // What cannot be read changes nothing, and the reload is over all the same.
    fs::File::options().append(true).open(world.path("regent.toml")).unwrap().write_all(b"nonsense = 1\n").unwrap();
    assert_ne!(running.regent(&["reload"]).status, 0);
    reloading();
    assert!(running.end().success());
    assert_eq!(manager.hears(), "STOPPING=1");
    manager.hears_no_more();
}

#[test]
fn a_service_manager_hears_ready_reloading_and_stopping_by_a_path() {
    let world = world();
    let path = world.path("notify");
    let manager = Manager(UnixDatagram::bind(&path).unwrap());
    // As /run/systemd/notify is.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
    is_told(&manager, &world, path.to_str().unwrap());
}

#[test]
fn a_service_manager_hears_ready_reloading_and_stopping_by_an_abstract_name() {
    let world = world();
    let name = format!("regent-test-notify-{}", std::process::id());
    let manager = Manager(UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap());
    is_told(&manager, &world, &format!("@{name}"));
}

#[test]
fn a_service_manager_that_does_not_listen_costs_a_warning() {
    let world = world();
    let running = world.start_under(&["env", "NOTIFY_SOCKET=/nonexistent/notify"]).serving("echo");
    assert!(running.log().contains("warning: NOTIFY_SOCKET /nonexistent/notify: "), "{}", running.log());
    let reply: Value = running.op("echo", json!(1));
    assert_eq!(reply["data"], 1);
}
