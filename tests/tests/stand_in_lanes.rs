//! What a hole in the engine gains from the daemon, by lies: native code in a plugin's place says on its lanes whatever
//! it likes, in whatever order and speed. A lie ends its process and fails its own request; another plugin answers
//! meanwhile.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]

mod handmade;
mod native;

use std::time::{Duration, Instant};

use native::{Had, bare, describing, fails, framed, hex, logged, marks, served, told, world, write};
use regent_lane::{Blame, Call, DESCRIPTION_MAX, Export, Level, Refusal, Say};
use regent_tests::{Running, SECRET, Wire, code, error, eventually, proc};
use serde_json::{Value, json};

/// Generous: one answer of the neighbour.
const SOON: Duration = Duration::from_secs(2);
/// What the daemon gives an exchange, and as much again for a busy machine.
const GIVEN_UP: Duration = Duration::from_secs(6);
const GARBLED: &str = "the plugin's fault: plugin-fault: what came over the lane is not a word";
const TOO_LONG: &str = "the plugin's fault: plugin-fault: a word on the lane is too long";
const NOT_ASKED: &str = "the plugin's fault: plugin-fault: it answered what was not asked";
const LATE: &str = "the plugin's fault: plugin-timeout: it ran too long: it did not answer in time";
const ENDED: &str = "the plugin's fault: plugin-ended: its process has ended";

fn begin(running: &Running<'_>, op: &str, data: &Value) -> Wire {
    let mut wire = running.connect();
    wire.send(format!("{}\n", json!({"secret": SECRET, "op": op, "data": data})).as_bytes());
    wire
}

fn refusal() -> Refusal {
    Refusal { code: "code".into(), message: "message".into() }
}

fn prepared(reply: Option<&str>) -> Say {
    let reply = reply.map(|reply| Ok(reply.to_owned()));
    Say::Prepared { summary: String::new(), state: b"\"forged\"".to_vec(), authorised: None, reply }
}

fn mark(word: &str) -> Say {
    Say::Plan(Call { command: "mark".into(), values: vec![("word".into(), word.into())] })
}

/// One of each kind.
fn every_say() -> Vec<Say> {
    let mut all = vec![Say::Loaded { exports: vec![Export::Finishing] }];
    while let Some(next) = all.last().and_then(next_kind) {
        all.push(next);
    }
    all
}

/// One of the kind after this one's. Without a wildcard: who adds a word to the lane finds it missing here.
fn next_kind(say: &Say) -> Option<Say> {
    Some(match say {
        Say::Loaded { .. } => Say::Unloadable { incompatible: true, reasons: vec!["reason".into()] },
        Say::Unloadable { .. } => Say::Described("{}".into()),
        Say::Described(_) => mark("forged"),
        Say::Plan(_) => Say::Log(Level::Info, "text".into()),
        Say::Log(..) => prepared(Some("1")),
        Say::Prepared { .. } => Say::Refused(refusal()),
        Say::Refused(_) => Say::Finished(Ok("1".into())),
        Say::Finished(_) => Say::Fault(Blame::Trap, "text".into()),
        Say::Fault(..) => return None,
    })
}

/// Each of these on an instance of its own: its caller hears nothing but the wire's words, and the log says why.
#[track_caller]
fn each_fails(attacks: &[(Value, &str)]) {
    each(attacks, |running, name, attack, why| fails(running, name, attack, why));
}

/// The same, and its process is ended for it.
#[track_caller]
fn each_is_ended(attacks: &[(Value, &str)]) {
    each(attacks, |running, name, attack, why| {
        fails(running, name, attack, why);
        ended_for_it(running, name, why);
    });
}

/// The log says that this is why its sandbox is ended. That a process has ended is said in two ways, whichever was seen
/// first.
#[track_caller]
fn ended_for_it(running: &Running<'_>, name: &str, why: &str) {
    let why = if why == ENDED { "its process " } else { why.rsplit("plugin-fault: ").next().unwrap() };
    running.wait_log(&format!("plugin {name}: its sandbox is ended: {why}"));
}

#[track_caller]
fn each(attacks: &[(Value, &str)], tried: impl Fn(&Running<'_>, &str, &Value, &str)) {
    let world = world(attacks.len());
    let running = served(&world, attacks.len());
    let had = Had::of(&running, attacks.len());
    for (number, (attack, why)) in attacks.iter().enumerate() {
        tried(&running, &format!("native-{number}"), attack, why);
    }
    assert_eq!(marks(&world), [""; 0], "nothing ran");
    had.is_all(&running, attacks.len());
}

/// The same at once, while the neighbour is asked again and again.
#[track_caller]
fn each_fails_meanwhile(attacks: &[(Value, &str)]) {
    let world = world(attacks.len());
    let running = served(&world, attacks.len());
    let had = Had::of(&running, attacks.len());
    let began = Instant::now();
    let wires: Vec<_> = attacks
        .iter()
        .enumerate()
        .map(|(number, (attack, _))| begin(&running, &format!("native-{number}"), attack))
        .collect();
    std::thread::scope(|scope| {
        let waits: Vec<_> =
            wires.into_iter().map(|mut wire| scope.spawn(move || (wire.reply(), began.elapsed()))).collect();
        let mut asked = 0;
        while asked == 0 || waits.iter().any(|waits| !waits.is_finished()) {
            let since = Instant::now();
            assert_eq!(running.op("echo", json!(asked))["data"], asked);
            assert!(since.elapsed() < SOON, "the neighbour waited for {:?}", since.elapsed());
            asked += 1;
        }
        for (waits, (attack, why)) in waits.into_iter().zip(attacks) {
            let (reply, took) = waits.join().unwrap();
            let heard = if *why == LATE { "timeout" } else { "failed" };
            assert_eq!((error(&reply), code(&reply)), ("Operation failed", heard), "{attack}: {reply}");
            let line = logged(&running, &reply);
            assert!(line.contains(why), "{attack}: {line}");
            assert!(took < GIVEN_UP, "{attack}: {took:?}");
        }
    });
    for number in 0..attacks.len() {
        running.wait_log(&format!("plugin native-{number}: its sandbox is ended: "));
    }
    had.is_all(&running, attacks.len());
}

#[test]
fn what_is_no_word_ends_the_process_whatever_its_length_says() {
    let long = json!({"attack": "write", "pieces": [{"hex": told(1 << 24, b"")}, {"hex": "00".repeat(1024), "times": 64}], "then": "wait"});
    let mut attacks =
        vec![(long, TOO_LONG), (write("ffffffff", "wait"), TOO_LONG), (write("00000000", "wait"), GARBLED)];
    // One byte more than the largest, of which nothing comes; and each tag without what belongs to it.
    attacks.push((write(&told(DESCRIPTION_MAX + (256 << 10) + 1, b""), "wait"), TOO_LONG));
    for tag in 0..12 {
        attacks.push((write(&told(1, &[tag]), "wait"), GARBLED));
    }
    for length in [1, 2, 63, 64, 4095, 4096, 4097, 20_000] {
        attacks.push((write(&told(length, &vec![0xff; length]), "wait"), GARBLED));
    }
    each_is_ended(&attacks);
}

#[test]
fn a_word_with_a_byte_too_many_or_too_few_is_none_and_an_inner_length_is_not_believed() {
    let mut attacks = Vec::new();
    for say in every_say() {
        let body = regent_lane::encode(regent_lane::Side::Sandbox, &say).unwrap().split_off(regent_lane::HEADER);
        let more = [body.as_slice(), &[0]].concat();
        attacks.push((write(&told(more.len(), &more), "wait"), GARBLED));
        let fewer = &body[..body.len() - 1];
        attacks.push((write(&told(fewer.len(), fewer), "wait"), GARBLED));
    }
    // A text, a list of texts and bytes, of nearly 2^32 and 2^64 each, of which none is there.
    let (wide, wider) = ([0xff, 0xff, 0xff, 0xff, 0x0f], [&[0xff; 9][..], &[0x01]].concat());
    for tag in [&[2][..], &[1, 0], &[3, 0], &[5, 0], &[0]] {
        for length in [&wide[..], &wider] {
            let body = [tag, length].concat();
            attacks.push((write(&told(body.len(), &body), "wait"), GARBLED));
        }
    }
    each_is_ended(&attacks);
}

#[test]
fn an_answer_to_another_question_ends_the_process() {
    let mut attacks: Vec<_> = every_say()
        .into_iter()
        .filter(|say| matches!(say, Say::Loaded { .. } | Say::Unloadable { .. } | Say::Described(_) | Say::Finished(_)))
        .map(|say| (write(&framed(&say), "wait"), NOT_ASKED))
        .collect();
    assert_eq!(attacks.len(), 4);
    attacks.push((write("", "end"), ENDED));
    let plan = json!({"attack": "plan", "calls": [["mark", [["word", "infinish"]]]]});
    let in_finish = json!({"attack": "in-finish", "command": "whoami", "rest": plan});
    attacks.push((in_finish, "plugin-fault: it planned where nothing can be planned"));
    let silence =
        json!({"attack": "in-finish", "command": "whoami", "rest": write(&framed(&prepared(Some("1"))), "wait")});
    attacks.push((silence, NOT_ASKED));
    each_is_ended(&attacks);
}

/// A fault and a refusal are answers. Native code can say of itself what it likes; it is told as a plugin's word.
#[test]
fn what_it_says_against_itself_is_its_own_word() {
    let attacks = [
        (
            write(&framed(&Say::Fault(Blame::Memory, "a lie\u{1b}[31m".into())), "wait"),
            "plugin-memory: it wanted too much: a lie\\u{1b}[31m",
        ),
        (write(&framed(&Say::Fault(Blame::Answer, String::new())), "wait"), "plugin-fault: its answer is none: "),
        (write(&framed(&Say::Refused(refusal())), "wait"), "prepare refused: code: message"),
    ];
    each_fails(&attacks);
}

#[test]
fn answers_past_their_limits_are_none() {
    let prepared = |summary: usize, state: usize, reply: &str| {
        let reply = Some(Ok(reply.to_owned()));
        write(
            &framed(&Say::Prepared { summary: "s".repeat(summary), state: vec![0; state], authorised: None, reply }),
            "wait",
        )
    };
    let state = Say::Prepared { summary: String::new(), state: vec![0; (64 << 10) + 1], authorised: None, reply: None };
    let state = json!({"attack": "write", "pieces": native::pieces(&state, 64 << 10), "then": "wait"});
    let step = Say::Plan(Call { command: "mark".into(), values: vec![("word".into(), "x".repeat(70_000))] });
    let long_step = json!({"attack": "write", "pieces": native::pieces(&step, 69_000), "then": "answer"});
    each_fails(&[
        (prepared(501, 0, "1"), "plugin-fault: its answer is none: its summary or state is too long"),
        (state, "plugin-fault: its answer is none: its summary or state is too long"),
        (prepared(0, 0, "{"), "plugin-fault: its answer is none: its reply: "),
        (prepared(0, 0, "{\"a\":1,\"a\":2}"), "plugin-fault: its answer is none: its reply: "),
        (prepared(0, 0, ""), "plugin-fault: its answer is none: its reply: "),
        (long_step, "plugin-fault: it planned a step of more than 65536 bytes"),
    ]);
}

#[test]
fn half_a_word_a_byte_at_a_time_and_silence_end_with_their_time_and_hold_nobody_up() {
    let drip = json!({"attack": "write", "pieces": [{"hex": told(4096, b"")}, {"hex": "02", "times": 0, "pause": 1000}], "then": "silence"});
    let quick = json!({"attack": "write", "pieces": [{"hex": told(1 << 20, b"")}, {"hex": "02", "times": 0, "pause": 1}], "then": "silence"});
    let slow_logs = json!({"attack": "write", "pieces": [{"hex": framed(&Say::Log(Level::Info, "x".into())), "times": 0, "pause": 100}], "then": "silence"});
    let forged = framed(&prepared(Some("1")));
    each_fails_meanwhile(&[
        (write("", "silence"), LATE),
        (write("00", "silence"), LATE),
        (write(&forged[..forged.len() - 2], "silence"), LATE),
        (drip, LATE),
        (quick, LATE),
        (slow_logs, LATE),
        (json!({"attack": "in-finish", "command": "whoami", "rest": write("", "silence")}), LATE),
    ]);
}

#[test]
fn words_without_end_end_at_their_limits_and_hold_nobody_up() {
    let endless = |say: &Say, each: usize| json!({"attack": "write", "pieces": [{"hex": framed(say).repeat(each), "times": 0}], "then": "silence"});
    let no_end = "plugin-fault: its log has no end";
    each_fails_meanwhile(&[
        (endless(&Say::Log(Level::Error, String::new()), 2048), no_end),
        (endless(&Say::Log(Level::Info, "x".repeat(100)), 100), no_end),
        (endless(&Say::Log(Level::Debug, "x".repeat(20_000)), 1), no_end),
        (
            endless(&Say::Plan(Call { command: "nothing".into(), values: Vec::new() }), 100),
            "it planned more than 64 steps",
        ),
        (
            endless(&Say::Plan(Call { command: "whoami".into(), values: Vec::new() }), 100),
            "it planned more than 64 steps",
        ),
    ]);
}

/// The first answer counts. The second waits on a lane that is idle, which ends the process once the lane is wanted.
#[test]
fn a_second_answer_is_nobodys() {
    let world = world(1);
    let running = served(&world, 1);
    let had = Had::of(&running, 1);
    let forged = framed(&prepared(Some("\"first\""))) + &framed(&prepared(Some("\"second\"")));
    assert_eq!(running.op("native-0", write(&forged, "wait"))["data"], "first");
    assert_eq!(running.op("native-0", json!(1))["data"], "a plugin", "nobody hears the second");
    running.wait_log("plugin native-0: its sandbox is ended: it spoke on an idle lane, or ended");
    had.is_all(&running, 1);
}

/// All lanes are one process', so it can write to each; what comes on one that serves no request is never read as a
/// word.
#[test]
fn a_call_on_an_idle_lane_runs_nothing() {
    let world = world(1);
    let running = served(&world, 1);
    let had = Had::of(&running, 1);
    let on = |descriptor: u32| json!({"hex": framed(&mark("idle")) + &framed(&prepared(Some("1"))), "descriptor": descriptor});
    let everywhere = json!({"attack": "write", "pieces": [on(3), on(4), on(5)], "then": "answer"});
    // It was asked on the lane that was used last.
    assert_eq!(running.op("native-0", everywhere)["data"], "written");
    let slowly = json!({"attack": "write", "pieces": [{"hex": "", "pause": 300}], "then": "answer"});
    let mut wires: Vec<_> = (0..4).map(|_| begin(&running, "native-0", &slowly)).collect();
    for wire in &mut wires {
        assert_eq!(wire.reply()["data"], "written", "each is served, by the next process");
    }
    drop(wires);
    running.wait_log("plugin native-0: its sandbox is ended: it spoke on an idle lane, or ended");
    assert_eq!(marks(&world), [""; 0]);
    had.is_all(&running, 1);
}

/// What comes on a lane belongs to the request that the lane serves: it is planned there, within the same grants, and
/// is on record as that request's. That is the most that one request's code does to another's of its plugin.
#[test]
fn a_call_on_another_busy_lane_is_that_requests_and_the_same_plugins() {
    let world = world(1);
    let running = served(&world, 1);
    let had = Had::of(&running, 1);
    let slow = json!({"attack": "write", "pieces": [{"hex": "", "pause": 1000}], "then": "answer"});
    // On the lane that was used last; the next takes the one below.
    let mut victim = begin(&running, "native-0", &slow);
    std::thread::sleep(Duration::from_millis(200));
    let foreign = Say::Plan(Call { command: "neighbours".into(), values: Vec::new() });
    let piece = |say: &Say| json!({"hex": framed(say), "descriptor": 6});
    let attack = json!({"attack": "write", "pieces": [piece(&mark("other"))], "then": "answer"});
    assert_eq!(running.op("native-0", attack)["data"], "written");
    let _either_way = victim.reply();
    assert_eq!(marks(&world), ["other"]);
    let audit = world.audit();
    let performing: Vec<_> = audit.iter().filter(|record| record["event"] == "performing").collect();
    assert!(performing.len() == 1 && performing[0]["data"].to_string().contains("1000"), "{performing:?}");
    drop(victim);
    // What is not granted to the plugin is not done in anybody's request.
    let mut victim = begin(&running, "native-0", &slow);
    std::thread::sleep(Duration::from_millis(200));
    let (six, five) = (piece(&foreign), json!({"hex": "", "descriptor": 5}));
    running.op("native-0", json!({"attack": "write", "pieces": [six, five], "then": "answer"}));
    let reply = victim.reply();
    assert_eq!((error(&reply), code(&reply)), ("Operation failed", "failed"));
    assert!(logged(&running, &reply).contains("not granted: add [commands.neighbours] to the grants of native-0"));
    drop(victim);
    had.is_all(&running, 1);
}

#[test]
fn a_call_after_the_answer_runs_nothing() {
    let world = world(1);
    let running = served(&world, 1);
    let after = framed(&prepared(Some("\"answer\""))) + &framed(&mark("late"));
    assert_eq!(running.op("native-0", write(&after, "wait"))["data"], "answer");
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(running.op("native-0", json!(1))["data"], "a plugin");
    assert_eq!(marks(&world), [""; 0]);
}

#[test]
fn what_it_says_when_asked_what_it_is_is_judged_and_others_serve() {
    let wait = |hex: &str| write(hex, "wait");
    // A description as it should be, but for its length: the frame may have it, the limit may not.
    let long = DESCRIPTION_MAX + 1;
    let varint = [(long & 0x7f) as u8 | 0x80, (long >> 7 & 0x7f) as u8 | 0x80, (long >> 14) as u8];
    let begins = br#"{"operations":[{"name":"attack"}]"#;
    let head = [&[2][..], &varint, begins].concat();
    let spaces = long - begins.len() - 1;
    let long = json!({"attack": "write", "pieces": [
        {"hex": told(1 + varint.len() + long, &head)},
        {"hex": "20".repeat(1024), "times": spaces / 1024},
        {"hex": hex(&b" ".repeat(spaces % 1024)) + "7d"},
    ], "then": "wait"});
    let endless = json!({"attack": "write", "pieces": [{"hex": framed(&Say::Log(Level::Info, "x".repeat(100))), "times": 0}], "then": "silence"});
    let attacks = [
        (long, "description"),
        (wait(&framed(&prepared(None))), "it answered what was not asked"),
        (wait(&framed(&mark("described"))), "it planned where nothing can be planned"),
        (wait(&framed(&Say::Loaded { exports: Vec::new() })), "it answered what was not asked"),
        (wait(&framed(&Say::Described("[]".into()))), "what its describe returns is not as wit/operation.wit has it"),
        (wait("ffffffff"), "a word on the lane is too long"),
        (write("", "silence"), "it did not answer in time"),
        (write("", "end"), "its process has ended"),
        (endless, "its log has no end"),
        (native::call(libc::SYS_ptrace, &[]), "its process has ended"),
    ];
    let world = (0..attacks.len())
        .fold(bare(), |world, number| describing(world, &format!("native-{number}"), &attacks[number].0));
    let running = world.start().serving("echo");
    for (number, (_, why)) in attacks.iter().enumerate() {
        let name = format!("native-{number}");
        eventually(&format!("{name} is told as {why:?}"), || {
            assert_eq!(running.op("echo", json!(number))["data"], number);
            running.log().lines().any(|line| line.contains(&name) && line.contains(why)).then_some(())
        });
        assert!(!running.log().contains(&format!("plugin {name} serves")));
        assert_eq!(running.op(&name, json!(1))["success"], Value::Null);
    }
    assert_eq!(marks(&world), [""; 0]);
    eventually("no process of theirs is left", || {
        (proc::named(running.pid(), "regent-sandbox").len() == 1).then_some(())
    });
}
