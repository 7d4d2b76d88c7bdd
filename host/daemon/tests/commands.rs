//! Granted commands by the one door, with the spawner that ships: their time, their output, and what they leave behind.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]

mod door;

use std::fs;
use std::future::Future;
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use door::with_spawner;
use regent_cgroups::Groups;
use regent_lane::Outcome;
use regentd::process::{CommandOutcome, CommandRun, Spawner, run_command};

const OUTPUT_MAX: usize = 1 << 20;

/// Both ways in which what is left behind is found.
fn both_ways<F: Future<Output = ()>>(name: &str, test: impl Fn(Rc<Spawner>, String) -> F) {
    for way in ["cgroup", "sweep"] {
        let instance = format!("regent-test-{}-{name}", std::process::id());
        // Tests run beside each other: each looks for its own.
        static NEXT: AtomicU32 = AtomicU32::new(10);
        let mark = format!("{}{}", 7000 + std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        with_spawner((way == "cgroup").then_some(instance.as_str()), |spawner| test(spawner, mark));
    }
}

fn sh(script: &str, timeout: Duration) -> CommandRun {
    CommandRun {
        what: door::born("/bin/sh", ["sh", "-c", script].map(str::to_owned).into()),
        timeout,
        output_max: OUTPUT_MAX,
        stdin: None,
        leaves: None,
    }
}

fn pids(text: &str) -> Vec<i32> {
    let all =
        fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().to_str()?.parse::<i32>().ok());
    let has = |pid: &i32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        *pid != std::process::id().cast_signed() && String::from_utf8_lossy(&line).contains(text)
    };
    all.filter(has).collect()
}

fn running(text: &str) -> usize {
    pids(text).len()
}

async fn timed(spawner: &Rc<Spawner>, run: CommandRun) -> (CommandOutcome, Duration) {
    let begin = Instant::now();
    let outcome = run_command(spawner, run).await;
    (outcome, begin.elapsed())
}

const DETACH: &str = "(setsid sh -c 'trap \"\" TERM HUP; sleep MARK; :' &); (setsid setsid sleep MARK &);";

#[test]
fn what_a_command_says_and_how_it_ends_come_back() {
    both_ways("says", async |spawner, _| {
        let outcome = run_command(&spawner, sh("echo one; echo two >&2; exit 7", Duration::from_secs(3))).await;
        assert_eq!(outcome.outcome(), Outcome::Status(7));
        assert_eq!((outcome.stdout.as_slice(), outcome.stderr.as_slice()), (&b"one\n"[..], &b"two\n"[..]));
        let outcome = run_command(&spawner, sh("kill -9 $$", Duration::from_secs(3))).await;
        assert_eq!(outcome.outcome(), Outcome::Signal(9));
    });
}

#[test]
fn nothing_of_a_command_outlives_its_time() {
    both_ways("time", async |spawner, mark: String| {
        let script = format!("{DETACH} sleep MARK").replace("MARK", &mark);
        let (outcome, took) = timed(&spawner, sh(&script, Duration::from_millis(500))).await;
        assert_eq!(outcome.outcome(), Outcome::Timeout);
        assert!(took < Duration::from_secs(2), "{took:?}");
        assert_eq!(running(&mark), 0);
    });
}

#[test]
fn nothing_of_a_command_outlives_its_end() {
    both_ways("end", async |spawner, mark: String| {
        let script = format!("{DETACH} sleep 0.2").replace("MARK", &mark);
        let (outcome, _) = timed(&spawner, sh(&script, Duration::from_secs(3))).await;
        assert_eq!(outcome.outcome(), Outcome::Status(0));
        assert_eq!(running(&mark), 0);
    });
}

#[test]
fn nothing_of_a_command_outlives_its_cancelling() {
    both_ways("cancel", async |spawner, mark: String| {
        let script = format!("{DETACH} sleep MARK").replace("MARK", &mark);
        for milliseconds in [0, 1, 2, 5, 200] {
            let run = run_command(&spawner, sh(&script, Duration::from_secs(60)));
            assert!(tokio::time::timeout(Duration::from_millis(milliseconds), run).await.is_err());
            let begin = Instant::now();
            while running(&mark) > 0 {
                assert!(begin.elapsed() < Duration::from_secs(2), "cancelled after {milliseconds} ms");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    });
}

#[test]
fn endless_output_is_cut_and_costs_no_memory() {
    let resident = || {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap().trim().to_owned();
        line.trim_end_matches(" kB").parse::<usize>().unwrap()
    };
    both_ways("flood", async |spawner, _| {
        let before = resident();
        let script = "head -c 1073741824 /dev/zero >&2";
        let (outcome, took) = timed(&spawner, sh(script, Duration::from_secs(20))).await;
        assert_eq!(outcome.outcome(), Outcome::Status(0), "{took:?}");
        assert_eq!((outcome.stderr.len(), outcome.truncated), (OUTPUT_MAX, true));
        assert!(resident() - before < 16 << 10, "{} KiB", resident() - before);
    });
}

#[test]
fn a_command_that_closes_its_output_is_waited_for_until_its_time() {
    both_ways("closed", async |spawner, _| {
        let (outcome, took) = timed(&spawner, sh("exec >&- 2>&-; sleep 60", Duration::from_millis(500))).await;
        assert_eq!(outcome.outcome(), Outcome::Timeout);
        assert!(took < Duration::from_secs(2), "{took:?}");
    });
}

#[test]
fn a_grandchild_on_the_pipe_keeps_nobody() {
    both_ways("pipe", async |spawner, mark: String| {
        let (outcome, took) = timed(&spawner, sh(&format!("echo here; sleep {mark} &"), Duration::from_secs(5))).await;
        assert_eq!((outcome.outcome(), outcome.stdout.as_slice()), (Outcome::Status(0), &b"here\n"[..]));
        assert!(took < Duration::from_secs(2), "{took:?}");
        assert_eq!(running(&mark), 0);
    });
}

#[test]
fn a_command_that_makes_groups_in_its_own_leaves_none_and_stops_no_later_start() {
    let instance = format!("regent-test-{}-nested", std::process::id());
    let path = |mounts: &str| {
        mounts.lines().find(|line| line.contains(" - cgroup2 ")).unwrap().split(' ').nth(4).unwrap().to_owned()
    };
    let mount = path(&fs::read_to_string("/proc/self/mountinfo").unwrap());
    with_spawner(Some(&instance), async |spawner| {
        let script = format!(
            "own={mount}$(sed -n s/^0:://p /proc/self/cgroup); mkdir $own/a $own/a/b; \
                              (echo 0 > $own/a/b/cgroup.procs; exec setsid sleep 60) & sleep 0.2"
        );
        let outcome = run_command(&spawner, sh(&script, Duration::from_secs(3))).await;
        assert_eq!(outcome.outcome(), Outcome::Status(0), "{}", String::from_utf8_lossy(&outcome.stderr));
        // What was left by a run is gone at the latest with the next.
        run_command(&spawner, sh("true", Duration::from_secs(3))).await;
        run_command(&spawner, sh("true", Duration::from_secs(3))).await;
        let groups = Groups::open(&instance).unwrap().unwrap();
        assert_eq!(
            groups.clear(rustix::process::geteuid().as_raw()).expect("a start clears what its predecessor left"),
            0
        );
    });
}

// What stands on standard input.

#[test]
fn the_data_stands_on_standard_input_byte_for_byte_and_then_ends() {
    both_ways("stdin", async |spawner, _| {
        let data = format!("{{\"a\":  \"{}\"}}\n", "\u{fc}".repeat(100_000)).into_bytes();
        let run = CommandRun { stdin: Some(data.clone()), ..sh("cat", Duration::from_secs(5)) };
        let outcome = run_command(&spawner, run).await;
        assert_eq!((outcome.outcome(), outcome.stdout == data), (Outcome::Status(0), true));
        let outcome = run_command(&spawner, sh("readlink /proc/self/fd/0; wc -c", Duration::from_secs(5))).await;
        assert_eq!(outcome.stdout, b"/dev/null\n0\n");
    });
}

#[test]
fn a_command_that_never_reads_its_input_stalls_nobody() {
    let large = || Some(vec![b'x'; 1 << 20]);
    both_ways("deaf", async |spawner, mark: String| {
        let run = CommandRun { stdin: large(), ..sh("echo here", Duration::from_secs(5)) };
        let (outcome, took) = timed(&spawner, run).await;
        assert_eq!((outcome.outcome(), outcome.stdout.as_slice()), (Outcome::Status(0), &b"here\n"[..]));
        assert!(took < Duration::from_secs(2), "{took:?}");
        // Other commands run while one holds its input open and reads nothing, and its time ends it.
        let run = CommandRun { stdin: large(), ..sh(&format!("sleep {mark}"), Duration::from_millis(700)) };
        let beside = async { timed(&spawner, sh("true", Duration::from_secs(5))).await.1 };
        let ((outcome, took), beside) = tokio::join!(timed(&spawner, run), beside);
        assert_eq!(outcome.outcome(), Outcome::Timeout);
        assert!(took < Duration::from_secs(2) && beside < Duration::from_millis(500), "{took:?}, {beside:?}");
        assert_eq!(running(&mark), 0);
        // One that closes it early.
        let run = CommandRun { stdin: large(), ..sh("head -c 3; exec <&-; sleep 0.2", Duration::from_secs(5)) };
        let outcome = run_command(&spawner, run).await;
        assert_eq!((outcome.outcome(), outcome.stdout.as_slice()), (Outcome::Status(0), &b"xxx"[..]));
    });
}

// What lives on.

/// An init script that starts a daemon in every way there is, one with the script's output still open.
const INIT: &str = "(setsid sh -c 'trap \"\" TERM HUP; sleep MARK; :' >/dev/null 2>&1 &)
                    (setsid setsid sleep MARK &)
                    nohup sleep MARK >/dev/null 2>&1 &
                    echo started; sleep 0.1; ";

fn init(mark: &str, then: &str, leaves: Option<Vec<i32>>, timeout: Duration) -> CommandRun {
    CommandRun { leaves, ..sh(&format!("{}{then}", INIT.replace("MARK", mark)), timeout) }
}

/// The daemons of [`INIT`], without the shell that one has.
fn daemons(mark: &str) -> Vec<i32> {
    pids(&format!("sleep\u{0}{mark}"))
}

fn kill(pids: &[i32]) {
    for pid in pids {
        let pid = rustix::process::Pid::from_raw(*pid).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    }
}

/// Starts the daemons of [`INIT`], allowed, by a spawner that has ended when this returns.
fn leave(instance: Option<&str>, mark: &str) {
    with_spawner(instance, async |spawner| {
        let (outcome, took) = timed(&spawner, init(mark, "exit 3", Some(vec![0, 3]), Duration::from_secs(5))).await;
        assert_eq!((outcome.outcome(), outcome.stdout.as_slice()), (Outcome::Status(3), &b"started\n"[..]));
        assert!(took < Duration::from_secs(1), "{took:?}");
        assert_eq!(daemons(mark).len(), 3);
        // Other commands are no worse for it, and what they leave is found as before.
        let script = format!("{DETACH} sleep 0.2").replace("MARK", &format!("{mark}1"));
        let outcome = run_command(&spawner, sh(&script, Duration::from_secs(5))).await;
        assert_eq!((outcome.outcome(), running(&format!("{mark}1"))), (Outcome::Status(0), 0));
    });
}

#[test]
fn what_a_command_may_leave_outlives_its_run_the_daemon_and_the_next_start() {
    for way in ["cgroup", "sweep"] {
        let instance = format!("regent-test-{}-leave", std::process::id());
        let mark = format!("{}1{}", 7000 + std::process::id(), u32::from(way == "sweep"));
        leave((way == "cgroup").then_some(&instance), &mark);
        let left = daemons(&mark);
        // Longer than a spawner needs to end what is below it.
        std::thread::sleep(Duration::from_millis(500));
        let next = Groups::open(&instance).unwrap().expect("this test needs cgroup v2");
        assert_eq!(
            next.clear(rustix::process::geteuid().as_raw()).expect("a start clears what its predecessor left"),
            0
        );
        assert_eq!((daemons(&mark), left.len()), (left.clone(), 3), "{way}");
        kill(&left);
    }
}

/// Whoever has a group may make one of this name in it, and threads there that nobody can kill so.
#[test]
fn a_start_ends_what_its_predecessor_left_elsewhere_and_nothing_in_folders_of_others() {
    let name = format!("regent-test-{}-elsewhere", std::process::id());
    let own = Groups::open(&name).unwrap().expect("this test needs cgroup v2");
    let above = own.runs().with_file_name(format!("{name}-session"));
    let (folder, group) = (above.join(&name), above.join(&name).join("run-1"));
    std::fs::create_dir_all(&group).unwrap();
    #[allow(clippy::disallowed_methods, reason = "somebody else's process")]
    let mut theirs = std::process::Command::new("sleep").arg("60").spawn().unwrap();
    std::fs::write(group.join("cgroup.procs"), theirs.id().to_string()).unwrap();
    let given = |uid| std::os::unix::fs::chown(&folder, Some(uid), None).unwrap();
    given(4711);
    assert_eq!(own.clear(0).unwrap(), 0);
    assert!(theirs.try_wait().unwrap().is_none(), "it is nobody's of ours");
    given(0);
    assert_eq!(own.clear(0).unwrap(), 1);
    assert!(!theirs.wait().unwrap().success());
    own.remove();
    std::fs::remove_dir(above).unwrap();
}

#[test]
fn what_a_command_may_not_leave_is_gone_with_it() {
    both_ways("leave-not", async |spawner, mark: String| {
        let outcome = run_command(&spawner, init(&mark, "exit 0", None, Duration::from_secs(5))).await;
        assert_eq!((outcome.outcome(), outcome.stdout.as_slice()), (Outcome::Status(0), &b"started\n"[..]));
        assert_eq!(daemons(&mark).len(), 0);
    });
}

#[test]
fn a_command_that_fails_or_is_late_leaves_nothing_whatever_it_may() {
    both_ways("leave-failed", async |spawner, mark: String| {
        let ends = [
            ("exit 1", Outcome::Status(1)),
            ("kill -9 $$", Outcome::Signal(9)),
            ("kill -3 $$", Outcome::Signal(3)),
            ("sleep MARK", Outcome::Timeout),
        ];
        for (then, end) in ends {
            let then = then.replace("MARK", &mark);
            let run = init(&mark, &then, Some(vec![0]), Duration::from_millis(800));
            let (outcome, took) = timed(&spawner, run).await;
            assert_eq!(outcome.outcome(), end);
            assert!(took < Duration::from_secs(2), "{then}: {took:?}");
            assert_eq!(daemons(&mark).len(), 0, "{then}");
        }
        // Nor one that is given up.
        let run = run_command(&spawner, init(&mark, &format!("sleep {mark}"), Some(vec![0]), Duration::from_secs(9)));
        assert!(tokio::time::timeout(Duration::from_millis(300), run).await.is_err());
        let begin = Instant::now();
        while !daemons(&mark).is_empty() {
            assert!(begin.elapsed() < Duration::from_secs(2), "given up");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
}

#[test]
#[ignore = "started by the test below"]
fn a_daemon_with_one_long_command() {
    with_spawner(Some("test-orphan"), async |spawner| {
        run_command(&spawner, sh("sleep 60991; :", Duration::from_secs(60))).await;
    });
}

#[test]
fn when_the_spawner_is_killed_what_ran_in_a_group_ends_with_the_daemon() {
    let own = std::env::current_exe().unwrap();
    #[allow(clippy::disallowed_methods, reason = "a daemon beside this one, for it ends")]
    let mut daemon = std::process::Command::new(own)
        .args(["--ignored", "--exact", "a_daemon_with_one_long_command"])
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let within = |what: &str, so: &dyn Fn() -> bool| {
        let begin = Instant::now();
        while !so() {
            assert!(begin.elapsed() < Duration::from_secs(5), "{what}");
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    within("it runs", &|| running("sleep\u{0}60991") == 1);
    let spawner = child_of(daemon.id());
    rustix::process::kill_process(rustix::process::Pid::from_raw(spawner).unwrap(), rustix::process::Signal::KILL)
        .unwrap();
    assert_eq!(daemon.wait().unwrap().code(), Some(71));
    within("the command ends", &|| running("60991") == 0);
}

/// The child of any of a process' threads.
fn child_of(pid: u32) -> i32 {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let children = threads.map(|thread| fs::read_to_string(thread.unwrap().path().join("children")).unwrap());
    children.collect::<String>().split_whitespace().next().unwrap().parse().unwrap()
}
