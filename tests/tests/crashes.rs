//! kill -9, and disks that fail, at every moment of a held operation's life: nothing runs without consent, nothing
//! twice, nothing that was acknowledged is lost, and what was running is `interrupted`.
//!
//! The granted command writes the request's address, unlike in each request, at the end of a file: a line a run. Power
//! cuts, which lose and tear what was not synced, are the daemon's own tests (`power_cut`).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]
#![allow(clippy::disallowed_methods, reason = "a test starts what it kills")]

mod story;

use std::process::ExitStatus;
use std::thread;
use std::time::{Duration, Instant};

use regent_tests::{Injected, eventually, proc};
use story::{Mortal, Random, Story, kill, log, world};

/// Of a running loop, at random moments.
const RANDOM_KILLS: usize = 200;
/// Milliseconds in which a start and a story are over; on a busy machine twice what they took.
const LIFE: u64 = 400;

/// What the log says where a record could not be written, which the daemon outlives.
const NOT_LOGGED: &str = "the audit log cannot be written";

/// One story for each call of this name that the disk thread makes in a story, or for each so manieth, which ends the
/// daemon as `ended` says, or does not end it. How many stories that were, and in how many the daemon lived on.
fn at_each(call: &str, what: &str, step: usize, ended: impl Fn(ExitStatus)) -> (usize, usize) {
    let world = world("");
    let mut story = Story::of(&world);
    let mut lived = 0;
    for nth in (1..).step_by(step) {
        let mut daemon = Mortal::start(&world);
        eventually("it serves", || log(&world).contains("plugin firewall serves").then_some(()));
        let strace = Injected::at(daemon.disk_thread(), &format!("{call}:{what}:when={nth}"));
        let whole = story.go_on().is_some();
        // The last write may still be on its way when its result is told.
        thread::sleep(Duration::from_millis(if whole { 100 } else { 0 }));
        let lives = log(&world).contains(NOT_LOGGED);
        let over = whole && !lives && !daemon.has_ended();
        lived += usize::from(lives);
        if over || lives {
            daemon.kill();
        } else {
            ended(daemon.ended());
        }
        strace.ended();
        let daemon = Mortal::start(&world);
        story.settle();
        daemon.kill();
        if over {
            break;
        }
    }
    assert!(story.ended("interrupted") > 0, "some deaths are between the start of a run and its end");
    assert!(story.ended("done") > 0);
    (story.asked.len() - 1, lived)
}

fn by_signal(status: ExitStatus) {
    assert_eq!(status.code(), None, "{status}");
}

/// EX_IOERR: nobody can say what is on the disk, and the next start can.
fn by_itself(status: ExitStatus) {
    assert_eq!(status.code(), Some(74), "{status}");
}

#[test]
fn killed_at_any_sync_of_a_story_it_settles_with_the_next_start() {
    let (syncs, _) = at_each("fdatasync", "signal=KILL", 1, by_signal);
    assert!(syncs >= 8, "log and store are synced for each of four states, not {syncs} times in all");
}

#[test]
fn killed_before_writes_all_over_a_story_it_settles_with_the_next_start() {
    at_each("pwrite64", "signal=KILL", 3, by_signal);
}

#[test]
fn a_sync_that_fails_ends_the_daemon_and_the_next_start_settles_it() {
    at_each("fdatasync", "error=EIO", 1, by_itself);
}

#[test]
fn a_write_that_fails_is_a_refusal_in_the_log_and_ends_the_daemon_in_the_store_and_the_next_start_settles_it() {
    let (writes, lived) = at_each("pwrite64", "error=ENOSPC", 3, by_itself);
    assert!(0 < lived && lived < writes, "{lived} of {writes} were of the log");
}

#[test]
fn killed_at_any_sync_of_a_start_it_settles_with_the_next() {
    let world = world("sleep 0.3");
    let mut story = Story::of(&world);
    for nth in 1.. {
        // Something is performing when the predecessor dies.
        let daemon = Mortal::start(&world);
        story.settle();
        story.ask().unwrap();
        story.decide().unwrap();
        eventually("it runs", || story.runs().contains(&story.asked.last()?.ip).then_some(()));
        daemon.kill();
        let (traced, inject) = ("trace=fdatasync", format!("inject=fdatasync:signal=KILL:when={nth}"));
        let mut dying = Mortal::spawn(&world, &["strace", "-o", "/dev/null", "-e", traced, "-e", &inject]);
        if dying.is_ready(&world) {
            proc::children(dying.child.id()).into_iter().for_each(kill);
            // Its lock goes when it has gone.
            dying.child.wait().unwrap();
            assert!(nth > 2, "a start that finds something to settle syncs");
            break;
        }
    }
    let _daemon = Mortal::start(&world);
    story.settle();
    assert_eq!(story.ended("interrupted"), story.asked.len(), "what was running is interrupted");
}

#[test]
fn what_was_running_is_interrupted_and_nothing_of_it_goes_on() {
    let world = world("sleep 2\necho late >>$0.late");
    let mut story = Story::of(&world);
    let daemon = Mortal::start(&world);
    story.ask().unwrap();
    story.decide().unwrap();
    eventually("it runs", || story.runs().contains("8.8.0.1").then_some(()));
    daemon.kill();
    let _daemon = Mortal::start(&world);
    story.settle();
    assert_eq!(story.ended("interrupted"), 1);
    thread::sleep(Duration::from_secs(2));
    assert!(!world.path("record.late").exists(), "the command outlived its daemon");
}

#[test]
fn a_sandbox_that_is_killed_while_held_or_performing_takes_no_hold_with_it() {
    let world = world("sleep 0.5");
    let mut story = Story::of(&world);
    let daemon = Mortal::start(&world);
    story.ask().unwrap();
    daemon.kill_sandbox();
    story.look().unwrap();
    story.decide().unwrap();
    eventually("it runs", || story.runs().contains("8.8.0.1").then_some(()));
    daemon.kill_sandbox();
    story.settle();
    assert_eq!(story.ended("interrupted"), 0, "the daemon knows how it ended");
    eventually("the plugin serves again", || story.ask());
    story.settle();
    assert!(story.ended("done") > 0);
}

#[test]
fn two_hundred_random_kills_lose_nothing_and_repeat_nothing() {
    let world = world("");
    let mut story = Story::of(&world);
    // Compiled once: no life is long enough for that.
    let daemon = Mortal::start(&world);
    story.go_on().unwrap();
    daemon.kill();
    let begin = Instant::now();
    let daemon = Mortal::start(&world);
    story.go_on().unwrap();
    let longest = LIFE.max(2 * u64::try_from(begin.elapsed().as_millis()).unwrap());
    daemon.kill();
    let mut random = Random::new();
    for life in 0..RANDOM_KILLS {
        let mut daemon = Mortal::spawn(&world, &[]);
        let pid = daemon.child.id();
        let (sandbox, end) = (random.below(longest), random.below(longest));
        let killer = thread::spawn(move || {
            if life % 2 == 1 && sandbox < end {
                thread::sleep(Duration::from_millis(sandbox));
                proc::named(pid, "regent-sandbox").into_iter().for_each(kill);
                thread::sleep(Duration::from_millis(end - sandbox));
            } else {
                thread::sleep(Duration::from_millis(end));
            }
            kill(pid);
        });
        if daemon.is_ready(&world) && story.look().is_some() {
            while !daemon.has_ended() {
                if story.go_on().is_none() {
                    thread::sleep(Duration::from_millis(5));
                }
            }
        }
        killer.join().unwrap();
        by_signal(daemon.ended());
        story.count();
    }
    let _daemon = Mortal::start(&world);
    story.settle();
    let (done, interrupted) = (story.ended("done"), story.ended("interrupted"));
    println!("{} asked, {done} done, {interrupted} interrupted; seed {}", story.asked.len(), random.seed);
    assert!(done > RANDOM_KILLS / 4 && interrupted > 0, "{done} done, {interrupted} interrupted");
}
