//! Modules and grants that come, change and go while the daemon runs: what is whole is served without a restart, what
//! is not changes nothing, and what is wrong is said with its cure.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]

mod handmade;

use std::fs::{self, File};
use std::io::Write as _;
use std::os::fd::AsRawFd as _;
use std::thread;
use std::time::{Duration, Instant};

use handmade::saying;
use regent_tests::{World, bytes, eventually, fixture, needs_root, relabelled};
use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use serde_json::{Value, json};

/// What does not happen is waited for so long: many times what the daemon takes to look.
const LONG_ENOUGH: Duration = Duration::from_millis(600);
const SAY: &str = "[operations.say]\n";
const HELD: &str = "[operations.say]\nrequire = [{ step = \"approval\", of = \"ops\" }]\n";

fn world() -> World {
    needs_root();
    World::new().plugin("echo", "[operations.echo]\n")
}

/// A plugin whose operation `say` replies so.
fn says(reply: &str) -> Vec<u8> {
    saying(&["say"], &format!("\"{reply}\""))
}

#[test]
fn a_module_and_its_grants_are_served_as_soon_as_both_are_there_whichever_came_first() {
    let world = world();
    let running = world.start().serving("echo");
    for (number, ending) in [("first", "wasm"), ("second", "toml")] {
        let content =
            |ending| if ending == "wasm" { says(number) } else { b"[operations.say]\nas = \"said\"\n".to_vec() };
        let other = if ending == "wasm" { "toml" } else { "wasm" };
        let path = |ending| format!("{}/say.{ending}", if ending == "wasm" { "plugins" } else { "grants" });
        world.put(&path(ending), content(ending));
        thread::sleep(LONG_ENOUGH);
        assert_eq!(running.op("said", Value::Null)["error"], "Unknown operation", "half of it is nothing");
        // The other half by a copy, not by a rename.
        fs::write(world.path(&path(other)), content(other)).unwrap();
        running.wait_answer("said", &json!(number));
        [ending, other].iter().for_each(|ending| world.take_away(&path(ending)));
        running.wait_unknown("said");
    }
    assert_eq!(running.op("echo", json!(1))["data"], 1);
}

#[test]
fn a_module_without_grants_and_grants_without_a_module_are_listed_with_what_to_do() {
    let world = world();
    let running = world.start().serving("echo");
    world.put("plugins/alone.wasm", says("alone"));
    world.put("grants/lonely.toml", SAY);
    let alone = running.wait_plugin("alone", "not-serving");
    assert_eq!(alone["reasons"], json!(["no grants file names it: regent plugin enable alone"]));
    let lonely = running.wait_plugin("lonely", "not-serving");
    let reason = lonely["reasons"][0].as_str().unwrap();
    let folder = world.path("plugins").display().to_string();
    assert_eq!(reason, format!("there is no lonely.wasm in {folder}: put it there"));
    running.wait_unknown("say");
}

#[test]
fn a_module_that_takes_anothers_place_answers_the_next_request_on_the_same_connection() {
    let world = world().grants("say", SAY);
    world.put("plugins/say.wasm", says("one"));
    let running = world.start().serving("say");
    let mut kept = running.connect();
    let request = json!({"secret": regent_tests::SECRET, "op": "say"});
    assert_eq!(kept.ask(&request)["data"], "one");
    for reply in ["two", "three"] {
        world.put("plugins/say.wasm", says(reply));
        eventually("the new one answers", || {
            let answer = kept.ask(&request);
            assert_eq!(answer["success"], true, "no request fails meanwhile: {answer}");
            (answer["data"] == reply).then_some(())
        });
    }
    assert_eq!(running.plugin("say")["serves"], world.digest("say"));
}

#[test]
fn what_is_removed_is_unknown_and_serves_again_when_it_is_back() {
    let world = world().grants("say", SAY);
    world.put("plugins/say.wasm", says("here"));
    let pinned = format!("sha256 = \"PIN\"\n{SAY}");
    for grants in [SAY, &pinned] {
        let world_path = world.path("grants/say.toml");
        let module = fs::read(world.path("plugins/say.wasm")).unwrap();
        fs::write(&world_path, grants.replace("PIN", &world.digest("say"))).unwrap();
        let running = world.start().serving("say");
        for file in ["plugins/say.wasm", "grants/say.toml"] {
            let content = fs::read(world.path(file)).unwrap();
            world.take_away(file);
            running.wait_unknown("say");
            world.put(file, content);
            running.wait_answer("say", &json!("here"));
        }
        world.take_away("plugins/say.wasm");
        running.wait_unknown("say");
        let listed = running.plugin("say");
        assert_eq!((&listed["state"], &listed["serves"]), (&json!("not-serving"), &Value::Null), "{listed}");
        world.put("plugins/say.wasm", module);
    }
}

#[test]
fn a_module_that_is_still_written_to_is_not_loaded_and_is_when_it_is_closed() {
    let world = world().grants("say", SAY);
    let running = world.start().serving("echo");
    let module = says("whole");
    let (first, rest) = module.split_at(module.len() / 2);
    let mut half = File::create(world.path("plugins/say.wasm")).unwrap();
    half.write_all(first).unwrap();
    thread::sleep(LONG_ENOUGH);
    let reload = running.regent(&["reload"]);
    assert_eq!(running.op("say", Value::Null)["error"], "Unknown operation");
    let reasons = running.plugin("say")["reasons"].to_string();
    assert!(reasons.contains("say.wasm: is being written"), "{reasons}\n{reload:?}");
    half.write_all(rest).unwrap();
    thread::sleep(LONG_ENOUGH);
    assert_eq!(running.op("say", Value::Null)["error"], "Unknown operation", "whole, and not closed");
    assert!(!running.log().contains("plugin say serves") && !running.log().contains("damaged"));
    drop(half);
    running.wait_answer("say", &json!("whole"));
}

#[test]
fn a_module_that_is_overwritten_in_place_serves_on_as_it_was_until_it_is_closed() {
    let world = world().grants("say", SAY);
    world.put("plugins/say.wasm", says("before"));
    let running = world.start().serving("say");
    let module = says("after");
    let mut half = File::create(world.path("plugins/say.wasm")).unwrap();
    for part in module.chunks(module.len() / 3) {
        half.write_all(part).unwrap();
        thread::sleep(Duration::from_millis(100));
        assert_eq!(running.op("say", Value::Null)["data"], "before");
    }
    running.regent(&["reload"]);
    assert_eq!(running.op("say", Value::Null)["data"], "before", "a reload reads no halves either");
    drop(half);
    running.wait_answer("say", &json!("after"));
    assert!(!running.log().contains("damaged") && !running.log().contains("not valid"));
}

#[test]
fn grants_that_are_half_written_are_lived_by_neither_when_they_are_new_nor_when_they_change() {
    let world = world();
    world.put("plugins/say.wasm", says("done"));
    let running = world.start().serving("echo");
    let pinned = format!("sha256 = \"{}\"\n{HELD}", world.digest("say"));
    for turn in ["new", "changed"] {
        // A file of its own, and a valid one, that grants without consent.
        let (first, rest) = pinned.split_at(pinned.find("require").unwrap());
        let mut half = File::create(world.path("grants/say.toml")).unwrap();
        half.write_all(first.as_bytes()).unwrap();
        half.sync_all().unwrap();
        thread::sleep(LONG_ENOUGH);
        running.regent(&["reload"]);
        let reply = running.op("say", Value::Null);
        if turn == "new" {
            assert_eq!(reply["error"], "Unknown operation");
        } else {
            assert_eq!(reply["state"], "held", "{reply}");
        }
        half.write_all(rest.as_bytes()).unwrap();
        drop(half);
        eventually("it is served, and held", || (running.op("say", Value::Null)["state"] == "held").then_some(()));
    }
    assert!(world.audit().iter().all(|line| line["state"] != "performing"), "nothing ran");
}

#[test]
fn what_is_wrong_with_new_grants_is_said_whole_and_what_was_served_goes_on() {
    let world = world().grants("say", SAY);
    world.put("plugins/say.wasm", says("on"));
    let running = world.start().serving("say");
    world.put("grants/say.toml", "[operations.say]\ndeadlin = \"4s\"\n\n[commands.list]\nrun = [\"ls\"]\n");
    let listed = eventually("it is listed", || {
        Some(running.plugin("say")).filter(|plugin| plugin["reasons"].as_array().unwrap().len() >= 2)
    });
    let reasons = listed["reasons"].to_string();
    for part in ["say.toml:2: ", "did you mean deadline", "say.toml:5: "] {
        assert!(reasons.contains(part), "{part:?} is not in {reasons}");
        // Written before it is listed, and read here a moment later.
        eventually(&format!("the log says {part:?}"), || {
            let said = |line: &str| line.contains("plugin say serves on as before") && line.contains(part);
            running.log().lines().any(said).then_some(())
        });
    }
    assert_eq!(running.op("say", Value::Null)["data"], "on");
    let shown = running.regent(&["plugin", "list", "say"]).stdout;
    assert!(shown.contains("did you mean deadline"), "{shown}");
    world.put("grants/say.toml", SAY);
    eventually("nothing is said", || (running.plugin("say")["reasons"] == json!([])).then_some(()));
}

#[test]
fn what_is_wrong_with_a_new_module_is_said_and_what_was_served_goes_on_even_after_a_restart() {
    let world = world().grants("say", SAY);
    world.put("plugins/say.wasm", says("on"));
    let good = world.digest("say");
    let running = world.start().serving("say");
    world.put("plugins/say.wasm", "no module\n");
    let bad = world.digest("say");
    let listed = running.wait_plugin("say", "serving-accepted");
    assert_eq!((&listed["serves"], &listed["file"]), (&json!(good), &json!(bad)));
    assert_eq!(
        listed["reasons"],
        json!(["this is not WebAssembly: what belongs here is what `regent plugin build` makes"])
    );
    assert!(running.log().contains("plugin say serves on as before: this is not WebAssembly"));
    assert_eq!(running.op("say", Value::Null)["data"], "on");
    drop(running);
    let running = world.start().serving("say");
    assert_eq!(running.op("say", Value::Null)["data"], "on");
    assert_eq!(running.wait_plugin("say", "serving-accepted")["serves"], json!(good));
    world.put("plugins/say.wasm", says("repaired"));
    running.wait_answer("say", &json!("repaired"));
}

#[test]
fn an_operation_that_two_files_serve_is_served_by_neither_until_one_of_them_goes() {
    let world = world().grants("one", SAY).grants("two", SAY);
    world.put("plugins/one.wasm", says("one"));
    let running = world.start().serving("one");
    assert_eq!(running.op("say", Value::Null)["data"], "one");
    world.put("plugins/two.wasm", says("two"));
    running.wait_unknown("say");
    running.wait_log("operation say: granted by one.toml and by two.toml, so by neither: write another as = ");
    for name in ["one", "two"] {
        let unserved = running.plugin(name)["operations"][0]["unserved"].as_str().unwrap().to_owned();
        assert!(unserved.contains("one.toml, two.toml all serve it, so none does"), "{unserved}");
    }
    let reload = running.regent(&["reload"]);
    assert!(reload.status == 78 && reload.stderr.contains("granted by one.toml and by two.toml"), "{reload:?}");
    let both = fs::read(world.path("grants/one.toml")).unwrap();
    world.take_away("grants/one.toml");
    running.wait_answer("say", &json!("two"));
    world.put("grants/one.toml", both);
    running.wait_unknown("say");
    world.put("grants/two.toml", "[operations.say]\nas = \"say-two\"\n");
    running.wait_answer("say", &json!("one"));
    running.wait_answer("say-two", &json!("two"));
}

#[test]
fn one_module_serves_several_grants_files_each_with_its_own_process_and_settings() {
    let world = world();
    let running = world.start().serving("echo");
    let before = regent_tests::proc::named(running.pid(), "regent-sandbox").len();
    world.put("plugins/firewall.wasm", bytes("firewall"));
    for (name, port) in [("outer", 22), ("inner", 80)] {
        let grants = format!(
            "module = \"firewall\"\n[settings]\nports = [{port}]\n[operations.open]\nas = \"open-{name}\"\n\
             [commands.open-port]\nrun = [\"/usr/bin/echo\", \"{name}\", \"{{ip}}\", \"{{port}}\"]\n\
             params.ip = {{ type = \"ipv4\", scope = \"public\" }}\nparams.port = {{ type = \"integer\", one_of = \"settings.ports\" }}\n\
             [commands.list-ports]\nrun = [\"/usr/bin/true\"]\n"
        );
        world.put(&format!("grants/{name}.toml"), grants);
    }
    for (name, port, other) in [("outer", 22, 80), ("inner", 80, 22)] {
        running.wait_plugin(name, "serving");
        let op = format!("open-{name}");
        let asked = running.op(&op, json!({"ip": "8.8.8.8", "port": port}));
        assert_eq!(asked["success"], true, "{asked}");
        let refused = running.op(&op, json!({"ip": "8.8.8.8", "port": other}));
        assert_eq!(refused["error"], "Invalid data: Port not allowed", "its own settings count: {refused}");
    }
    assert_eq!(regent_tests::proc::named(running.pid(), "regent-sandbox").len(), before + 2);
    assert!(!running.regent(&["plugin", "list"]).stdout.contains("no grants file names it"));
    world.take_away("grants/inner.toml");
    running.wait_unknown("open-inner");
    assert_eq!(running.op("open-outer", json!({"ip": "8.8.8.8", "port": 22}))["success"], true);
    eventually("its process is gone", || {
        (regent_tests::proc::named(running.pid(), "regent-sandbox").len() == before + 1).then_some(())
    });
}

#[test]
fn while_a_large_module_is_compiled_nobody_waits_for_it() {
    let world = world();
    let running = world.start().serving("echo");
    world.put("plugins/python.wasm", fs::read(fixture("python.wasm")).unwrap());
    world.put("grants/python.toml", fs::read(fixture("python.toml")).unwrap());
    running.wait_plugin("python", "preparing");
    let slowest = (0..200)
        .map(|number| {
            let since = Instant::now();
            assert_eq!(running.op("echo", json!(number))["data"], number);
            since.elapsed()
        })
        .max();
    assert_eq!(running.plugin("python")["state"], "preparing", "all of them were answered before it was compiled");
    assert!(slowest < Some(Duration::from_secs(2)), "{slowest:?}");
    // What comes later is not behind it either.
    world.put("plugins/other.wasm", relabelled(&bytes("echo"), "other"));
    world.put("grants/other.toml", "[operations.echo]\nas = \"other\"\n");
    eventually("the later one serves", || (running.op("other", json!(7))["data"] == 7).then_some(()));
    assert_eq!(running.plugin("python")["state"], "preparing");
}

#[test]
fn a_folder_that_is_made_anew_in_another_ones_place_is_followed() {
    let world = world();
    let running = world.start().serving("echo");
    fs::rename(world.path("plugins"), world.path("plugins-before")).unwrap();
    fs::create_dir(world.path("plugins")).unwrap();
    running.wait_unknown("echo");
    world.put("plugins/echo.wasm", bytes("echo"));
    eventually("it serves again", || (running.op("echo", json!(1))["data"] == 1).then_some(()));
}

#[test]
fn files_that_come_by_a_link_are_whole_as_soon_as_they_are_there() {
    let world = world();
    world.put("plugins-say.wasm", says("linked"));
    world.put("grants-say.toml", SAY);
    let running = world.start().serving("echo");
    // Files without a name, which get one when they are complete.
    for (from, to) in [("plugins-say.wasm", "plugins/say.wasm"), ("grants-say.toml", "grants/say.toml")] {
        let folder = world.path(to).parent().unwrap().to_path_buf();
        let flags = OFlags::WRONLY | OFlags::TMPFILE;
        let mut file = File::from(rustix::fs::open(folder, flags, Mode::from_raw_mode(0o644)).unwrap());
        file.write_all(&fs::read(world.path(from)).unwrap()).unwrap();
        let nameless = format!("/proc/self/fd/{}", file.as_raw_fd());
        rustix::fs::linkat(CWD, nameless, CWD, world.path(to), AtFlags::SYMLINK_FOLLOW).unwrap();
    }
    running.wait_answer("say", &json!("linked"));
    world.take_away("plugins/say.wasm");
    running.wait_unknown("say");
    fs::hard_link(world.path("plugins-say.wasm"), world.path("plugins/say.wasm")).unwrap();
    running.wait_answer("say", &json!("linked"));
}

#[test]
fn a_grants_file_that_is_a_link_is_read_again_when_what_it_leads_to_changes() {
    let world = world();
    world.put("elsewhere.toml", "[operations.echo]\n");
    world.take_away("grants/echo.toml");
    std::os::unix::fs::symlink(world.path("elsewhere.toml"), world.path("grants/echo.toml")).unwrap();
    let running = world.start().serving("echo");
    assert_eq!(running.op("echo", json!(1))["data"], 1);
    fs::write(world.path("elsewhere.toml"), "[operations.echo]\nallow = [{ user = \"games\" }]\n").unwrap();
    running.wait_unknown("echo");
    // As whoever keeps generations does it: the link itself stays, and one on the way leads elsewhere.
    fs::create_dir(world.path("next")).unwrap();
    world.put("next/echo.toml", "[operations.echo]\n");
    world.take_away("grants/echo.toml");
    std::os::unix::fs::symlink(world.path("now/echo.toml"), world.path("grants/echo.toml")).unwrap();
    std::os::unix::fs::symlink(world.path("next"), world.path("now")).unwrap();
    eventually("it serves again", || (running.op("echo", json!(2))["data"] == 2).then_some(()));
    // A file of two names, written to by the other.
    world.take_away("grants/echo.toml");
    fs::hard_link(world.path("elsewhere.toml"), world.path("grants/echo.toml")).unwrap();
    running.wait_unknown("echo");
    fs::write(world.path("elsewhere.toml"), "[operations.echo]\n").unwrap();
    eventually("it serves once more", || (running.op("echo", json!(3))["data"] == 3).then_some(()));
}
