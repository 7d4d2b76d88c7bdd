//! Components written by hand to do what no compiler emits, each against the real daemon: it ends at its limit, with a
//! word of its own in the log and in the audit log; its caller hears the wire's words; the daemon and a neighbour live
//! on.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]

mod attacks;
mod handmade;

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use attacks::loading::{self, Bad};
use attacks::{Attack, GRANTS, all_of, around, asked, bombs, data, handed};
use handmade::Plugin;
use regent_tests::{Running, World, code, error, eventually, needs_root};
use serde_json::{Value, json};

/// Of these one is undisturbed, also on a busy machine.
const RUNS: usize = 30;

/// A world with a neighbour, and hostile plugins of these names.
fn world(plugins: &[(&str, &Plugin)]) -> World {
    needs_root();
    let mut world = World::new().plugin("echo", "[operations.echo]\n");
    for (name, plugin) in plugins {
        world.put(&format!("plugins/{name}.wasm"), plugin.component());
        let grants = GRANTS.replace("[operations.attack]", &format!("[operations.attack]\nas = \"{name}\""));
        world = world.grants(name, &grants);
    }
    world
}

/// Asks for it, and returns what log and audit log say of that, which is the same.
#[track_caller]
fn attacked(running: &Running<'_>, plugin: &str, number: usize, attack: &Attack) -> String {
    let Attack { name, heard, code: word, says, .. } = attack;
    let reply = running.op(plugin, json!(data(number)));
    assert_eq!((error(&reply), code(&reply)), ("Operation failed", *heard), "{name}: {reply}");
    assert!(!reply.to_string().contains("plugin"), "{name}: its caller hears nothing of it: {reply}");
    let reference = reply["ref"].as_str().unwrap();
    let line = eventually("the log says why", || {
        running.log().lines().find(|line| line.contains(&format!("ref {reference}:"))).map(str::to_owned)
    });
    let audited = eventually("the audit log says why", || {
        let of = |line: &Value| line["ref"] == reference && line["why"].is_string();
        running.world.audit().into_iter().find(of).map(|line| line["why"].as_str().unwrap().to_owned())
    });
    for said in [&line, &audited] {
        assert!(said.contains(&format!("{word}: ")) && said.contains(says), "{name}: {said}");
    }
    audited
}

/// The daemon, the neighbour and the attacker itself go on.
#[track_caller]
fn all_live_on(running: &Running<'_>, plugin: &str, after: &str) {
    assert_eq!(running.op("echo", json!(after))["data"], after);
    let well = json!({"after": after});
    assert_eq!(running.op(plugin, well.clone())["data"], well, "after {after}");
}

/// Each of these in one component.
#[track_caller]
fn each_is_stopped(attacks: &[Attack]) -> Vec<String> {
    let plugin = all_of(attacks);
    let world = world(&[("hostile", &plugin)]);
    let running = world.start().serving("hostile").serving("echo");
    let said = attacks.iter().enumerate().map(|(number, attack)| {
        let said = attacked(&running, "hostile", number, attack);
        all_live_on(&running, "hostile", attack.name);
        said
    });
    said.collect()
}

/// The number before these words.
fn number_before(text: &str, words: &str) -> f64 {
    let (before, _) = text.split_once(words).unwrap_or_else(|| panic!("no {words:?} in {text}"));
    before.rsplit(' ').next().unwrap().parse().unwrap()
}

#[test]
fn time_without_end_is_stopped_at_its_limit_whatever_it_is_spent_on() {
    for said in each_is_stopped(&asked::time()) {
        let ran = number_before(&said, " ms; the limit is 200 ms");
        assert!((200.0..400.0).contains(&ran), "{said}");
    }
}

/// The clock ticks each 10 ms. Where the machine has other work a tick may come late, so it is the best of some runs.
/// What is looked at between two instructions cannot end one in its midst: that one is only held to what the other test
/// holds it to.
#[test]
fn all_but_one_long_instruction_is_stopped_within_a_tenth_of_its_limit() {
    let attacks = asked::time();
    let world = world(&[("hostile", &all_of(&attacks))]);
    let running = world.start().serving("hostile");
    for (number, attack) in attacks.iter().enumerate().filter(|(_, attack)| attack.name != asked::LONG) {
        let mut ran = Vec::new();
        while ran.last().is_none_or(|ran| *ran > 220.0) {
            assert!(ran.len() < RUNS, "{}: {ran:?}", attack.name);
            ran.push(number_before(&attacked(&running, "hostile", number, attack), " ms; the limit is 200 ms"));
        }
        assert!(ran.iter().all(|ran| *ran >= 200.0), "{}: {ran:?}", attack.name);
    }
}

#[test]
fn memory_tables_and_stack_without_end_are_stopped_at_their_limits() {
    let said = each_is_stopped(&asked::space());
    let wanted = number_before(&said[0], " MiB; the limit is 64 MiB");
    assert!((64.0..64.0 * 1.1).contains(&wanted), "what a page more would have made: {wanted}");
}

#[test]
fn a_plan_without_end_is_stopped_after_its_last_step_and_nothing_of_it_runs() {
    let plugin = all_of(&asked::steps());
    let world = world(&[("hostile", &plugin)]);
    let running = world.start().serving("hostile").serving("echo");
    attacked(&running, "hostile", 0, &asked::steps()[0]);
    all_live_on(&running, "hostile", "steps without end");
    let ran = world.audit().into_iter().filter(|line| line["steps"].is_array() || line["plan"].is_array());
    assert_eq!(ran.count(), 0);
}

#[test]
fn lengths_beyond_all_memory_and_within_it_are_stopped_before_anything_is_copied() {
    each_is_stopped(&handed::lengths());
}

#[test]
fn pointers_to_nowhere_are_the_end_of_a_request_and_of_nothing_else() {
    each_is_stopped(&handed::pointers());
}

#[test]
fn bytes_that_are_no_text_come_to_nothing_wherever_they_are_handed_over() {
    each_is_stopped(&handed::bytes());
}

#[test]
fn replies_that_read_in_two_ways_reach_nobody() {
    each_is_stopped(&handed::replies());
}

/// Each in a component of its own.
#[track_caller]
fn each_alone_is_stopped(attacks: &[around::Own]) {
    let names: Vec<_> = (0..attacks.len()).map(|number| format!("hostile-{number}")).collect();
    let plugins: Vec<_> = names.iter().zip(attacks).map(|(name, (_, plugin))| (name.as_str(), plugin)).collect();
    let world = world(&plugins);
    let mut running = world.start().serving("echo");
    for name in &names {
        running = running.serving(name);
    }
    for (name, (attack, _)) in names.iter().zip(attacks) {
        attacked(&running, name, 0, attack);
        all_live_on(&running, name, attack.name);
    }
}

#[test]
fn what_is_done_after_the_reply_undoes_the_reply() {
    each_alone_is_stopped(&around::after_the_reply());
}

#[test]
fn an_allocator_that_lies_loops_or_calls_harms_its_own_request_alone() {
    each_alone_is_stopped(&around::allocators());
}

/// Puts it there, and waits until it is judged: as the list has it.
#[track_caller]
fn judged(running: &Running<'_>, name: &str, module: &[u8]) -> Value {
    running.world.put(&format!("plugins/{name}.wasm"), module);
    let grants = GRANTS.replace("[operations.attack]", &format!("[operations.attack]\nas = \"{name}\""));
    running.world.put(&format!("grants/{name}.toml"), grants);
    let judged = |plugin: &Value| {
        let reasons = plugin["reasons"].to_string();
        plugin["name"] == name
            && plugin["state"] != "preparing"
            && (plugin["state"] != "not-serving"
                || !["[]", "is being written", "there is no"].iter().any(|not| reasons.contains(not)))
    };
    eventually_long(&format!("{name} is judged"), || {
        let listed: Value = serde_json::from_str(&running.regent(&["plugin", "list", "--json"]).stdout).unwrap();
        listed.as_array().unwrap().iter().find(|plugin| judged(plugin)).cloned()
    })
}

/// A compiler has 30 s of processor time, which on a busy machine is not had at once; the daemon ends it after two
/// minutes.
fn eventually_long<T>(name: &str, mut what: impl FnMut() -> Option<T>) -> T {
    let since = Instant::now();
    loop {
        match what() {
            Some(found) => return found,
            None => assert!(since.elapsed() < Duration::from_secs(200), "never came true: {name}"),
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// The audit log has why, too.
#[track_caller]
fn audited_as_not_serving(running: &Running<'_>, name: &str, code: &str, says: &str) {
    let is_it = |line: &Value| {
        let why = line["why"].as_str().unwrap_or_default();
        let unserved = line["event"] == "plugin" && line["plugin"] == name && line["serving"] == "not-serving";
        unserved && why.contains(code) && why.contains(says)
    };
    eventually(&format!("the audit log has that {name} does not serve: {code}: {says}"), || {
        running.world.audit().iter().any(is_it).then_some(())
    });
}

/// None of these serves, and each is told by its word in the list, in the log and in the audit log.
#[track_caller]
fn each_never_serves(all: &[Bad]) {
    let world = world(&[]);
    let running = world.start().serving("echo");
    for Bad { name, module, code, says } in all {
        let listed = judged(&running, name, module);
        assert_eq!(listed["state"], "not-serving", "{listed}");
        let reason = listed["reasons"][0].as_str().unwrap();
        assert!(reason.contains(code) && reason.contains(says), "{name}: {reason}");
        let line = format!("plugin {name} does not serve: ");
        let log = eventually("the log says why", || {
            running.log().lines().find(|said| said.contains(&line)).map(str::to_owned)
        });
        assert!(log.contains(code) && log.contains(says), "{name}: {log}");
        audited_as_not_serving(&running, name, code, says);
        let reply = running.op(name, Value::Null);
        assert!(reply["success"] != true && !reply.to_string().contains("plugin-"), "{name}: {reply}");
        assert_eq!(running.op("echo", json!(name))["data"], *name);
    }
}

#[test]
fn a_module_with_too_many_parts_never_serves_and_says_of_which() {
    each_never_serves(&loading::many());
}

#[test]
fn a_module_that_wants_too_much_before_it_serves_never_does() {
    each_never_serves(&loading::much());
}

#[test]
fn a_description_that_is_none_serves_nothing() {
    each_never_serves(&loading::words());
}

/// Half a minute of a compiler's time.
#[test]
fn a_module_that_costs_the_compiler_more_than_it_may_is_ended_and_says_so_while_the_others_are_served() {
    let world = world(&[]);
    let running = world.start().serving("echo");
    for (name, bomb, says) in [
        ("memory", bombs::of_memory(), "it takes more than 2048 MiB of memory"),
        ("time", bombs::of_time(), "it takes more than"),
    ] {
        let asking = AtomicBool::new(true);
        let listed = thread::scope(|scope| {
            let neighbour = scope.spawn(|| {
                let mut asked = 0;
                while asking.load(Ordering::Relaxed) {
                    assert_eq!(running.op("echo", json!(asked))["data"], asked);
                    asked += 1;
                    thread::sleep(Duration::from_millis(20));
                }
                asked
            });
            let listed = judged(&running, name, &bomb);
            asking.store(false, Ordering::Relaxed);
            assert!(neighbour.join().unwrap() > 10);
            listed
        });
        let reason = listed["reasons"][0].as_str().unwrap();
        assert!(reason.starts_with("plugin-compile: ") && reason.contains(says), "{reason}");
        assert!(reason.contains("make its largest functions smaller"), "{reason}");
        assert!(running.log().contains(&format!("plugin {name} does not serve: plugin-compile: ")));
        assert_ne!(running.op(name, Value::Null)["success"], true);
    }
}

/// What is served is what was said the first time: that is kept beside the compiled code, and nothing is asked again
/// until the module, the compiler or the settings are others.
#[test]
fn a_description_that_changes_its_mind_is_the_first_that_was_told_over_restarts() {
    let world = world(&[("hostile", &around::of_two_minds())]);
    let told = |running: &Running<'_>| {
        let listed = running.ask(json!({"list": true}))["data"].clone();
        let operation =
            listed.as_array().unwrap().iter().find(|operation| operation["operation"] == "hostile").cloned();
        operation.unwrap_or_else(|| panic!("{listed}"))["summary"].as_str().unwrap().to_owned()
    };
    let first = told(&world.start().serving("hostile"));
    for _ in 0..6 {
        assert_eq!(told(&world.start().serving("hostile")), first);
    }
    // Asked anew it does change: or this would show nothing.
    eventually("it says something else once what was kept is gone", || {
        fs::remove_dir_all(world.path("state/compiled")).unwrap();
        (told(&world.start().serving("hostile")) != first).then_some(())
    });
}

#[test]
fn a_plugin_that_no_longer_starts_fails_each_request_at_its_limit_and_nobody_else() {
    let begins = SystemTime::now() + Duration::from_secs(20);
    let world = world(&[("hostile", &around::starts_no_more(begins))]);
    let running = world.start().serving("hostile").serving("echo");
    all_live_on(&running, "hostile", "its first start");
    while SystemTime::now() < begins {
        thread::sleep(Duration::from_millis(100));
    }
    // What was made ready before serves once more on each lane.
    let reply = eventually("it no longer starts", || {
        let reply = running.op("hostile", json!(1));
        (reply["success"] != true).then_some(reply)
    });
    assert_eq!((error(&reply), code(&reply)), ("Operation failed", "timeout"), "{reply}");
    let reference = format!("ref {}:", reply["ref"].as_str().unwrap());
    let line = eventually("the log says why", || {
        running.log().lines().find(|line| line.contains(&reference)).map(str::to_owned)
    });
    assert!(line.contains("plugin-timeout: it ran too long: it ran for "), "{line}");
    // No other process of it starts either, and its requests hear so.
    assert_eq!(error(&running.op("hostile", json!(1))), "Operation failed");
    assert_eq!(running.op("echo", json!(1))["data"], 1);
}

#[test]
fn an_allocator_that_gives_out_one_address_for_everything_confuses_itself_alone() {
    let world = world(&[("hostile", &around::overlapping())]);
    let running = world.start().serving("hostile").serving("echo");
    // The name of the operation is overwritten by the data, and what comes back is one of both.
    assert_eq!(running.op("hostile", json!("long enough"))["data"], "long enough");
    assert_eq!(running.op("echo", json!(1))["data"], 1);
}

/// Within the limits of a description, and each would be one too many for a list that has it in it.
#[test]
fn a_schema_or_a_summary_that_is_too_deep_or_too_long_for_a_list_keeps_nobody_from_reading_it() {
    let deep = format!(r#"{{"a":{}1{}}}"#, "[".repeat(30), "]".repeat(30));
    let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(900 << 10));
    let described = |summary: &str, schema: &str| {
        let text = format!(r#"{{"operations":[{{"name":"attack","summary":"{summary}","schema":{schema}}}]}}"#);
        handmade::describing_long(&text)
    };
    let plugins = [
        ("deep", described("", &deep)),
        ("long", described("", &long)),
        ("wordy", described(&"x".repeat(900 << 10), "{}")),
        ("good", described("what it does", r#"{"type":"string"}"#)),
    ];
    let named: Vec<_> = plugins.iter().map(|(name, plugin)| (*name, plugin)).collect();
    let world = world(&named);
    let running = world.start().serving("deep").serving("long").serving("wordy").serving("good");
    let listed = running.ask(json!({"list": true}))["data"].clone();
    let of = |name: &str| {
        let operations = listed.as_array().unwrap_or_else(|| panic!("{listed}"));
        operations.iter().find(|operation| operation["operation"] == name).unwrap().clone()
    };
    assert_eq!((&of("deep")["schema"], &of("long")["schema"]), (&json!({}), &json!({})));
    assert_eq!(of("wordy")["summary"].as_str().unwrap().len(), 500);
    assert_eq!((&of("good")["schema"], &of("good")["summary"]), (&json!({"type": "string"}), &json!("what it does")));
    assert!(running.regent(&["ops"]).stdout.contains("good"));
}
