//! What a container may: a client in namespaces of its own that sees a socket's folder and nothing else of Regent.
//! Whoever it says it is inside, it is who the kernel says outside; and where uids mean nothing (`trust_peer_uid =
//! false`) it is nobody.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]
#![allow(clippy::disallowed_methods, reason = "a test starts the crowd")]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use regent_tests::{
    Container, Mounted, Running, SECRET, World, code, dist, error, eventually, group_of, needs_root, user,
};
use regentd::listen::CONNECTIONS;
use serde_json::{Value, json};

/// The container's own.
const BOX_SECRET: &str = "what the container alone was told";

/// A socket for everybody on this machine, and one for a container: `echo` is for both, `hidden` is not in the
/// container's view, and each of the others has a rule.
fn world() -> World {
    needs_root();
    let view = "operations = [\"echo\", \"whoami\", \"of-root\", \"of-games\", \"of-group\", \"of-gid\"]";
    let world = World::new().socket_with("box", BOX_SECRET, &format!("trust_peer_uid = false\n{view}"));
    let rules = [
        ("echo", String::new()),
        ("hidden", String::new()),
        ("of-root", "allow = [{ uid = 0 }]".into()),
        ("of-games", "allow = [{ user = \"games\" }]".into()),
        ("of-group", "allow = [{ group = \"games\" }, { group = \"root\" }]".into()),
        ("of-gid", format!("allow = [{{ gid = {} }}, {{ gid = 0 }}]", group_of("games"))),
    ];
    let module = dist().join("plugins/echo.wasm");
    let world = rules.iter().fold(world, |world, (name, allow)| {
        world.module(name, &module, &format!("[operations.echo]\nas = \"{name}\"\n{allow}\n"))
    });
    let held = "sha256 = \"PIN\"\n[operations.whoami]\nrequire = [{ step = \"approval\", of = \"ops\" }]\n[commands.whoami]\nrun = [\"/usr/bin/whoami\"]\n";
    world.plugin("whoami", held)
}

fn start(world: &World) -> Running<'_> {
    ["echo", "hidden", "of-root", "of-games", "of-group", "of-gid", "whoami"]
        .into_iter()
        .fold(world.start(), |running, plugin| running.serving(plugin))
}

fn in_box(world: &World, outer: &str) -> Container {
    Container::of(outer, &world.socket_path("box"), Mounted::ReadOnly)
}

fn op(name: &str) -> Value {
    json!({"op": name, "data": 1})
}

fn line(secret: &str, op: &str) -> String {
    json!({"secret": secret, "op": op, "data": 1}).to_string()
}

/// A reply's bytes without its reference's eight letters.
#[track_caller]
fn without_reference(reply: &str) -> String {
    let parsed: Value = serde_json::from_str(reply).unwrap_or_else(|why| panic!("{why}: {reply:?}"));
    let reference = parsed["ref"].as_str().unwrap_or_else(|| panic!("no ref: {reply}"));
    assert_eq!(reference.len(), 8);
    reply.replacen(reference, "REFERENC", 1)
}

#[test]
fn root_of_a_container_is_its_outer_user_where_uids_are_trusted() {
    let world = world();
    let running = start(&world);
    let mut container = Container::of("games", &world.socket_path("web"), Mounted::Folder);
    for mine in ["echo", "of-games", "of-group", "of-gid"] {
        let reply = container.ask(SECRET, op(mine));
        assert_eq!(reply, json!({"success": true, "uid": null, "data": 1}), "{mine}");
    }
    let nonsense = without_reference(&container.raw(&line(SECRET, "nonsense")));
    assert_eq!(without_reference(&container.raw(&line(SECRET, "of-root"))), nonsense, "root inside is no root");
    assert_eq!(running.op("of-root", json!(1))["data"], 1, "the machine's root is");
    assert_eq!(running.op("of-games", json!(1))["error"], "Unknown operation");
}

#[test]
fn no_rule_matches_anybody_where_uids_are_not_trusted_and_each_refusal_is_that_of_nonsense() {
    let world = world();
    let running = start(&world);
    // A user, a user that is named in rules, and the machine's root, to whom root of a container without a user
    // namespace of its own cannot be told apart.
    let socket = world.socket_path("box");
    let containers = [in_box(&world, "daemon"), in_box(&world, "games"), Container::of_root(&socket)];
    for mut container in containers {
        let nonsense = without_reference(&container.raw(&line(BOX_SECRET, "nonsense")));
        assert_eq!(nonsense, r#"{"error":"Unknown operation","code":"unknown-operation","ref":"REFERENC"}"#);
        for refused in ["of-root", "of-games", "of-group", "of-gid", "hidden"] {
            assert_eq!(without_reference(&container.raw(&line(BOX_SECRET, refused))), nonsense, "{refused}");
        }
        let reply = container.ask(BOX_SECRET, op("echo"));
        assert_eq!(reply, json!({"success": true, "uid": null, "data": 1}));
    }
    // Nor from outside of any container: it is the socket that trusts nobody.
    let reply = running.connect_to("box").ask(&json!({"secret": BOX_SECRET, "op": "of-root", "data": 1}));
    assert_eq!(code(&reply), "unknown-operation");
}

#[test]
fn root_of_a_container_without_a_user_namespace_is_root_where_uids_are_trusted() {
    // Why a container has a socket that does not: the kernel knows no difference.
    let world = world();
    let _running = start(&world);
    let mut container = Container::of_root(&world.socket_path("web"));
    assert_eq!(container.ask(SECRET, op("of-root"))["data"], 1);
}

#[test]
fn a_secret_of_another_socket_opens_nothing() {
    let world = world();
    let _running = start(&world);
    let mut container = in_box(&world, "daemon");
    let reply = container.ask(SECRET, op("echo"));
    assert_eq!((error(&reply), code(&reply)), ("Permission denied", "denied"));
    assert_eq!(container.ask(BOX_SECRET, op("echo"))["data"], 1);
    let mut outside = Container::of("daemon", &world.socket_path("web"), Mounted::Folder);
    assert_eq!(code(&outside.ask(BOX_SECRET, op("echo"))), "denied");
}

#[test]
fn what_a_container_asked_is_read_through_its_socket_and_by_no_other() {
    let world = world();
    let running = start(&world);
    let mut container = in_box(&world, "daemon");
    let held = container.ask(BOX_SECRET, op("whoami"));
    let read = json!({"uid": held["uid"].as_str().unwrap()});
    assert_eq!(container.ask(BOX_SECRET, read.clone())["state"], "held");
    // By whom else is behind the same secret: uids mean nothing here.
    let mut neighbour = in_box(&world, "games");
    assert_eq!(neighbour.ask(BOX_SECRET, read.clone())["state"], "held");
    // The same user on another socket; the machine's root.
    let mut elsewhere = Container::of("daemon", &world.socket_path("web"), Mounted::Folder);
    for reply in [elsewhere.ask(SECRET, read.clone()), running.ask(read.clone())] {
        assert_eq!((error(&reply), code(&reply)), ("Unknown or expired uid", "unknown-uid"));
    }
    let id = running.only_pending();
    let shown = running.regent(&["show", &id]).stdout;
    assert!(shown.contains("socket:box"), "people see that it is a socket and no user of theirs:\n{shown}");
    assert_eq!(running.regent_as("games", &["approve", &id]).status, 0);
    let done = eventually("it is done", || {
        Some(container.ask(BOX_SECRET, read.clone())).filter(|reply| reply["state"] == "done")
    });
    assert_eq!(done["data"], "root");
}

#[test]
fn an_approver_whose_uid_the_containers_peer_has_is_refused_as_its_requester() {
    let world = world();
    let running = start(&world);
    // anna is the user games, and may approve what others ask.
    let mut container = in_box(&world, "games");
    let held = container.ask(BOX_SECRET, op("whoami"));
    assert_eq!(held["state"], "held", "{held}");
    let id = running.only_pending();
    assert_eq!(running.regent_as("games", &["approve", &id]).status, 77);
    assert_eq!(container.ask(BOX_SECRET, json!({"uid": held["uid"]}))["state"], "held");
    assert_eq!(running.regent_as("mail", &["approve", &id]).status, 0);
}

#[test]
fn root_of_a_container_is_nobody_special_on_the_admin_socket() {
    let world = world();
    let running = start(&world);
    assert_eq!(running.op("whoami", json!(1))["state"], "held");
    let id = running.only_pending();
    let told = |container: &mut Container, verb: &str| -> Value {
        serde_json::from_str(&container.raw(&json!({"admin": verb, "hold": id, "ref": "aaaaaaaa"}).to_string()))
            .unwrap()
    };
    let mut container = Container::of("daemon", &world.admin_path(), Mounted::Folder);
    assert_eq!(told(&mut container, "pending")["data"], json!([]), "it sees nothing that waits");
    for (verb, refused) in [
        ("show", "unknown-uid"),
        ("approve", "unknown-uid"),
        ("deny", "unknown-uid"),
        ("reload", "not-authorised"),
        ("status", "not-authorised"),
        ("plugins", "not-authorised"),
        ("why", "not-authorised"),
    ] {
        assert_eq!(code(&told(&mut container, verb)), refused, "{verb}");
    }
    assert_eq!(running.only_pending(), id, "nothing came of it");
    // Whoever is a person outside is that person inside, root or not.
    let mut anna = Container::of("games", &world.admin_path(), Mounted::Folder);
    assert_eq!(told(&mut anna, "pending")["data"][0]["id"], json!(id));
    assert_eq!(code(&told(&mut anna, "status")), "not-authorised", "and no more than that");
    // The machine's root is root there, which is why no container is given this folder.
    assert_eq!(told(&mut Container::of_root(&world.admin_path()), "status")["success"], true);
}

#[test]
fn a_container_that_lives_on_finds_each_later_daemon_in_its_folder() {
    let world = world();
    let running = start(&world);
    let socket = world.socket_path("box");
    let mounted = [Mounted::Folder, Mounted::ReadOnly];
    let mut containers = mounted.map(|mounted| Container::of("daemon", &socket, mounted));
    let mut all = |answers: bool| {
        for container in &mut containers {
            let reply = container.ask(BOX_SECRET, op("echo"));
            assert_eq!(reply["data"] == 1, answers, "{reply}");
        }
    };
    all(true);
    assert!(running.end().success());
    all(false);
    let running = start(&world);
    all(true);
    running.kill();
    all(false);
    let _running = start(&world);
    all(true);
}

#[test]
fn a_container_that_was_given_the_socket_alone_is_lost_with_the_daemon() {
    let world = world();
    let running = start(&world);
    let mut container = Container::of("daemon", &world.socket_path("box"), Mounted::File);
    assert_eq!(container.ask(BOX_SECRET, op("echo"))["data"], 1);
    assert!(running.end().success());
    let _running = start(&world);
    assert_eq!(container.ask(BOX_SECRET, op("echo")), json!({"raised": "ConnectionRefusedError"}));
}

#[test]
fn a_container_whose_folder_was_made_anew_is_lost() {
    // What RuntimeDirectoryPreserve=yes keeps systemd from.
    let world = world();
    let running = start(&world);
    let mut container = in_box(&world, "daemon");
    assert!(running.end().success());
    fs::remove_dir(world.path("run-box")).unwrap();
    let _running = start(&world);
    assert_eq!(container.ask(BOX_SECRET, op("echo")), json!({"raised": "FileNotFoundError"}));
    assert_eq!(in_box(&world, "daemon").ask(BOX_SECRET, op("echo"))["data"], 1, "one that starts after it is not");
}

/// Connections of one user, kept until this is dropped.
struct Crowd(Child);

/// Connects so often, asks once by each, and says by how many it was answered.
const CROWD: &str = r#"
import json, socket, sys
path, secret, wanted = sys.argv[1:]
crowd = [socket.socket(socket.AF_UNIX) for _ in range(int(wanted))]
answered = 0
for one in crowd:
    one.connect(path)
    try:
        one.sendall(json.dumps({"secret": secret, "op": "echo", "data": 1}).encode() + b"\n")
    except BrokenPipeError:
        pass
    answered += "success" in json.loads(one.makefile().readline())
print(answered, flush=True)
sys.stdin.read()
"#;

impl Crowd {
    fn of(outer: &str, world: &World, (socket, secret): (&str, &str), wanted: usize) -> (Self, usize) {
        let python = std::env::var("REGENT_PYTHON").expect("REGENT_PYTHON is not set: run `cargo xtask test`");
        let mut child = Command::new(python)
            .args(["-c", CROWD])
            .arg(world.socket_path(socket))
            .args([secret, &wanted.to_string()])
            .uid(user(outer))
            .gid(group_of(outer))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        (Self(child), line.trim().parse().unwrap_or_else(|_| panic!("{line:?}")))
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _gone = self.0.wait();
    }
}

#[test]
fn the_users_of_a_container_share_one_users_places() {
    let world = world();
    let _running = start(&world);
    let (_first, answered) = Crowd::of("games", &world, ("box", BOX_SECRET), 300);
    assert_eq!(answered, 300);
    let (_second, answered) = Crowd::of("daemon", &world, ("box", BOX_SECRET), 300);
    assert_eq!(answered, CONNECTIONS.each - 300, "a container may have sixty thousand uids");
    let (_third, answered) = Crowd::of("games", &world, ("web", SECRET), 300);
    let (_fourth, more) = Crowd::of("daemon", &world, ("web", SECRET), 300);
    assert_eq!((answered, more), (300, 300), "each user has its own where uids are trusted");
}

/// A number that no user of this machine has.
const NUMBER: u32 = 54_321;

#[test]
fn a_folder_below_a_closed_one_is_for_the_container_alone() {
    needs_root();
    let world = World::new();
    let closed = world.path("boxes");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    let path = closed.join("shop/regent.sock");
    let lines = format!(
        "[[sockets]]\nname = \"shop\"\npath = \"{}\"\nmode = \"0666\"\nsecret = \"{BOX_SECRET}\"\ntrust_peer_uid = true\noperations = [\"*\"]\n",
        path.display()
    );
    let world = world.socket_lines(&lines).plugin("echo", "[operations.echo]\n").module(
        "of-number",
        &dist().join("plugins/echo.wasm"),
        &format!("[operations.echo]\nas = \"of-number\"\nallow = [{{ uid = {NUMBER} }}]\n"),
    );
    let running = world.start().serving("echo").serving("of-number");
    let mut container = Container::of_number(NUMBER, &path);
    assert_eq!(container.ask(BOX_SECRET, op("echo"))["data"], 1);
    assert_eq!(container.ask(BOX_SECRET, op("of-number"))["data"], 1, "its number is what it has outside");
    let mut other = Container::of_number(NUMBER + 1, &path);
    assert_eq!(code(&other.ask(BOX_SECRET, op("of-number"))), "unknown-operation");
    // From outside, with the secret, and by a socket that is open to all.
    let path = path.to_str().unwrap();
    let outside = running.regent_as("games", &["--socket", path, "call", "echo"]);
    assert!(outside.status != 0 && outside.stderr.contains("Permission denied"), "{outside:?}");
    assert_eq!(running.regent_as("games", &["call", "echo"]).status, 0, "its own socket is open");
}

fn page() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/containers.md")).unwrap()
}

#[test]
fn the_configuration_on_the_page_is_served_as_it_stands_there() {
    needs_root();
    let page = page();
    let blocks: Vec<&str> = page.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    let [socket, grants] = blocks[..] else { panic!("two blocks, not {}", blocks.len()) };
    let world = World::new();
    let (path, secret) = (world.socket_path("shop"), world.path("shop.secret"));
    fs::write(&secret, BOX_SECRET).unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let socket = socket
        .replace("/run/regent/shop/regent.sock", path.to_str().unwrap())
        .replace("/etc/regent/shop.secret", secret.to_str().unwrap())
        .replace("regent-shop", &NUMBER.to_string());
    let world = world.socket_lines(&socket).without_code("shop", &grants.replace("\"…\"", "\"PIN\""));
    let running = world.start().serving("shop");
    let mut container = Container::of_number(NUMBER, &path);
    let reply = container.ask(BOX_SECRET, json!({"op": "note", "data": {"order": 17}}));
    assert_eq!(reply, json!({"success": true, "uid": null, "data": "noted 17"}));
    let held = container.ask(BOX_SECRET, json!({"op": "refund", "data": {"order": 17}}));
    assert_eq!(held["state"], "held", "{held}");
    assert!(running.regent(&["pending"]).stdout.contains("socket:shop"));
}

#[test]
fn each_test_that_the_page_names_is_there() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).filter(|path| path.is_file());
    let tests: String = files.map(|file| fs::read_to_string(file).unwrap()).collect();
    let page = page();
    let named = page.split('`').filter(|word| word.matches('_').count() > 3 && !word.contains(' '));
    let missing: Vec<_> = named.clone().filter(|name| !tests.contains(&format!("fn {name}()"))).collect();
    assert_eq!(missing, Vec::<&str>::new());
    assert!(named.count() >= 12);
}
