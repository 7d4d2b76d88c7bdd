//! The wire, from raw bytes: every text and code of a request socket, in the order of the checks, each with its allowed
//! twin.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]

use std::io::Write as _;
use std::time::{Duration, Instant};

use regent_tests::{Running, SECRET, World, code, error, needs_root};
use serde_json::{Value, json};

const ECHO: &str = "[operations.echo]\n";

fn world() -> World {
    World::new().plugin("echo", ECHO)
}

fn refused(running: &Running<'_>, line: &[u8], text: &str, word: &str) {
    let reply = running.connect().raw(line);
    assert_eq!((error(&reply), code(&reply)), (text, word), "{}", String::from_utf8_lossy(line));
    let reference = reply["ref"].as_str().unwrap();
    assert!(reference.len() == 8 && reference.bytes().all(|byte| byte.is_ascii_lowercase()), "{reply}");
}

/// A request with the right secret and these further members, as text.
fn with_secret(members: &str) -> Vec<u8> {
    format!("{{\"secret\": \"{SECRET}\", {members}}}").into_bytes()
}

#[test]
fn an_operation_that_needs_no_step_is_answered_at_once_with_its_data_as_it_was_sent() {
    let world = world();
    let running = world.start();
    for data in ["null", "true", "1", "-0.5e10", "\"\\u00e9\\\\ \"", "[1, {\"a\" : []}]", "{\"x\":\"日本\"}"] {
        let mut wire = running.connect();
        wire.send(&with_secret(&format!("\"op\": \"echo\", \"data\": {data}")));
        wire.send(b"\n");
        let line = wire.line().unwrap();
        let reply: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(reply, json!({"success": true, "uid": null, "data": serde_json::from_str::<Value>(data).unwrap()}));
    }
}

#[test]
fn data_that_is_left_out_is_null() {
    let world = world();
    let reply = world.start().ask(json!({"op": "echo"}));
    assert_eq!(reply["data"], Value::Null);
}

#[test]
fn each_check_has_its_text_and_its_place_in_the_order() {
    let world = world();
    let running = world.start().serving("echo");
    let denied = ("Permission denied", "denied");
    for line in [
        "{\"op\": \"echo\"}".to_owned(),
        "{\"secret\": \"wrong\", \"op\": \"echo\"}".into(),
        format!("{{\"secret\": \"{SECRET} \", \"op\": \"echo\"}}"),
        format!("{{\"secret\": \"{SECRET}\", \"secret\": \"{SECRET}\", \"op\": \"echo\"}}"),
        format!("{{\"secret\": [\"{SECRET}\"], \"op\": \"echo\"}}"),
        "[]".into(),
        "\"text\"".into(),
        "7".into(),
        // The secret comes before everything that follows it.
        "{\"secret\": \"wrong\", \"op\": 7, \"op\": 8}".into(),
    ] {
        refused(&running, line.as_bytes(), denied.0, denied.1);
    }
    let message = "invalid-message";
    for (members, text) in [
        ("\"op\": \"echo\", \"op\": \"echo\"", "Invalid message: duplicate key"),
        ("\"op\": \"echo\", \"data\": {\"a\": {\"b\": 1, \"b\": 2}}", "Invalid message: duplicate key"),
        // Written otherwise it is still the same key.
        ("\"op\": \"echo\", \"data\": {\"a\": 1, \"\\u0061\": 2}", "Invalid message: duplicate key"),
        ("\"op\": 7", "Invalid message: wrong type of op"),
        ("\"op\": \"echo\", \"uid\": 7", "Invalid message: wrong type of uid"),
        ("\"op\": \"echo\", \"id\": 7", "Invalid message: wrong type of id"),
        ("\"op\": \"echo\", \"dry_run\": \"yes\"", "Invalid message: wrong type of dry_run"),
        ("\"op\": \"echo\", \"wait\": \"5\"", "Invalid message: wrong type of wait"),
        ("\"op\": \"echo\", \"wait\": 0.5", "Invalid message: wrong type of wait"),
        ("\"op\": \"echo\", \"wait\": 3601", "Invalid message: wrong type of wait"),
        ("\"uid\": \"x\", \"cancel\": 1", "Invalid message: wrong type of cancel"),
        ("\"uid\": \"u\", \"key\": \"k\"", "Invalid message: key is not served"),
        ("\"op\": \"echo\", \"stream\": true", "Invalid message: stream is not served"),
        ("\"op\": \"echo\", \"list\": true", "Invalid message: list is not served"),
        ("\"data\": 7", "Invalid message: operation not found"),
        ("\"else\": 7", "Invalid message: operation not found"),
    ] {
        refused(&running, &with_secret(members), text, message);
    }
    refused(&running, &with_secret("\"op\": \"reboot\""), "Unknown operation", "unknown-operation");
    refused(&running, &with_secret("\"uid\": \"reboot\""), "Unknown or expired uid", "unknown-uid");
    // Unknown keys are for later versions.
    let reply = running.connect().raw(with_secret("\"op\": \"echo\", \"data\": 1, \"later\": [1]"));
    assert_eq!(reply["data"], 1);
}

#[test]
fn what_is_not_json_or_reads_in_two_ways_is_refused_and_the_daemon_lives_on() {
    let world = world();
    let running = world.start().serving("echo");
    let pid = running.pid();
    let deep = |levels: usize| {
        let data = format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
        with_secret(&format!("\"op\": \"echo\", \"data\": {data}"))
    };
    let cases: Vec<Vec<u8>> = vec![
        b"{".to_vec(),
        b"{}x".to_vec(),
        b"\xff\xfe".to_vec(),
        with_secret("\"op\": \"echo\", \"data\": 1e999"),
        with_secret("\"op\": \"echo\", \"data\": NaN"),
        with_secret("\"op\": \"echo\", \"data\": \"\\ud800\""),
        [with_secret("\"op\": \"echo\", \"data\": \""), vec![0xc3, 0x28], b"\"}".to_vec()].concat(),
        [with_secret("\"op\": \"ec"), vec![0], b"ho\"}".to_vec()].concat(),
    ];
    for line in cases {
        let reply = running.connect().raw(&line);
        assert!(error(&reply).starts_with("Invalid message, could not decode JSON: "), "{reply}");
        assert_eq!(code(&reply), "invalid-message");
    }
    // The outermost object is the first level.
    assert_eq!(running.connect().raw(deep(31))["success"], true);
    refused(&running, &deep(32), "Invalid message: too deep", "invalid-message");
    refused(&running, &with_secret("\"op\": \"echo\\u0000\""), "Unknown operation", "unknown-operation");
    for too_long in [vec![b'['; 100_000], format!("{{\"{}\": 1}}", "k".repeat(1 << 20)).into_bytes()] {
        let mut wire = running.connect();
        // Refused before it is read to its end.
        let _rest = wire.stream.write_all(&[too_long, b"\n".to_vec()].concat());
        assert_eq!(code(&wire.reply()), "too-long");
    }
    let endless = running.connect().raw([b'['; 60_000]);
    assert!(error(&endless).starts_with("Invalid message, could not decode JSON: "), "{endless}");
    assert_eq!(running.op("echo", json!("still here"))["data"], "still here");
    assert_eq!(running.pid(), pid);
}

#[test]
fn two_operations_in_one_request_are_none() {
    needs_root();
    let world = World::new();
    let run =
        |name: &str| format!("[operations.{name}]\nrun = [\"/usr/bin/mkdir\", \"{}\"]\n", world.path(name).display());
    let grants = ["one", "two"].map(run).concat();
    let world = world.without_code("tasks", &grants);
    let running = world.start().serving("tasks");
    for members in
        ["\"op\": \"one\", \"op\": \"two\", \"data\": {}", "\"op\": \"one\", \"\\u006fp\": \"two\", \"data\": {}"]
    {
        refused(&running, &with_secret(members), "Invalid message: duplicate key", "invalid-message");
    }
    assert!(!world.path("one").exists() && !world.path("two").exists());
    assert_eq!(running.op("one", json!({}))["success"], true);
    assert!(world.path("one").exists() && !world.path("two").exists());
}

#[test]
fn a_line_one_byte_too_long_is_refused_and_its_connection_closed() {
    let world = world();
    let running = world.start().serving("echo");
    let begin = format!("{{\"secret\": \"{SECRET}\", \"op\": \"echo\", \"data\": \"");
    let data = |length: usize| "x".repeat(length - begin.len() - 2);
    let line = |length: usize| format!("{begin}{}\"}}", data(length)).into_bytes();
    let longest = running.connect().raw(line(65_536));
    assert!(longest["data"] == data(65_536), "the longest line is answered");
    let mut wire = running.connect();
    let reply = wire.raw(line(65_537));
    assert_eq!((error(&reply), code(&reply)), ("Request too long", "too-long"));
    assert_eq!(wire.line(), None, "the connection is closed");
}

#[test]
fn a_gibibyte_without_a_newline_costs_the_daemon_nothing() {
    let world = world();
    let running = world.start().serving("echo");
    let before = regent_tests::proc::resident(running.pid());
    let mut wire = running.connect();
    let chunk = vec![b'x'; 1 << 20];
    let mut sent = 0;
    while sent < 1 << 30 && wire.stream.write_all(&chunk).is_ok() {
        sent += chunk.len();
    }
    assert!(sent < 1 << 30, "it was told that nobody reads");
    let after = regent_tests::proc::resident(running.pid());
    assert!(after < before + 2_048, "resident memory went from {before} to {after} KiB");
    assert_eq!(error(&wire.reply()), "Request too long", "and why is there to be read");
    assert_eq!(running.op("echo", json!(1))["data"], 1);
}

#[test]
fn a_kept_connection_is_answered_in_order_and_each_reply_carries_its_id() {
    let world = world();
    let running = world.start().serving("echo");
    let mut wire = running.connect();
    let lines: Vec<Vec<u8>> = (0..50)
        .map(|number| with_secret(&format!("\"op\": \"echo\", \"data\": {number}, \"id\": \"request {number}\"")))
        .collect();
    wire.send(&lines.join(&b'\n'));
    wire.send(b"\n");
    for number in 0..50 {
        let reply = wire.reply();
        assert_eq!((&reply["data"], &reply["id"]), (&json!(number), &json!(format!("request {number}"))));
    }
    let reply = wire.raw(with_secret("\"op\": \"nonsense\", \"id\": \"mine\""));
    assert_eq!((error(&reply), &reply["id"]), ("Unknown operation", &json!("mine")));
    let longest = "i".repeat(128);
    let reply = wire.raw(with_secret(&format!("\"op\": \"echo\", \"id\": \"{longest}\"")));
    assert_eq!(reply["id"], json!(longest));
    let reply = wire.raw(with_secret(&format!("\"op\": \"echo\", \"id\": \"{longest}i\"")));
    assert_eq!(error(&reply), "Invalid message: wrong type of id");
}

#[test]
fn op_wins_over_uid() {
    let world = world();
    let reply = world.start().ask(json!({"op": "echo", "uid": "whatever", "data": 1}));
    assert_eq!(reply["data"], 1);
}

#[test]
fn wrong_secret_is_answered_after_its_second_and_delays_nobody_else() {
    let world = world();
    let running = world.start().serving("echo");
    let begin = Instant::now();
    let mut wrong = running.connect();
    wrong.send(b"{\"secret\": \"wrong\", \"op\": \"echo\"}\n");
    for number in 0..100 {
        assert_eq!(running.op("echo", json!(number))["data"], number);
    }
    assert_eq!(error(&wrong.reply()), "Permission denied");
    assert!(begin.elapsed() >= Duration::from_secs(1), "{:?}", begin.elapsed());
}

#[test]
fn who_guesses_and_hangs_up_has_its_place_taken_for_that_second_all_the_same() {
    let world = world();
    let running = world.start().serving("echo");
    let places = || {
        let told: Value = serde_json::from_str(&running.regent(&["status", "--json"]).stdout).unwrap();
        told["sockets"][0]["connections"].as_u64().unwrap()
    };
    let mut guessers: Vec<_> = (0..20).map(|_| running.connect()).collect();
    regent_tests::eventually("all are accepted", || (places() == 20).then_some(()));
    let begin = Instant::now();
    for mut wire in guessers.drain(..) {
        wire.send(b"{\"secret\": \"guess\", \"op\": \"echo\"}\n");
    }
    regent_tests::eventually("the last has gone", || (places() == 0).then_some(()));
    assert!(begin.elapsed() >= Duration::from_secs(1), "{:?}", begin.elapsed());
}

#[test]
fn wrong_secret_is_refused_before_the_operation_is_looked_up() {
    let world = world();
    let running = world.start().serving("echo");
    let ask = |op: &str| {
        let mut reply = running.connect().ask(&json!({"secret": "wrong", "op": op}));
        reply["ref"].take();
        reply
    };
    assert_eq!(ask("echo"), ask("no such operation"));
}

#[test]
fn an_operation_that_the_socket_does_not_list_is_as_unknown_as_one_that_is_not_there() {
    let world = world().socket("narrow", "operations = [\"other\"]");
    let running = world.start().serving("echo");
    let ask = |op: &str| {
        let mut reply = running.connect_to("narrow").ask(&json!({"secret": SECRET, "op": op}));
        reply["ref"].take();
        reply
    };
    assert_eq!(error(&ask("echo")), "Unknown operation");
    assert_eq!(ask("echo"), ask("nonsense"));
    assert_eq!(running.op("echo", json!(1))["data"], 1, "the other socket lists it");
}

#[test]
fn an_operation_is_asked_for_under_the_name_that_as_gives_it_and_under_no_other() {
    let world = World::new().plugin("echo", "[operations.echo]\nas = \"repeat\"\n");
    let running = world.start();
    assert_eq!(running.op("repeat", json!(1))["data"], 1);
    assert_eq!(error(&running.op("echo", json!(1))), "Unknown operation");
}

#[test]
fn sixty_guessers_sixty_drippers_and_four_babblers_of_one_uid_do_not_delay_it_and_leave_nothing_behind() {
    let world = world();
    let running = world.start().serving("echo");
    assert_eq!(running.op("echo", json!(0))["data"], 0);
    let descriptors = || regent_tests::proc::descriptors(running.pid()).len();
    // The first connection takes a moment to be closed.
    std::thread::sleep(Duration::from_millis(500));
    let (before, resident) = (descriptors(), regent_tests::proc::resident(running.pid()));
    let begin = Instant::now();
    let mut guessers: Vec<_> = (0..60).map(|_| running.connect()).collect();
    guessers.iter_mut().for_each(|wire| wire.send(b"{\"secret\": \"guess\", \"op\": \"echo\"}\n"));
    let mut drippers: Vec<_> = (0..60).map(|_| running.connect()).collect();
    drippers.iter_mut().for_each(|wire| wire.send(b"{\"secret\": "));
    let mut babblers: Vec<_> = (0..4).map(|_| running.connect()).collect();
    babblers.iter_mut().for_each(|wire| wire.send(&[b"\xff\x00garbage\n".repeat(100), vec![b'['; 5_000]].concat()));
    assert_eq!(running.op("echo", json!("good"))["data"], "good");
    let good = begin.elapsed();
    drippers.iter_mut().for_each(|wire| wire.send(b"\""));
    assert_eq!(error(&guessers[0].reply()), "Permission denied");
    let first_wrong = begin.elapsed();
    assert!(good < first_wrong, "the good client waited {good:?}, the first wrong secret {first_wrong:?}");
    drop((guessers, drippers, babblers));
    regent_tests::eventually("the descriptors are as before", || (descriptors() == before).then_some(()));
    let after = regent_tests::proc::resident(running.pid());
    assert!(after < resident + 4_096, "resident memory went from {resident} to {after} KiB");
}

#[test]
fn one_connection_too_many_of_a_uid_is_told_so_and_its_place_comes_back() {
    let world = world();
    let running = world.start().serving("echo");
    let mut kept: Vec<_> = (0..512).map(|_| running.connect()).collect();
    let mut last = kept.pop().unwrap();
    assert_eq!(last.ask(&json!({"secret": SECRET, "op": "echo", "data": 1}))["data"], 1);
    kept.push(last);
    let reply = running.connect().reply();
    assert_eq!((error(&reply), code(&reply)), ("Too many requests", "rate"));
    kept.clear();
    regent_tests::eventually("a place is free again", || {
        let reply = running.op("echo", json!(2));
        (reply["data"] == 2).then_some(())
    });
}

#[test]
fn an_administrators_frame_on_a_request_socket_is_no_request() {
    let world = world();
    let running = world.start();
    refused(&running, b"{\"admin\": \"pending\"}", "Permission denied", "denied");
    refused(
        &running,
        &with_secret("\"admin\": \"pending\""),
        "Invalid message: operation not found",
        "invalid-message",
    );
}
