//! The one door through which programs start. It holds no secret and reads no configuration, so nothing of these can reach
//! what it starts; it stays small, so a start costs the same however the daemon grows.
//!
//! One thread, blocking on its socket (descriptor 0) and on its children. It never waits for a child that could be stopped by
//! somebody: between its new user and its exec a child is at the mercy of that user's other processes. When the socket ends,
//! everything that was started ends.
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

use std::os::fd::{AsRawFd as _, OwnedFd};
use std::process::ExitCode;

use regent_spawner::{Ask, Descent, Exit, Say};
use socket::Socket;

/// A child that was cloned, and has not ended yet.
struct Child {
    token: u64,
    pid: i32,
    /// Where it said what stopped it before its exec.
    failure: OwnedFd,
    descent: Descent,
}

fn main() -> ExitCode {
    let Ok(signals) = sys::prepare() else { return ExitCode::from(71) };
    let socket = Socket::standard_input();
    let mut children = Vec::new();
    loop {
        let ready = sys::poll(&[socket.raw(), signals.as_raw_fd()]);
        if ready.contains(&signals.as_raw_fd()) {
            sys::drain(&signals);
            reap(&socket, &mut children);
        }
        if ready.contains(&socket.raw()) && !serve(&socket, &mut children) {
            break;
        }
    }
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
                    let (pid, failure, descent) = (cloned.pid, cloned.failure, start.descent);
                    if descent == Descent::Alone {
                        socket.say(&Say::Started { token, pid });
                    }
                    children.push(Child { token, pid, failure, descent });
                }
                Err((stage, errno)) => socket.say(&Say::NotStarted { token, stage: stage.into(), errno }),
            }
            true
        }
        Ok(Some((Ask::Kill(token), _))) => {
            for child in children.iter().filter(|child| child.token == token) {
                // A reaper ends what is below it first; it is ours and root's, so nobody else can have stopped it.
                let signal = if child.descent == Descent::Sweep { libc::SIGTERM } else { libc::SIGKILL };
                sys::kill(child.pid, signal);
            }
            true
        }
        Ok(None) => false,
        Err(()) => true,
    }
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
