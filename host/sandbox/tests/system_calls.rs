//! Every system call that there is, made by native code in the plugin's place. Those that a serving sandbox may make
//! stand here one by one, each with what it can gain; whatever is not in this list ends the process, so that one more
//! that is allowed fails a test. The numbers are those of x86-64.
#![cfg(target_arch = "x86_64")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on panics")]

mod dangerous;
mod fixtures;
mod process;

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{LazyLock, Mutex};

use dangerous::DANGEROUS;
use fixtures::Plugin;
use process::{Sandbox, compile, engine, image, prepare, stand_in};
use regent_lane::{Ask, Say, Settings};
use serde_json::{Value, json};

/// Above what any kernel has.
const NUMBERS: std::ops::RangeInclusive<i64> = 0..=500;
/// The numbers of the x32 table have this bit, and some of their own.
const X32: i64 = 1 << 30;
const X32_NUMBERS: std::ops::RangeInclusive<i64> = 0..=560;
/// Sandboxes at a time: they are started, die, and cost a processor.
const AT_A_TIME: usize = 3;

/// What may be called, whatever its arguments.
const ALLOWED: [(i64, &str); 22] = [
    (libc::SYS_read, "what arrives on its own lanes, of its own plugin's requests"),
    (libc::SYS_write, "words on its lanes, and lines in the daemon's log under its plugin's name"),
    (libc::SYS_close, "an end of its own descriptors"),
    (libc::SYS_rt_sigaction, "handlers of its own faults"),
    (libc::SYS_mremap, "memory within its limit"),
    (libc::SYS_munmap, "less memory"),
    (libc::SYS_madvise, "its memory"),
    (libc::SYS_brk, "memory within its limit"),
    (libc::SYS_sched_yield, "nothing"),
    (libc::SYS_futex, "waiting"),
    (libc::SYS_clock_nanosleep, "waiting"),
    (libc::SYS_restart_syscall, "waiting"),
    (libc::SYS_clock_gettime, "the time"),
    (libc::SYS_clock_getres, "how exact the time is"),
    (libc::SYS_getrandom, "random numbers"),
    (libc::SYS_rt_sigprocmask, "which of its own signals wait"),
    (libc::SYS_rt_sigreturn, "its own registers"),
    (libc::SYS_sigaltstack, "another stack for its handlers"),
    (libc::SYS_gettid, "its thread's number, in a pid namespace of its own"),
    (libc::SYS_getpid, "that it is the first process there"),
    (libc::SYS_exit, "the end of a lane's thread, which is late then"),
    (libc::SYS_exit_group, "its own end"),
];

/// What does not return, when all its arguments are -1: looked at apart.
const NEVER_RETURN: [i64; 3] = [libc::SYS_exit, libc::SYS_exit_group, libc::SYS_rt_sigreturn];

/// The kernel's own way back from a probe that an administrator has set, `uretprobe` and `uprobe`: newer kernels ask no
/// filter for them, and refuse whoever does not come from such a probe.
const UNFILTERED: [i64; 2] = [335, 336];

/// Compiled once for all; each has an image of its own, for an image that is shared is read by two at once.
static CODE: LazyLock<Vec<u8>> = LazyLock::new(|| compile(&Plugin::default().component()));

fn attack(data: &Value) -> Ask {
    prepare(&data.to_string(), true)
}

fn call(number: i64, with: &[Value]) -> Value {
    json!({"attack": "call", "number": number, "with": with})
}

/// A call all of whose arguments are -1: no descriptor, no address, no process.
fn void(number: i64) -> Value {
    call(number, &[json!(-1), json!(-1), json!(-1), json!(-1), json!(-1), json!(-1)])
}

fn serving() -> Sandbox {
    let mut sandbox = Sandbox::start_program(&stand_in(), image(&CODE), &[engine(), &["--unconfined"]].concat());
    let said = sandbox.lanes[0].exchange(&Ask::Load(Settings { settings: "{}".into() }));
    assert!(matches!(said, Say::Loaded { .. }), "{said:?}");
    sandbox
}

/// What it replied; `None` and it has no more lanes.
fn tried(sandbox: &mut Sandbox, data: &Value) -> Option<Value> {
    let lane = &mut sandbox.lanes[1];
    lane.ask(&attack(data));
    match lane.answer()? {
        Say::Prepared { reply: Some(Ok(reply)), .. } => Some(serde_json::from_str(&reply).unwrap()),
        said => panic!("{data}: {said:?}"),
    }
}

/// The signal that ended a sandbox in which this was tried, or what it replied.
fn outcome(data: &Value) -> Result<Value, i32> {
    let mut sandbox = serving();
    match tried(&mut sandbox, data) {
        Some(reply) => Ok(reply),
        None => {
            let (status, said) = sandbox.end();
            Err(status.signal().unwrap_or_else(|| panic!("{data}: {status}: {said}")))
        }
    }
}

/// The outcomes of many.
fn outcomes(numbers: impl Iterator<Item = i64>) -> BTreeMap<i64, Result<Value, i32>> {
    let numbers: Vec<i64> = numbers.collect();
    let (next, found) = (AtomicI64::new(0), Mutex::new(BTreeMap::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                while let Some(number) = numbers.get(usize::try_from(next.fetch_add(1, Ordering::Relaxed)).unwrap()) {
                    let outcome = outcome(&void(*number));
                    found.lock().unwrap().insert(*number, outcome);
                }
            });
        }
    });
    found.into_inner().unwrap()
}

#[test]
fn every_system_call_that_is_not_on_the_list_ends_the_process() {
    let numbers = NUMBERS.filter(|number| !NEVER_RETURN.contains(number));
    for (number, outcome) in outcomes(numbers) {
        match ALLOWED.iter().find(|(allowed, _)| *allowed == number) {
            Some((_, gains)) => assert!(outcome.is_ok(), "{number} ({gains}) is allowed: {outcome:?}"),
            None if UNFILTERED.contains(&number) => {
                let gains = outcome.as_ref().is_ok_and(|answer| answer.get("result").is_some());
                assert!(!gains, "{number}: {outcome:?}");
            }
            None => assert_eq!(outcome, Err(libc::SIGSYS), "{number} is not on the list"),
        }
    }
}

#[test]
fn no_call_of_the_x32_table_returns() {
    for (number, outcome) in outcomes(X32_NUMBERS.map(|number| number | X32)) {
        assert_eq!(outcome, Err(libc::SIGSYS), "{number:#x}");
    }
}

/// A kernel without the 32-bit table takes the interrupt for a fault.
#[test]
fn no_call_of_the_32_bit_table_returns() {
    for number in [1, 5, 11, 20, 102] {
        let outcome = outcome(&json!({"attack": "old-call", "number": number}));
        assert!(matches!(outcome, Err(libc::SIGSYS | libc::SIGSEGV)), "{number}: {outcome:?}");
    }
}

#[test]
fn no_dangerous_call_is_on_the_list() {
    for (name, number) in DANGEROUS {
        assert!(NUMBERS.contains(&number), "{name} has a number that the other test tries");
        assert!(ALLOWED.iter().all(|(allowed, _)| *allowed != number), "{name} is allowed");
    }
}

#[test]
fn what_does_not_return_ends_the_thread_or_the_process_and_nothing_else() {
    assert_eq!(outcome(&void(libc::SYS_rt_sigreturn)), Err(libc::SIGSEGV));
    let mut sandbox = serving();
    assert_eq!(tried(&mut sandbox, &void(libc::SYS_exit_group)), None);
    assert_eq!(sandbox.end().0.code(), Some(255));
    let mut sandbox = serving();
    sandbox.lanes[1].ask(&attack(&void(libc::SYS_exit)));
    for lane in [0, 2, 3] {
        assert!(matches!(sandbox.lanes[lane].prepare("1"), Say::Prepared { .. }), "the other lanes serve");
    }
    assert!(sandbox.is_running());
}

#[test]
fn nothing_is_cloned_not_even_a_thread() {
    let thread = libc::CLONE_VM | libc::CLONE_THREAD | libc::CLONE_SIGHAND;
    for flags in [
        0,
        libc::SIGCHLD,
        libc::CLONE_VM,
        libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD,
        libc::CLONE_PARENT | libc::SIGCHLD,
        libc::CLONE_PIDFD | libc::SIGCHLD,
        libc::CLONE_NEWUSER,
        thread,
        thread | libc::CLONE_NEWNS,
        thread | libc::CLONE_NEWCGROUP,
        thread | libc::CLONE_NEWUTS,
        thread | libc::CLONE_NEWIPC,
        thread | libc::CLONE_NEWUSER,
        thread | libc::CLONE_NEWPID,
        thread | libc::CLONE_NEWNET,
        thread | libc::CLONE_PTRACE,
    ] {
        let with = [json!(flags), json!(0), json!(0), json!(0), json!(0)];
        assert_eq!(outcome(&call(libc::SYS_clone, &with)), Err(libc::SIGSYS), "{flags:#x}");
    }
    let clone3 = call(libc::SYS_clone3, &[json!({"zeros": 88}), json!(88)]);
    assert_eq!(outcome(&clone3), Err(libc::SIGSYS));
}

#[test]
fn memory_is_had_and_none_of_it_is_ever_executable() {
    let mapped = |protection: i32| {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        let with = [json!(0), json!(4096), json!(protection), json!(flags), json!(-1), json!(0)];
        outcome(&call(libc::SYS_mmap, &with))
    };
    assert!(mapped(libc::PROT_READ | libc::PROT_WRITE).is_ok());
    for protection in [libc::PROT_EXEC, libc::PROT_READ | libc::PROT_EXEC, libc::PROT_WRITE | libc::PROT_EXEC] {
        assert_eq!(mapped(protection), Err(libc::SIGSYS), "{protection}");
        let with = [json!(0), json!(4096), json!(protection)];
        assert_eq!(outcome(&call(libc::SYS_mprotect, &with)), Err(libc::SIGSYS), "{protection}");
    }
    assert_eq!(outcome(&json!({"attack": "machine-code"})), Err(libc::SIGSYS));
}

#[test]
fn prctl_is_asked_for_nothing() {
    for option in [
        libc::PR_SET_NAME,
        libc::PR_GET_SECCOMP,
        libc::PR_SET_DUMPABLE,
        libc::PR_SET_NO_NEW_PRIVS,
        libc::PR_SET_SECCOMP,
        libc::PR_SET_PDEATHSIG,
        libc::PR_SET_PTRACER,
        libc::PR_CAPBSET_READ,
        libc::PR_CAP_AMBIENT,
        libc::PR_SET_SECUREBITS,
        libc::PR_SET_MM,
        libc::PR_SET_CHILD_SUBREAPER,
    ] {
        assert_eq!(outcome(&call(libc::SYS_prctl, &[json!(option), json!(1)])), Err(libc::SIGSYS), "{option}");
    }
}

#[test]
fn no_other_process_hears_a_signal() {
    let other = std::process::id();
    for (process, signal) in [(i64::from(other), 0), (i64::from(other), libc::SIGSTOP), (0, 0), (-1, 0), (2, 0)] {
        let with = [json!(process), json!(process), json!(signal)];
        assert_eq!(outcome(&call(libc::SYS_tgkill, &with)), Err(libc::SIGSYS), "{process}");
    }
}

/// One terminal's input is another program's command line. Nothing is a terminal here, and the call is not to be had.
#[test]
fn nothing_is_typed_into_a_terminal() {
    for descriptor in 0..3 {
        let with = [json!(descriptor), json!(libc::TIOCSTI), json!("x")];
        assert_eq!(outcome(&call(libc::SYS_ioctl, &with)), Err(libc::SIGSYS));
    }
}

#[test]
fn the_shipped_program_has_no_native_code_in_the_plugins_place() {
    let says = |program: &std::ffi::OsStr| {
        let bytes = std::fs::read(program).unwrap();
        let here = b"a stand-in for a hole in the engine";
        bytes.windows(here.len()).any(|window| window == here)
    };
    assert!(says(&stand_in()), "or this test looks for the wrong words");
    assert!(!says(&std::env::var_os("REGENT_SANDBOX").expect("REGENT_SANDBOX is not set: run `cargo xtask test`")));
    let mut shipped = Sandbox::of(&Plugin::default().component());
    let said = shipped.lanes[1].exchange(&attack(&call(libc::SYS_ptrace, &[])));
    assert!(matches!(said, Say::Prepared { .. }), "data like any other: {said:?}");
    assert!(shipped.is_running());
}
