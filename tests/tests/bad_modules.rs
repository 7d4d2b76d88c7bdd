//! Modules that nobody can serve: each is told in a few lines what is wrong with it and what to do, and its neighbour
//! never notices. What administrators read stands in `bad_modules.txt`; `REGENT_SCREENS=write` writes it anew.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]

mod handmade;

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::{Duration, Instant};

use handmade::{Plugin, describing, importing, saying};
use regent_tests::{Running, World, bytes, eventually, fixture, needs_root, user};
use serde_json::{Value, json};

const LINES: usize = 24;
const COLUMNS: usize = 100;
const MODULE_MAX: u64 = 64 << 20;

/// How a module comes to lie where it does.
type Laid = Box<dyn Fn(&Path)>;

fn laid(bytes: Vec<u8>) -> Laid {
    Box::new(move |path| fs::write(path, &bytes).unwrap())
}

/// One whose core module has this besides.
fn with(items: &str) -> Laid {
    laid(describing(r#"{"operations":[{"name":"say"}]}"#).items(&both(items)).component())
}

fn both(items: &str) -> String {
    format!("{} {items}", describing(r#"{"operations":[{"name":"say"}]}"#).items)
}

fn described(text: &str) -> Laid {
    laid(describing(text).component())
}

fn describes_by(body: &str) -> Laid {
    laid(Plugin { describe: body.into(), ..Plugin::default() }.component())
}

/// A good module, put there otherwise than modules are.
fn good(after: impl Fn(&Path) + 'static) -> Laid {
    Box::new(move |path| {
        fs::write(path, saying(&["say"], "1")).unwrap();
        after(path);
    })
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// What is no module, or one that is damaged.
fn damaged() -> Vec<(&'static str, Laid)> {
    let echo = bytes("echo");
    let cut = |length: usize| laid(echo[..length].to_vec());
    vec![
        ("empty", laid(Vec::new())),
        ("text", laid(b"no module\n".to_vec())),
        ("script", laid(b"#!/bin/sh\nexit 0\n".to_vec())),
        ("text-format", laid(b"(component)".to_vec())),
        ("shared-library", laid(b"\x7fELF\x02\x01\x01".to_vec())),
        ("core-module", laid(b"\0asm\x01\0\0\0".to_vec())),
        ("former-version", laid(b"\0asm\x0c\0\x01\0".to_vec())),
        ("magic-alone", laid(b"\0as".to_vec())),
        ("head-alone", cut(8)),
        ("cut-early", cut(100)),
        ("cut-in-the-middle", cut(echo.len() / 2)),
        ("cut-at-the-end", cut(echo.len() - 1)),
        ("followed-by-garbage", laid([&echo, &b"garbage"[..]].concat())),
        ("too-large", Box::new(|path| File::create(path).unwrap().set_len(MODULE_MAX + 1).unwrap())),
    ]
}

/// Components of other worlds.
fn of_other_worlds() -> Vec<(&'static str, Laid)> {
    let imports = |interfaces: &[(&str, &str)]| laid(importing(interfaces));
    let of = |wit: &str| laid(describing(r#"{"operations":[{"name":"say","uses":["finishing"]}]}"#).component_of(wit));
    vec![
        ("sockets", imports(&[("wasi:sockets/tcp@0.2.0", "a")])),
        ("http", imports(&[("wasi:http/outgoing-handler@0.2.0", "a")])),
        ("next-wasi", imports(&[("wasi:clocks/wall-clock@0.3.0", "a")])),
        ("next-world", imports(&[("regent:plugin/commands@0.2.0", "plan")])),
        ("of-somebody-else", imports(&[("some:thing/else", "a")])),
        (
            "wants-everything",
            imports(&[
                ("wasi:sockets/tcp@0.2.9", "a"),
                ("wasi:sockets/udp@0.2.9", "b"),
                ("wasi:http/outgoing-handler@0.2.0", "c"),
                ("wasi:keyvalue/store@0.2.0", "d"),
                ("regent:plugin/mail@0.1.0", "e"),
            ]),
        ),
        ("exports-nothing", laid(wat::parse_str("(component)").unwrap())),
        (
            "exports-another-version",
            laid(
                wat::parse_str("(component (instance $o) (export \"regent:plugin/operation@1.0.0\" (instance $o)))")
                    .unwrap(),
            ),
        ),
        ("exports-no-prepare", imports(&[])),
        ("finishes-without-finish", of("package test:fixture; world fixture { include regent:plugin/plugin@0.1.0; }")),
    ]
}

/// Components that say of themselves what cannot be served, or do not come to say anything.
fn of_odd_words() -> Vec<(&'static str, Laid)> {
    let many: Vec<_> = (0..10_000).map(|number| format!(r#"{{"name":"o{number}"}}"#)).collect();
    vec![
        ("describes-no-json", described("{\"operations\": ")),
        ("describes-a-list", described("[]")),
        ("describes-nothing", described("{\"operations\":[]}")),
        ("describes-twice", described(r#"{"operations":[{"name":"say"},{"name":"say"}]}"#)),
        ("describes-another", described(r#"{"operations":[{"name":"sing"},{"name":"hum"}]}"#)),
        ("describes-escapes", described(r#"{"operations":[{"name":"\u001b[31mred","uses":["\u001b[2J"]}]}"#)),
        ("judges", described(r#"{"operations":[{"name":"say","uses":["judging"]}]}"#)),
        ("dances", described(r#"{"operations":[{"name":"say","uses":["dancing"]}]}"#)),
        ("describes-ten-thousand", described(&format!(r#"{{"operations":[{}]}}"#, many.join(",")))),
        (
            "describes-two-megabytes",
            describes_by("(drop (memory.grow (i32.const 32))) (call $text (i32.const 0) (i32.const 2097152))"),
        ),
        ("describes-outside", describes_by("(call $text (i32.const 0) (i32.const 0x7fffffff))")),
        (
            "describes-no-utf8",
            laid({
                let plugin = describing("x").items("(data (i32.const 2048) \"\\ff\\fe\")");
                Plugin { describe: "(call $text (i32.const 2048) (i32.const 2))".into(), ..plugin }.component()
            }),
        ),
        ("describe-traps", describes_by("unreachable")),
        ("describe-never-ends", describes_by("(loop $for_ever (br $for_ever)) (i32.const 0)")),
        ("describe-plans", describes_by("(call $plan_one) (call $text (i32.const 1024) (i32.const 17))")),
    ]
}

/// Components that want too much, or break while they start.
fn of_excess() -> Vec<(&'static str, Laid)> {
    vec![
        ("starts-with-a-trap", with("(func $start unreachable) (start $start)")),
        ("starts-for-ever", with("(func $start (loop $for_ever (br $for_ever))) (start $start)")),
        ("much-memory", laid(Plugin { pages: 1025, ..Plugin::default() }.component())),
        ("two-memories", with("(memory $more 1020)")),
        ("large-table", with("(table 10000000 funcref)")),
    ]
}

/// Files that nobody may believe, or that are none.
fn of_odd_files() -> Vec<(&'static str, Laid)> {
    vec![
        (
            "link",
            Box::new(|path| {
                let to = path.with_file_name("echo.wasm");
                symlink(to, path).unwrap();
            }),
        ),
        ("dangling-link", Box::new(|path| symlink("/nowhere.wasm", path).unwrap())),
        (
            "fifo",
            Box::new(|path| {
                rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, 0o644.into(), 0).unwrap();
            }),
        ),
        ("socket", Box::new(|path| drop(UnixListener::bind(path).unwrap()))),
        ("folder", Box::new(|path| fs::create_dir(path).unwrap())),
        ("group-may-write", good(|path| mode(path, 0o664))),
        ("others-may-write", good(|path| mode(path, 0o646))),
        ("somebody-elses", good(|path| chown(path, Some(user("games")), None).unwrap())),
    ]
}

fn world() -> World {
    needs_root();
    World::new().plugin("echo", "[operations.echo]\n")
}

/// Waits until all that is to be said of a module is, and checks that it fits on a screen and that nobody else noticed.
fn told(running: &Running<'_>, name: &str) -> String {
    let listed = eventually(&format!("{name} is judged"), || {
        let listed: Value = serde_json::from_str(&running.regent(&["plugin", "list", "--json"]).stdout).unwrap();
        let plugin = listed.as_array().unwrap().iter().find(|plugin| plugin["name"] == name)?;
        let reasons = plugin["reasons"].to_string();
        let judged = plugin["state"] != "preparing"
            && !["[]", "is being written", "there is no"].iter().any(|not| reasons.contains(not));
        judged.then(|| plugin.clone())
    });
    assert_eq!((&listed["state"], &listed["serves"]), (&json!("not-serving"), &Value::Null), "{listed}");
    assert_ne!(running.op(&format!("{name}-say"), Value::Null)["success"], true, "{name} is served");
    assert_eq!(running.op("echo", json!(name))["data"], name, "the neighbour of {name}");
    let text = running.regent(&["plugin", "list", name]).stdout;
    let start = format!("plugin {name} does not serve");
    let log: Vec<_> = eventually(&format!("the log says something of {name}"), || {
        let log = running.log().lines().filter(|line| line.contains(&start)).map(str::to_owned).collect::<Vec<_>>();
        (!log.is_empty()).then_some(log)
    });
    for (what, lines) in [("list", text.lines().map(str::to_owned).collect()), ("log", log)] {
        let rows: usize = lines.iter().map(|line| line.chars().count().div_ceil(COLUMNS).max(1)).sum();
        assert!(rows <= LINES, "{what} of {name} takes {rows} rows:\n{}", lines.join("\n"));
        assert!(lines.iter().all(|line| !line.chars().any(char::is_control)), "{what} of {name}: {lines:?}");
    }
    text
}

/// The same on every machine: folders and digests by names.
fn general(world: &World, text: &str) -> String {
    let text = text.replace(&world.path("").display().to_string(), "/FOLDER/");
    let is_digest = |word: &str| [12, 64].contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    // Where a module was cut depends on what it was built with.
    let is_offset = |word: &str| word.starts_with("0x");
    let line = |line: &str| {
        let words = line.split(' ').map(|word| match word {
            word if is_digest(word) => "DIGEST",
            word if is_offset(word) => "OFFSET).",
            word => word,
        });
        words.collect::<Vec<_>>().join(" ")
    };
    text.lines().map(|words| unmeasured(&line(words))).collect::<Vec<_>>().join("\n") + "\n"
}

/// Without the milliseconds that something took.
fn unmeasured(line: &str) -> String {
    match line.split_once("it ran for ") {
        Some((before, after)) => {
            format!("{before}it ran for MEASURED{}", after.trim_start_matches(|c: char| c.is_ascii_digit()))
        }
        None => line.to_owned(),
    }
}

#[test]
fn each_is_told_what_is_wrong_and_its_neighbour_serves_on() {
    let world = world();
    let running = world.start().serving("echo");
    let mut screens = String::new();
    for (name, lay) in [damaged(), of_other_worlds(), of_odd_words(), of_excess(), of_odd_files()].into_iter().flatten()
    {
        world.put(&format!("grants/{name}.toml"), format!("[operations.say]\nas = \"{name}-say\"\n"));
        let beside = world.path(&format!("plugins/.{name}"));
        lay(&beside);
        fs::rename(&beside, world.path(&format!("plugins/{name}.wasm"))).unwrap();
        screens += &format!("{}\n", general(&world, &told(&running, name)));
    }
    compare(&screens);
}

fn compare(screens: &str) {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad_modules.txt");
    if std::env::var_os("REGENT_SCREENS").is_some_and(|what| what == "write") {
        return fs::write(kept, screens).unwrap();
    }
    let expected = fs::read_to_string(&kept).unwrap_or_default();
    let (mut are, mut were) = (screens.lines(), expected.lines());
    let differ = std::iter::from_fn(|| match (were.next(), are.next()) {
        (None, None) => None,
        pair => Some(pair),
    });
    let differ: Vec<_> = differ
        .filter(|(was, is)| was != is)
        .map(|(was, is)| format!("- {}\n+ {}", was.unwrap_or_default(), is.unwrap_or_default()))
        .collect();
    assert!(differ.is_empty(), "REGENT_SCREENS=write takes this over:\n{}", differ.join("\n"));
}

#[test]
fn a_bad_module_in_a_good_ones_place_leaves_it_serving() {
    let world = world().grants("say", "[operations.say]\n");
    world.put("plugins/say.wasm", saying(&["say"], "1"));
    let running = world.start().serving("say");
    let serves = world.digest("say");
    // Links, folders and the like have no content that could be another module.
    for (name, lay) in [damaged(), of_other_worlds(), of_odd_words(), of_excess()].into_iter().flatten() {
        let beside = world.path("plugins/.say");
        lay(&beside);
        fs::rename(&beside, world.path("plugins/say.wasm")).unwrap();
        let file = world.digest("say");
        let listed = eventually(&format!("{name} is judged"), || {
            let plugin = running.plugin("say");
            let seen = plugin["file"] == file || name == "too-large" || name == "empty" || name == "magic-alone";
            (seen && plugin["reasons"] != json!([])).then_some(plugin)
        });
        assert_eq!(listed["serves"], serves, "{name}");
        assert_eq!(running.op("say", Value::Null)["data"], 1, "{name}");
    }
    world.put("plugins/say.wasm", saying(&["say"], "2"));
    running.wait_answer("say", &json!(2));
}

#[test]
fn what_the_daemon_compiled_itself_is_no_module() {
    let world = world().grants("artefact", "[operations.say]\n");
    let running = world.start().serving("echo");
    let compiled = fs::read_dir(world.path("state/compiled")).unwrap().map(|entry| entry.unwrap().path());
    let code = compiled.into_iter().find(|path| path.extension().is_some_and(|ending| ending == "code")).unwrap();
    world.put("plugins/artefact.wasm", fs::read(code).unwrap());
    let text = told(&running, "artefact");
    assert!(text.contains("this is not WebAssembly"), "{text}");
}

#[test]
fn a_folder_that_others_may_write_serves_nothing_new_and_says_which_it_is() {
    let world = world();
    let running = world.start().serving("echo");
    mode(&world.path("plugins"), 0o777);
    world.put("plugins/say.wasm", saying(&["say"], "1"));
    world.put("grants/say.toml", "[operations.say]\n");
    let text = told(&running, "say");
    assert!(text.contains("plugins: can be written by others (mode 0777): chmod go-w"), "{text}");
    mode(&world.path("plugins"), 0o755);
    running.wait_answer("say", &json!(1));
}

#[test]
fn names_that_are_none_are_said_and_harm_nobody() {
    let world = world();
    let running = world.start().serving("echo");
    for name in ["with space", "b\u{f6}se", "new\nline", "es\u{1b}[31mcape", "dot.dot"] {
        world.put(&format!("plugins/{name}.wasm"), saying(&["say"], "1"));
        world.put(&format!("grants/{name}.toml"), "[operations.say]\n");
    }
    fs::write(world.path("plugins/.wasm"), "nothing").unwrap();
    fs::write(world.path("grants/.toml"), "nothing").unwrap();
    running.regent(&["reload"]);
    let reload = running.regent(&["reload"]);
    assert!(reload.stderr.contains("is no name of a plugin"), "{reload:?}");
    assert_eq!(running.op("say", Value::Null)["error"], "Unknown operation");
    let shown = running.regent(&["plugin", "list"]).stdout + &reload.stderr + &running.log();
    assert!(!shown.contains('\u{1b}') && !shown.contains("\nline"), "{shown}");
    assert_eq!(running.op("echo", json!(1))["data"], 1);
}

/// Some seconds of a compiler's time.
#[test]
fn a_module_that_is_made_to_cost_the_compiler_costs_its_neighbours_nothing() {
    let world = world();
    let running = world.start().serving("echo");
    let adds = "local.get 0 i32.add ".repeat(200_000);
    let bomb = format!("(func $bomb (param i32) (result i32) local.get 0 {adds})");
    let bombs: String = (0..8).map(|number| bomb.replace("$bomb", &format!("$bomb{number}"))).collect();
    world.put("plugins/bomb.wasm", Plugin::default().items(&bombs).component());
    world.put("grants/bomb.toml", "[operations.say]\n");
    running.wait_plugin("bomb", "preparing");
    let mut asked = 0;
    let ended = eventually("it is over", || {
        let since = Instant::now();
        assert_eq!(running.op("echo", json!(asked))["data"], asked);
        assert!(since.elapsed() < Duration::from_secs(2), "{:?}", since.elapsed());
        asked += 1;
        Some(running.plugin("bomb")).filter(|plugin| plugin["state"] != "preparing")
    });
    assert!(asked > 10, "{asked}");
    assert_eq!(ended["state"], "not-serving", "{ended}");
}

#[test]
fn the_hostile_fixture_is_served_for_only_what_it_does_is_hostile() {
    needs_root();
    let grants = fs::read_to_string(fixture("hostile.toml")).unwrap();
    let world = World::new().plugin("hostile", &grants);
    assert_eq!(world.start().serving("hostile").op("well", Value::Null)["data"], "well");
}
