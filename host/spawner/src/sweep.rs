//! The process between, where there is no cgroup v2: it starts the command, reaps all that comes of it however it
//! detached itself, kills what is left when the command has ended, and ends as the command did. It ends the command too
//! when the spawner says so, or is gone.
//!
//! It also stands over a command that may leave a daemon behind: after a status that is success nothing is killed, and
//! the spawner is told before this process ends, for what it adopted is then adopted by another.

use std::os::fd::{AsRawFd as _, OwnedFd};

use regent_spawner::Stage;

use crate::birth::Birth;
use crate::sys;

/// Never returns. The birth's failure pipe is the command's alone from the fork on. `leaves`: the statuses after which
/// what is left lives on, and where the spawner is told.
pub(crate) fn reaper(birth: Birth<'_>, leaves: Option<(&[i32], OwnedFd)>) -> ! {
    let failure = birth.failure.as_raw_fd();
    // SAFETY: no memory of ours is involved.
    let subreaper = unsafe {
        libc::setsid();
        // If the spawner dies this hears it as a wish to end; one that died before is seen below.
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM, 0, 0, 0);
        sys::adopt(true)
    };
    let signals = subreaper.and_then(|()| sys::signals(&[libc::SIGCHLD, libc::SIGTERM]));
    let signals = match signals {
        Ok(signals) => signals,
        Err(errno) => sys::fail(failure, Stage::Reaper, errno),
    };
    let main = match sys::clone(0, None) {
        Ok(None) => birth.exec(None),
        Ok(Some(pid)) => pid,
        Err(errno) => sys::fail(failure, Stage::Fork, errno),
    };
    drop(birth);
    let parent = parent();
    loop {
        sys::poll_within(&[signals.as_raw_fd()], 1_000);
        let asked = sys::drain(&signals).iter().any(|signal| i32::try_from(*signal) == Ok(libc::SIGTERM));
        let ended = reap(main);
        if let Some(status) = ended {
            if let Some((after, says)) = &leaves
                && libc::WIFEXITED(status)
                && after.contains(&libc::WEXITSTATUS(status))
            {
                leave(libc::WEXITSTATUS(status), says, &signals, parent);
            }
            sys::kill_all_children();
            end_like(status);
        }
        if asked || self::parent() != parent {
            sys::kill_all_children();
            end_like(libc::SIGKILL);
        }
    }
}

/// Says so, and waits to be killed, or for the spawner's end.
fn leave(status: i32, says: &OwnedFd, signals: &OwnedFd, parent: i32) -> ! {
    sys::write_number(says, status);
    while self::parent() == parent {
        sys::poll_within(&[signals.as_raw_fd()], 1_000);
        sys::drain(signals);
    }
    sys::exit(status)
}

fn parent() -> i32 {
    // SAFETY: no memory of ours is involved.
    unsafe { libc::getppid() }
}

/// Takes all that ended; the command's status, if it is among them.
fn reap(main: i32) -> Option<i32> {
    let mut ended = None;
    while let Some((pid, status)) = sys::wait_any() {
        if pid == main {
            ended = Some(status);
        }
    }
    ended
}

/// Ends this process with the wait status that the command had.
fn end_like(status: i32) -> ! {
    if libc::WIFSIGNALED(status) {
        let signal = libc::WTERMSIG(status);
        // SAFETY: no memory of ours is involved.
        unsafe {
            libc::signal(signal, libc::SIG_DFL);
            let mut set = std::mem::zeroed();
            libc::sigemptyset(&raw mut set);
            libc::sigprocmask(libc::SIG_SETMASK, &raw const set, std::ptr::null_mut());
            libc::raise(signal);
        }
        sys::exit(128 + signal)
    }
    sys::exit(libc::WEXITSTATUS(status))
}
