//! `regent socket add`, and what it prints for a container: the very lines are taken as they stand, by a reader of
//! compose files, by the page on containers, and by a client that is given what they say and nothing else.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test that cannot go on panics"
)]

use std::fs;
use std::path::Path;
use std::process::Command;

use regent_tests::{Container, Given, Running, World, needs_root, python};
use serde_json::{Value, json};

/// A group that has no name on this machine.
const GROUP: u32 = 54_322;
/// Where a container finds its secret.
const INSIDE: &str = "/run/secrets/regent";

/// A machine on which an operation is served, for whoever sees it.
fn machine() -> World {
    needs_root();
    let world = World::initialised();
    let grants = "[operations.note]\nrun = [\"/usr/bin/echo\", \"noted\", \"{order}\"]\nparams.order = { type = \"integer\", min = 1 }\n";
    fs::write(world.path("machine/etc/regent/plugins/shop.toml"), grants).unwrap();
    world
}

/// What it prints about this socket.
fn added(running: &Running<'_>, more: &[&str]) -> String {
    let added = running.regent_over_config(&[&["socket", "add", "shop", "--operations", "note"], more].concat());
    assert_eq!((added.status, added.stderr.as_str()), (0, ""), "{added:?}");
    added.stdout
}

/// What stands below a heading, without the spaces that all of it has in common.
fn section(printed: &str, heading: &str) -> String {
    let (_, rest) = printed.split_once(&format!("# {heading}:\n")).unwrap_or_else(|| panic!("{heading}: {printed}"));
    rest.split("\n\n").next().unwrap().lines().map(|line| format!("{}\n", line.strip_prefix("    ").unwrap())).collect()
}

/// The words that a shell makes of the lines for `docker run`.
fn words(printed: &str) -> Vec<String> {
    let lines = section(printed, "docker run (or podman run)").replace("\\\n", " ");
    lines.split_whitespace().map(str::to_owned).collect()
}

/// The value behind each of these options.
fn options<'w>(words: &'w [String], option: &str) -> Vec<&'w str> {
    words.windows(2).filter(|pair| pair[0] == option).map(|pair| pair[1].as_str()).collect()
}

/// What the lines for `docker run` give a container, and the group.
fn given(printed: &str) -> (Given, Option<u32>) {
    let words = words(printed);
    let mounts: Vec<(String, String)> = options(&words, "--mount")
        .into_iter()
        .map(|mount| {
            let rest = mount.strip_prefix("type=bind,source=").and_then(|rest| rest.strip_suffix(",readonly")).unwrap();
            let (source, target) = rest.split_once(",target=").unwrap();
            (source.to_owned(), target.to_owned())
        })
        .collect();
    let [folder, secret] = &mounts[..] else { panic!("{mounts:?}") };
    assert_eq!(folder.0, folder.1, "the folder keeps its path");
    let environment = options(&words, "-e");
    let variable = |name| environment.iter().find_map(|variable| variable.strip_prefix(name)).unwrap().to_owned();
    assert_eq!(variable("REGENT_SECRET_FILE="), secret.1);
    let group = options(&words, "--group-add").first().map(|group| group.parse().unwrap());
    let given = Given { folder: folder.0.clone(), secret: secret.clone(), socket: variable("REGENT_SOCKET=") };
    (given, group)
}

#[test]
fn what_socket_add_prints_is_all_that_a_container_needs_and_without_the_group_it_is_too_little() {
    let world = machine();
    let running = world.start_as_is(&[]).serving("shop");
    let printed = added(&running, &["--group", &GROUP.to_string()]);
    let reload = running.regent(&["reload"]);
    assert_eq!(reload.status, 0, "{reload:?}");
    let (given, group) = given(&printed);
    assert_eq!(group, Some(GROUP));
    let note = json!({"op": "note", "data": {"order": 17}});
    let mut container = Container::given("daemon", group, &world.path(""), &given);
    let reply = container.ask_with_file(INSIDE, note.clone());
    assert_eq!(reply, json!({"success": true, "uid": null, "data": "noted 17"}));
    assert_eq!(container.ask_with_file(INSIDE, json!({"op": "load"}))["error"], "Unknown operation", "not its own");
    // Its own secret is no other socket's, of which it sees nothing either.
    let other = Given { socket: world.socket_path("local").display().to_string(), ..given.clone() };
    let mut elsewhere = Container::given("daemon", group, &world.path(""), &other);
    assert_eq!(elsewhere.ask_with_file(INSIDE, note.clone()), json!({"raised": "FileNotFoundError"}));
    let mut without = Container::given("daemon", None, &world.path(""), &given);
    assert_eq!(without.ask_with_file(INSIDE, note.clone()), json!({"raised": "PermissionError"}), "nor the secret");
    assert_eq!(without.ask("a secret", note), json!({"raised": "PermissionError"}), "nor the socket");
}

#[test]
fn a_container_whose_socket_is_for_everybody_needs_a_copy_of_the_secret_and_no_group() {
    let world = machine();
    let running = world.start_as_is(&[]).serving("shop");
    let printed = added(&running, &["--mode", "0666"]);
    assert_eq!(running.regent(&["reload"]).status, 0);
    let (given, group) = given(&printed);
    assert_eq!(group, None);
    let note = json!({"op": "note", "data": {"order": 17}});
    let mut container = Container::given("daemon", None, &world.path(""), &given);
    assert_eq!(
        container.ask_with_file(INSIDE, note.clone()),
        json!({"raised": "PermissionError"}),
        "only root reads it"
    );
    let copy = world.path("copy").display().to_string();
    let install = format!("install -m 0400 -o daemon {} {copy}", given.secret.0);
    assert!(printed.contains(&install.replace("daemon", "UID").replace(&copy, "COPY")), "{printed}");
    assert!(Command::new("sh").args(["-c", &install]).status().unwrap().success());
    let with_copy = Given { secret: (copy, INSIDE.to_owned()), ..given };
    let mut container = Container::given("daemon", None, &world.path(""), &with_copy);
    assert_eq!(container.ask_with_file(INSIDE, note)["data"], "noted 17");
}

/// A text as YAML.
fn yaml(text: &str) -> Value {
    let read = "import json, sys, yaml\nprint(json.dumps(yaml.safe_load(sys.argv[1])))";
    let out = Command::new(python()).args(["-c", read, text]).output().unwrap();
    assert!(out.status.success(), "{text}\n{}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).unwrap()
}

#[test]
fn the_lines_for_a_compose_file_and_for_a_quadlet_say_what_those_for_docker_run_say() {
    let world = machine();
    let running = world.start_as_is(&[]);
    let printed = added(&running, &["--group", &GROUP.to_string()]);
    let (Given { folder, secret, socket }, _) = given(&printed);
    let mount = |source: &str, target: &str| json!({"type": "bind", "source": source, "target": target, "read_only": true, "bind": {"create_host_path": false}});
    // As it stands in a service of a whole file.
    let service = section(&printed, "compose.yaml, in the service")
        .lines()
        .map(|line| format!("    {line}\n"))
        .collect::<String>();
    let compose = yaml(&format!("services:\n  shop:\n    image: shop\n{service}"));
    assert_eq!(
        compose["services"]["shop"],
        json!({
            "image": "shop",
            "volumes": [mount(&folder, &folder), mount(&secret.0, &secret.1)],
            "group_add": [GROUP.to_string()],
            "environment": {"REGENT_SOCKET": socket, "REGENT_SECRET_FILE": INSIDE},
        })
    );
    let quadlet = format!(
        "[Container]\nVolume={folder}:{folder}:ro\nVolume={}:{INSIDE}:ro\nPodmanArgs=--group-add={GROUP}\n\
         Environment=\"REGENT_SOCKET={socket}\" REGENT_SECRET_FILE={INSIDE}\n",
        secret.0
    );
    assert_eq!(section(&printed, "Podman's NAME.container"), quadlet);
}

/// The blocks of the page on containers, of this kind.
fn blocks(kind: &str) -> Vec<String> {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/containers.md")).unwrap();
    let fence = format!("```{kind}\n");
    page.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

#[test]
fn the_page_on_containers_shows_what_socket_add_writes_and_prints() {
    let world = machine();
    let running = world.start_as_is(&[]);
    let words = ["socket", "add", "shop", "--operations", "note,refund", "--group", "4711", "--print"];
    let added = running.regent_over_config(&words);
    assert_eq!(added.status, 0, "{added:?}");
    let printed = added.stdout.replace(world.path("machine").to_str().unwrap(), "");
    for (kind, heading) in [
        ("sh", "docker run (or podman run)"),
        ("yaml", "compose.yaml, in the service"),
        ("ini", "Podman's NAME.container"),
    ] {
        let shown: String =
            blocks(kind)[0].lines().map(|line| format!("{}\n", line.strip_prefix("    ").unwrap())).collect();
        assert_eq!(shown, section(&printed, heading), "{kind}");
    }
    // Less the remarks beside the lines, and what one writes oneself in the other's place.
    let bare = |text: &str| -> Vec<String> {
        let lines = text.lines().map(|line| line.split_once('#').map_or(line, |(line, _)| line).trim().to_owned());
        lines.filter(|line| !line.is_empty()).collect()
    };
    let (_, table) = printed.split_once(", at its end:\n").unwrap();
    let written = table.split("\n\n").next().unwrap().replace("4711", "regent-shop");
    assert_eq!(bare(&blocks("toml")[0]), bare(&written));
    let commands = &blocks("console")[0];
    assert!(commands.contains("regent socket add shop --operations note,refund --group regent-shop\n"), "{commands}");
    assert!(commands.contains("--gid 4711 regent-shop\n"), "{commands}");
}
