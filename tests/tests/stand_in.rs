//! What a hole in the engine gains from the kernel: native code in a plugin's place, exactly as confined as a plugin,
//! makes every dangerous call, takes all that there is, and looks for others. It ends, its caller hears `Operation
//! failed`, and neither the daemon nor a neighbour notices.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]

#[path = "../../host/sandbox/tests/dangerous/mod.rs"]
mod dangerous;
mod handmade;
mod native;

use std::time::{Duration, Instant};

use dangerous::DANGEROUS;
use native::{Had, call, is_ended, logged, served, world};
use regent_tests::{Running, SECRET, Wire, proc};
use serde_json::{Value, json};

/// Generous: it has a processor to itself, or shares one.
const SOON: Duration = Duration::from_secs(2);
/// Address space of a sandbox, in mebibytes.
const MEMORY: u64 = 2048;

fn sandboxes(running: &Running<'_>) -> Vec<u32> {
    proc::named(running.pid(), "regent-sandbox")
}

/// Asks, and leaves the reply for later.
fn begin(running: &Running<'_>, op: &str, data: &Value) -> Wire {
    let mut wire = running.connect();
    wire.send(format!("{}\n", json!({"secret": SECRET, "op": op, "data": data})).as_bytes());
    wire
}

/// The neighbour answers, soon, until this reply is there.
#[track_caller]
fn meanwhile(running: &Running<'_>, mut wire: Wire) -> Value {
    std::thread::scope(|scope| {
        let waits = scope.spawn(move || wire.reply());
        let mut asked = 0;
        while !waits.is_finished() || asked == 0 {
            let since = Instant::now();
            assert_eq!(running.op("echo", json!(asked))["data"], asked);
            assert!(since.elapsed() < SOON, "the neighbour waited for {:?}", since.elapsed());
            asked += 1;
        }
        waits.join().unwrap()
    })
}

#[test]
fn each_dangerous_call_ends_the_process_and_is_told_with_plugin_and_signal_and_the_neighbour_answers() {
    let world = world(DANGEROUS.len());
    let running = served(&world, DANGEROUS.len());
    let had = Had::of(&running, DANGEROUS.len());
    for (number, (_, dangerous)) in DANGEROUS.into_iter().enumerate() {
        let nowhere = [json!(-1), json!(-1), json!(-1), json!(-1), json!(-1), json!(-1)];
        // Of the refusals of one caller two a second are written down, after the first fifty.
        if number >= 40 {
            std::thread::sleep(Duration::from_millis(600));
        }
        is_ended(&running, &format!("native-{number}"), &call(dangerous, &nowhere), libc::SIGSYS);
    }
    had.is_all(&running, DANGEROUS.len());
}

#[test]
fn no_file_is_opened_and_there_is_none() {
    const STATX: i64 = libc::SYS_statx;
    let (here, read) = (json!(libc::AT_FDCWD), json!(libc::O_RDONLY));
    let opening = [
        call(libc::SYS_openat, &[here.clone(), json!("/proc/self/mem"), json!(libc::O_RDWR)]),
        call(libc::SYS_openat, &[here.clone(), json!("/proc/1/environ"), read.clone()]),
        call(libc::SYS_open, &[json!("/etc/shadow"), read.clone()]),
        call(libc::SYS_openat, &[here.clone(), json!("/dev/shm/x"), json!(libc::O_CREAT | libc::O_RDWR), json!(0o777)]),
        call(libc::SYS_getdents64, &[json!(0), json!({"zeros": 4096}), json!(4096)]),
        call(libc::SYS_readlink, &[json!("/proc/self/exe"), json!({"zeros": 4096}), json!(4096)]),
    ];
    let world = world(opening.len() + 1);
    let running = served(&world, opening.len() + 1);
    let had = Had::of(&running, opening.len() + 1);
    for (number, attack) in opening.iter().enumerate() {
        is_ended(&running, &format!("native-{number}"), attack, libc::SIGSYS);
    }
    // It may not even ask what stands at a path.
    let last = format!("native-{}", opening.len());
    let look = call(STATX, &[here, json!("/"), json!(0), json!(0xfff), json!({"zeros": 256})]);
    is_ended(&running, &last, &look, libc::SIGSYS);
    had.is_all(&running, opening.len() + 1);
}

#[test]
fn siblings_and_daemon_are_neither_signalled_nor_traced_nor_read() {
    const INSTANCES: usize = 12;
    let world = world(INSTANCES);
    let running = served(&world, INSTANCES);
    let echo = running.op("echo", json!(1));
    assert_eq!(echo["data"], 1);
    let [daemon, sibling] = [running.pid(), sandboxes(&running)[0]];
    let attach = json!(libc::PTRACE_ATTACH);
    let attacks = [
        call(libc::SYS_kill, &[json!(daemon), json!(libc::SIGKILL)]),
        call(libc::SYS_kill, &[json!(sibling), json!(libc::SIGKILL)]),
        call(libc::SYS_kill, &[json!(-1), json!(libc::SIGKILL)]),
        call(libc::SYS_kill, &[json!(0), json!(libc::SIGKILL)]),
        call(libc::SYS_tkill, &[json!(daemon), json!(libc::SIGKILL)]),
        call(libc::SYS_tgkill, &[json!(daemon), json!(daemon), json!(libc::SIGKILL)]),
        call(libc::SYS_tgkill, &[json!(sibling), json!(sibling), json!(libc::SIGSTOP)]),
        call(libc::SYS_ptrace, &[attach.clone(), json!(daemon)]),
        call(libc::SYS_ptrace, &[attach, json!(sibling)]),
        call(
            libc::SYS_process_vm_readv,
            &[json!(daemon), json!({"zeros": 16}), json!(1), json!({"zeros": 16}), json!(1)],
        ),
        call(libc::SYS_pidfd_open, &[json!(daemon), json!(0)]),
        call(libc::SYS_prlimit64, &[json!(daemon), json!(libc::RLIMIT_NOFILE), json!({"zeros": 16}), json!(0)]),
    ];
    let siblings = sandboxes(&running);
    for (number, attack) in attacks.iter().enumerate() {
        is_ended(&running, &format!("native-{number}"), attack, libc::SIGSYS);
    }
    // Each ended its own process and no other: that of the neighbour, at least, is the one that it was.
    let same = sandboxes(&running).into_iter().filter(|pid| siblings.contains(pid)).count();
    assert!(same >= 1, "{siblings:?}");
    assert!(!running.log().contains("plugin echo: its sandbox"), "{}", running.log());
    assert!(proc::status(daemon, "State").is_some_and(|state| !state.starts_with('T') && !state.starts_with('Z')));
}

/// The first process of a pid namespace hears no signal from inside that would stop or end it.
#[test]
fn it_cannot_stop_itself_to_hold_a_lane_for_ever() {
    let world = world(1);
    let running = served(&world, 1);
    let had = Had::of(&running, 1);
    let stops = json!({"attack": "signal-self", "signal": libc::SIGSTOP});
    let reply = meanwhile(&running, begin(&running, "native-0", &stops));
    if reply["error"] != "Operation failed" {
        assert_eq!(reply["data"], json!({"result": 0}), "sent, and not heard");
    }
    had.is_all(&running, 1);
}

#[test]
fn memory_ends_at_its_limit_and_the_daemon_and_its_neighbour_live() {
    let world = world(1);
    let running = served(&world, 1);
    let had = Had::of(&running, 1);
    let reply = meanwhile(&running, begin(&running, "native-0", &json!({"attack": "memory"})));
    if reply["error"] == "Operation failed" {
        // Where a control group holds it to less than its address space, the kernel ends it.
        running.wait_log("plugin native-0: its sandbox was ended by signal 9");
    } else {
        let got = reply["data"]["got"].as_u64().unwrap_or_else(|| panic!("{reply}"));
        assert!(got <= MEMORY, "it got {got} of at most {MEMORY}");
        assert_eq!(reply["data"]["errno"], libc::ENOMEM, "{reply}");
    }
    had.is_all(&running, 1);
}

/// The first one more ends it.
#[test]
fn it_gets_no_thread_and_another_plugin_still_starts() {
    let world = world(1);
    let running = served(&world, 1);
    let before = sandboxes(&running);
    is_ended(&running, "native-0", &json!({"attack": "threads"}), libc::SIGSYS);
    for pid in before {
        let pid = rustix::process::Pid::from_raw(pid.cast_signed()).unwrap();
        let _gone = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }
    assert_eq!(running.op("echo", json!("again"))["data"], "again");
    assert_eq!(running.op("native-0", json!("again"))["data"], "a plugin");
}

#[test]
fn it_gets_no_further_descriptor() {
    let world = world(1);
    let running = served(&world, 1);
    is_ended(&running, "native-0", &json!({"attack": "descriptors"}), libc::SIGSYS);
    assert_eq!(running.op("native-0", json!(1))["data"], "a plugin", "it harmed itself at most");
}

#[test]
fn no_descriptor_comes_over_a_lane() {
    let world = world(1);
    let running = served(&world, 1);
    let had = Had::of(&running, 1);
    is_ended(&running, "native-0", &json!({"attack": "send-descriptor"}), libc::SIGSYS);
    had.is_all(&running, 1);
}

#[test]
fn machine_code_of_its_own_is_never_run() {
    let world = world(1);
    let running = served(&world, 1);
    let had = Had::of(&running, 1);
    is_ended(&running, "native-0", &json!({"attack": "machine-code"}), libc::SIGSYS);
    had.is_all(&running, 1);
}

#[test]
fn what_it_says_without_end_on_its_log_pipe_is_read_and_fills_nothing() {
    let world = world(1);
    let running = served(&world, 1);
    let had = Had::of(&running, 1);
    let reply = meanwhile(&running, begin(&running, "native-0", &json!({"attack": "babble"})));
    assert_eq!(reply["error"], "Operation failed");
    assert!(logged(&running, &reply).contains("plugin-timeout: it ran too long: it did not answer in time"), "{reply}");
    let lines = running.log().matches("plugin native-0: its sandbox says: ").count();
    assert!(lines < 500, "{lines} lines");
    had.is_all(&running, 1);
}
