//! `regent-spawner [--confined | --config FILE] [--sandbox FILE --compiler FILE [--credentials FOLDER]]`: the one door
//! through which programs start, and the only part of a daemon that keeps root's rights. Of what a stranger wrote it
//! reads the values of slots and nothing else, and a secret that stands in regent.toml is wiped when it was read, so
//! nothing of these can reach what it starts; it stays small, so a start costs the same however the daemon grows.
//!
//! With a configuration it reads regent.toml and the grants files itself, and starts by name what they grant.
//! `--confined` is for a trial that performs nothing: its compiler and its sandbox are all that starts. With neither it
//! starts what it is told: for a trial that performs, which is to have the rights of who typed it.
//!
//! One thread, blocking on its socket (descriptor 0) and on its children. It never waits for a child that could be
//! stopped by somebody: between its new user and its exec a child is at the mercy of that user's other processes. When
//! the socket ends, everything that was started ends, but what commands that may have left behind.
//!
//! `unsafe` here is system calls that no crate of ours offers, and what runs between clone and exec.
#![allow(unsafe_code, reason = "system calls between clone and exec")]

// Words and descriptors of the socket.
mod socket;
// What a spawner with a configuration does for its daemon.
mod office;
// What one without does for a trial that performs nothing.
mod trial;
// Programs that are confined, and how they may be started.
mod helpers;
// The clone of a child.
mod start;
// A child from its clone to its exec.
mod birth;
// Namespaces over an empty root.
mod confine;
// Users and capabilities.
mod rights;
// The process between, where there is no cgroup.
mod sweep;
// Thin names for system calls.
mod sys;

use std::alloc::System;
use std::fmt;
use std::os::fd::{AsRawFd as _, OwnedFd, RawFd};
use std::path::PathBuf;
use std::process::ExitCode;

use helpers::Helpers;
use office::{Office, PrepareError, RunError, Told};
use regent_files::Untrusted;
use regent_spawner::{Ask, Descent, Exit, Ready, Run, Say, Start};
use socket::Socket;
use start::Cloned;
use trial::Trial;
use zeroizing_alloc::ZeroAlloc;

/// Whatever is freed is wiped first: regent.toml may hold a secret, and a parser copies.
#[global_allocator]
static MEMORY: ZeroAlloc<System> = ZeroAlloc(System);

/// More than a daemon that is itself has running: a command for each request that may run, and a process or two for
/// each plugin.
const CHILDREN_MAX: usize = 4_096;

/// For whom this process starts programs, and so which.
enum Serves {
    /// Who performs a trial, with all that this process may: what it is told.
    AsTold,
    /// A trial that performs nothing: what is confined.
    Trial(Trial),
    /// A daemon: what is confined, and what was granted.
    Daemon(Box<Office>),
}

impl Serves {
    fn office(&mut self) -> Option<&mut Office> {
        match self {
            Self::Daemon(office) => Some(office),
            Self::AsTold | Self::Trial(_) => None,
        }
    }
}

/// Why nothing is started, for the administrator.
enum OpenError {
    Usage,
    Helpers(Untrusted),
    Prepare(PrepareError),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage => {
                f.write_str("regent-spawner: --confined or --config FILE, --sandbox and --compiler are wanted")
            }
            Self::Helpers(error) => error.fmt(f),
            Self::Prepare(error) => error.fmt(f),
        }
    }
}

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
    let socket = Socket::standard_input(sys::parent());
    let Ok(mut serves) = open(&socket) else { return ExitCode::from(69) };
    let mut children = Vec::new();
    loop {
        let leaving = children.iter().filter_map(|child: &Child| child.leaves.as_ref());
        let own = [socket.raw(), signals.as_raw_fd()].into_iter().chain(socket.daemon());
        let watched: Vec<_> = own.chain(leaving.map(OwnedFd::as_raw_fd)).collect();
        let ready = sys::poll(&watched);
        let_go(&socket, &mut children, &ready);
        if ready.contains(&signals.as_raw_fd()) {
            sys::drain(&signals);
            reap(&socket, &mut children);
        }
        if socket.daemon().is_some_and(|daemon| ready.contains(&daemon)) {
            break;
        }
        if ready.contains(&socket.raw()) && !serve(&socket, &mut serves, &mut children) {
            break;
        }
    }
    let leaving: Vec<_> = children.iter().filter_map(|child| child.leaves.as_ref().map(OwnedFd::as_raw_fd)).collect();
    let_go(&socket, &mut children, &leaving);
    // The reapers see this end by themselves; the rest is killed here, grandchildren as they come to us.
    children.iter().for_each(|child| sys::kill(child.pid, child.by));
    drop(children);
    sys::kill_all_children();
    if let Serves::Daemon(office) = serves {
        office.close();
    }
    ExitCode::SUCCESS
}

/// By the arguments; its first word is said, if it was told for whom it is.
fn open(socket: &Socket) -> Result<Serves, ()> {
    if std::env::args_os().len() == 1 {
        return Ok(Serves::AsTold);
    }
    match opened() {
        Ok((serves, ready)) => {
            socket.say(&Say::Ready(ready));
            Ok(serves)
        }
        Err(error) => {
            socket.say(&Say::Unready(vec![error.to_string()]));
            Err(())
        }
    }
}

/// What is not understood is no reason to start what one is told.
fn opened() -> Result<(Serves, Ready), OpenError> {
    let mut arguments = std::env::args_os().skip(1).peekable();
    let confined = arguments.next_if(|first| first == "--confined").is_some();
    let mut value = |name: &str| {
        arguments.next_if(|word| word == name)?;
        arguments.next().map(PathBuf::from)
    };
    let config = value("--config");
    let (sandbox, compiler) = value("--sandbox").zip(value("--compiler")).ok_or(OpenError::Usage)?;
    let credentials = value("--credentials");
    if arguments.next().is_some() {
        return Err(OpenError::Usage);
    }
    let helpers = Helpers::open(&sandbox, &compiler).map_err(OpenError::Helpers)?;
    match config {
        None if confined => Ok((Serves::Trial(Trial::of(helpers)), Trial::ready())),
        Some(config) if !confined => {
            let mut office = Office::open(Told { config, helpers, credentials });
            let ready = office.prepare().map_err(OpenError::Prepare)?;
            Ok((Serves::Daemon(Box::new(office)), ready))
        }
        _ => Err(OpenError::Usage),
    }
}

/// One word; false at the end of the socket.
fn serve(socket: &Socket, serves: &mut Serves, children: &mut Vec<Child>) -> bool {
    let (ask, fds) = match socket.receive() {
        Ok(Some(word)) => word,
        Ok(None) => return false,
        Err(()) => return true,
    };
    match ask {
        Ask::Start(start) => match may_start(serves, &start, fds) {
            Some(fds) => begin(socket, children, &start, fds),
            None => socket.say(&Say::NotRun(start.token, "this spawner does not start it so".into())),
        },
        Ask::Run(run) => match granted(serves.office(), &run, fds) {
            Ok((start, fds)) => begin(socket, children, &start, fds),
            Err(error) => socket.say(&Say::NotRun(run.granted.token, error.to_string())),
        },
        Ask::Kill(token) => {
            for child in children.iter().filter(|child| child.token == token) {
                sys::kill(child.pid, child.by);
            }
        }
        ask => {
            if let Some((token, answered)) = serves.office().and_then(|office| office.answer(&ask)) {
                let (answer, fd) = answered.map_or_else(|why| (Err(why), None), |(answer, fd)| (Ok(answer), fd));
                socket.answer(token, answer, fd.as_ref());
            }
        }
    }
    true
}

/// The descriptors of a start that may be; of a confined one, with a program of this spawner's own.
fn may_start(serves: &Serves, start: &Start, mut fds: Vec<OwnedFd>) -> Option<Vec<OwnedFd>> {
    let program = match serves {
        Serves::AsTold => return Some(fds),
        Serves::Trial(trial) => trial.helper(start)?,
        Serves::Daemon(office) => office.helper(start, &fds)?,
    };
    *fds.first_mut()? = program;
    Some(fds)
}

/// A granted command, its program before its descriptors.
fn granted(office: Option<&mut Office>, run: &Run, fds: Vec<OwnedFd>) -> Result<(Start, Vec<OwnedFd>), RunError> {
    let office = office.ok_or(RunError::NoGrants)?;
    let (program, start) = office.granted(run, &fds)?;
    Ok((start, [program].into_iter().chain(fds).collect()))
}

fn begin(socket: &Socket, children: &mut Vec<Child>, start: &Start, fds: Vec<OwnedFd>) {
    let token = start.token;
    if children.len() >= CHILDREN_MAX {
        return socket.say(&Say::NotRun(token, format!("{CHILDREN_MAX} programs run already")));
    }
    match start::start(start, fds) {
        Ok(Cloned { pid, failure, leaves }) => {
            if matches!(start.descent, Descent::Alone { .. }) {
                socket.say(&Say::Started { token, pid });
            }
            // A reaper ends what is below it first; it is ours and root's, so nobody else can have stopped it.
            let reaped = matches!(start.descent, Descent::Sweep | Descent::Leave { .. });
            let by = if reaped { libc::SIGTERM } else { libc::SIGKILL };
            children.push(Child { token, pid, failure, leaves, by });
        }
        Err((stage, errno)) => socket.say(&Say::NotStarted { token, stage, errno }),
    }
}

/// Lets what a command left behind live on. Its reaper waits to be ended, and is while this process adopts nothing: so
/// they become children of whoever adopts beyond it, and its own end is nothing to them. What others leave meanwhile is
/// in a group that the daemon ends, or has a reaper of its own.
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
            Some((stage, errno)) => Say::NotStarted { token, stage, errno },
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
