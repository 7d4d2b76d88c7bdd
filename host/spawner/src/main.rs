//! The one door through which programs start. It holds no secret and reads no configuration, so nothing of these can reach
//! what it starts; it stays small, so a start costs the same however the daemon grows.
//!
//! One thread, blocking on its socket (descriptor 0) and on its children. It never waits for a child that could be stopped by
//! somebody: between its new user and its exec a child is at the mercy of that user's other processes. When the socket ends,
//! everything that was started ends, but what commands that may have left behind.
//!
//! `unsafe` here is system calls that no crate of ours offers, and what runs between clone and exec.
#![allow(unsafe_code, reason = "system calls between clone and exec")]

// Words and descriptors of the socket.
mod socket;
// A child from clone to exec.
mod birth;
// Namespaces over an empty root.
mod confine;
// The process between, where there is no cgroup.
mod sweep;
// Thin names for system calls.
mod sys;

use std::os::fd::{AsRawFd as _, OwnedFd, RawFd};
use std::process::ExitCode;

use birth::Cloned;
use regent_spawner::{Ask, Descent, Exit, Say};
use socket::Socket;

/// A child that was cloned, and has not ended yet.
struct Child {
    token: u64,
    pid: i32,
    /// Where it said what stopped it before its exec.
    failure: OwnedFd,
    /// Where its reaper says that it ended and what it left is to live on.
    leaves: Option<OwnedFd>,
    /// How it is ended.
    by: i32,
}

fn main() -> ExitCode {
    let Ok(signals) = sys::prepare() else { return ExitCode::from(71) };
    let socket = Socket::standard_input();
    let mut children = Vec::new();
    loop {
        let leaving = children.iter().filter_map(|child: &Child| child.leaves.as_ref());
        let watched: Vec<_> =
            [socket.raw(), signals.as_raw_fd()].into_iter().chain(leaving.map(OwnedFd::as_raw_fd)).collect();
        let ready = sys::poll(&watched);
        let_go(&socket, &mut children, &ready);
        if ready.contains(&signals.as_raw_fd()) {
            sys::drain(&signals);
            reap(&socket, &mut children);
        }
        if ready.contains(&socket.raw()) && !serve(&socket, &mut children) {
            break;
        }
    }
    let leaving: Vec<_> = children.iter().filter_map(|child| child.leaves.as_ref().map(OwnedFd::as_raw_fd)).collect();
    let_go(&socket, &mut children, &leaving);
    // The reapers see this end by themselves; the rest is killed here, grandchildren as they come to us.
    sys::kill_all_children();
    ExitCode::SUCCESS
}

/// One word; false at the end of the socket.
fn serve(socket: &Socket, children: &mut Vec<Child>) -> bool {
    match socket.receive() {
        Ok(Some((Ask::Start(start), fds))) => {
            let token = start.token;
            match birth::start(&start, fds) {
                Ok(cloned) => {
                    let Cloned { pid, failure, leaves } = cloned;
                    if matches!(start.descent, Descent::Alone { .. }) {
                        socket.say(&Say::Started { token, pid });
                    }
                    // A reaper ends what is below it first; it is ours and root's, so nobody else can have stopped it.
                    let reaped = matches!(start.descent, Descent::Sweep | Descent::Leave { .. });
                    children.push(Child {
                        token,
                        pid,
                        failure,
                        leaves,
                        by: if reaped { libc::SIGTERM } else { libc::SIGKILL },
                    });
                }
                Err((stage, errno)) => socket.say(&Say::NotStarted { token, stage: stage.into(), errno }),
            }
            true
        }
        Ok(Some((Ask::Kill(token), _))) => {
            for child in children.iter().filter(|child| child.token == token) {
                sys::kill(child.pid, child.by);
            }
            true
        }
        Ok(None) => false,
        Err(()) => true,
    }
}

/// Lets what a command left behind live on. Its reaper waits to be ended, and is while this process adopts nothing: so they
/// become children of whoever adopts beyond it, and its own end is nothing to them. What others leave meanwhile is in a group
/// that the daemon ends, or has a reaper of its own.
fn let_go(socket: &Socket, children: &mut Vec<Child>, ready: &[RawFd]) {
    children.retain(|child| {
        let leaves = child.leaves.as_ref().filter(|pipe| ready.contains(&pipe.as_raw_fd()));
        let Some(status) = leaves.and_then(sys::read_number) else { return true };
        let _once = sys::adopt(false);
        sys::kill(child.pid, libc::SIGKILL);
        sys::wait(child.pid);
        let _again = sys::adopt(true);
        socket.say(&Say::Exited { token: child.token, status: Exit::Status(status) });
        false
    });
}

/// Tells of every child that has ended.
fn reap(socket: &Socket, children: &mut Vec<Child>) {
    while let Some((pid, status)) = sys::wait_any() {
        // What is not known was left behind by one that has ended, and came to us as its nearest reaper.
        let Some(at) = children.iter().position(|child| child.pid == pid) else { continue };
        let Child { token, failure, .. } = children.swap_remove(at);
        socket.say(&match sys::read_failure(&failure) {
            Some((stage, errno)) => Say::NotStarted { token, stage: birth::stage_name(stage).into(), errno },
            None => Say::Exited { token, status: exit(status) },
        });
    }
}

fn exit(status: i32) -> Exit {
    if libc::WIFSIGNALED(status) {
        Exit::Signal(libc::WTERMSIG(status))
    } else {
        Exit::Status(libc::WEXITSTATUS(status))
    }
}
