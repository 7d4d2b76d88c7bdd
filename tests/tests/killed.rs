//! A sandbox and the spawner, killed in a held operation's life at each system call of the kinds by which they hear,
//! start something, wait and answer: nothing runs without consent, nothing twice, and the daemon goes on, or ends and
//! is settled by the next start. What they do between two of these nobody else sees before the second.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]
#![allow(clippy::disallowed_methods, reason = "a test starts what it kills")]

mod story;

use std::thread;
use std::time::{Duration, Instant};

use regent_tests::{Injected, eventually, proc};
use story::{Mortal, Story, log, world};

/// EX_OSERR: without the spawner nothing can be started or ended any more.
const WITHOUT_SPAWNER: i32 = 71;
/// What goes on after an answer is over by then, though each of its calls is looked at.
const GOES_ON: Duration = Duration::from_secs(1);

fn serving(world: &regent_tests::World) -> Mortal {
    let daemon = Mortal::start(world);
    eventually("it serves", || log(world).contains("plugin firewall serves").then_some(()));
    daemon
}

/// A process of this daemon, which is killed at its Nth call of this name, or at that of one of its threads.
fn dies_at(daemon: &Mortal, name: &str, call: &str, nth: usize) -> (u32, Injected) {
    let pid = proc::named(daemon.child.id(), name)[0];
    (pid, Injected::at_all_threads(pid, &format!("{call}:signal=KILL:when={nth}")))
}

fn is_gone(pid: u32) -> bool {
    proc::status(pid, "State").is_none_or(|state| state.starts_with('Z'))
}

/// Whether it dies, if not within the story then by what it goes on to.
fn dies(pid: u32, whole: bool) -> bool {
    let since = Instant::now();
    while whole && !is_gone(pid) && since.elapsed() < GOES_ON {
        thread::sleep(Duration::from_millis(5));
    }
    !whole || is_gone(pid)
}

/// One life, in which the spawner dies at this call; false if it has no such call.
fn without_spawner(story: &mut Story<'_>, call: &str, nth: usize) -> bool {
    let world = story.world;
    let daemon = serving(world);
    let (spawner, injected) = dies_at(&daemon, "regent-spawner", call, nth);
    let whole = story.go_on().is_some();
    let died = dies(spawner, whole);
    if died {
        assert_eq!(daemon.ended().code(), Some(WITHOUT_SPAWNER), "{}", log(world));
        assert!(log(world).contains("the spawner has ended"), "{}", log(world));
    } else {
        daemon.kill();
    }
    injected.ended();
    let daemon = Mortal::start(world);
    story.settle();
    daemon.kill();
    died
}

#[test]
fn the_spawner_killed_where_it_hears_starts_waits_or_answers_ends_the_daemon_and_the_next_start_settles_it() {
    let world = world("");
    let mut story = Story::of(&world);
    // From a word of the daemon's to the word that the program has ended.
    for call in ["recvmsg", "pipe2", "fcntl", "clone3", "close", "poll", "read", "wait4", "sendto"] {
        let deaths = (1..).take_while(|nth| without_spawner(&mut story, call, *nth)).count();
        assert!(deaths >= 2, "two commands are run: {call} {deaths}");
    }
    assert!(story.ended("interrupted") > 0, "some deaths are in the middle of a run");
    assert!(story.ended("done") > 0);
}

/// One life, in which the sandbox dies at this call; false if it has no such call.
fn without_sandbox(story: &mut Story<'_>, call: &str, nth: usize) -> bool {
    let world = story.world;
    let mut daemon = serving(world);
    let (sandbox, injected) = dies_at(&daemon, "regent-sandbox", call, nth);
    let whole = story.go_on().is_some();
    let died = dies(sandbox, whole);
    drop(injected);
    story.settle();
    assert!(!daemon.has_ended(), "{}", log(world));
    eventually("the plugin serves again", || story.ask());
    story.settle();
    daemon.kill();
    died
}

#[test]
fn a_sandbox_killed_where_it_hears_answers_or_changes_its_memory_fails_its_request_at_the_most_and_the_daemon_goes_on()
{
    let world = world("");
    let mut story = Story::of(&world);
    for call in ["read", "write", "munmap", "mmap"] {
        let deaths = (1..).take_while(|nth| without_sandbox(&mut story, call, *nth)).count();
        assert!(deaths >= 2, "it is asked to prepare and to finish: {call} {deaths}");
    }
    assert_eq!(story.ended("interrupted"), 0, "the daemon knows how each ended");
    assert!(story.ended("done") > 0);
}
