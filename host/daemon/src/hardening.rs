//! What this process keeps from others: its memory from whoever has its uid, and the terminal that a daemon or a trial
//! was started in. That is root's, and what is typed there is not for whoever takes this process over.

use std::error::Error;
use std::io;

use rustix::fs::{Mode, OFlags, open};
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout, stderr, stdout};
use rustix::termios::isatty;

#[derive(Debug, thiserror::Error)]
#[error("{step}: {why}")]
pub struct HardeningError {
    step: String,
    why: Box<dyn Error>,
}

impl HardeningError {
    pub(crate) fn new(step: impl Into<String>, why: impl Into<Box<dyn Error>>) -> Self {
        Self { step: step.into(), why: why.into() }
    }
}

/// Closes the memory, before anything secret is in it, and again after a change of user: then the kernel makes it what
/// `fs.suid_dumpable` says, and with 2 of that a handler of cores is given one. What the daemon starts may be read
/// again by whoever is the same user, and has the limit of the core's size from it.
pub fn keep_to_itself() -> Result<(), HardeningError> {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    setrlimit(Resource::Core, none).map_err(|why| HardeningError::new("cannot forbid core dumps", why))?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(|why| HardeningError::new("cannot become undumpable", why))
}

/// Hears nothing of the terminal from here on: no standard input, no `/dev/tty`, and descriptors that can write alone.
/// It still ends by the terminal's keys, which are for its process group.
pub fn hear_nothing() -> Result<(), HardeningError> {
    let null = open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
    null.and_then(dup2_stdin).map_err(|why| HardeningError::new("/dev/null as standard input", why))?;
    let heard = leave().and_then(|()| only_write());
    // An ordinary user's terminal is that user's to read, and so this process'.
    if let (Err(why), true) = (heard, rustix::process::geteuid().is_root()) {
        crate::warning!("whoever takes regentd over reads what is typed at the terminal that it was started in: {why}");
    }
    Ok(())
}

/// At the terminal of who leads the session nothing is typed but for that process, and it would hang up on itself.
fn leave() -> io::Result<()> {
    // Nought where the leader is outside of this namespace.
    let leads = nix::unistd::getsid(None)? == nix::unistd::getpid();
    match open("/dev/tty", OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()) {
        Ok(terminal) if !leads => regent_peer::leave_terminal(terminal),
        _ => Ok(()),
    }
}

fn only_write() -> io::Result<()> {
    let anew = |fd: &str| open(fd, OFlags::WRONLY | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty());
    if isatty(stdout()) {
        dup2_stdout(anew("/proc/self/fd/1")?)?;
    }
    if isatty(stderr()) {
        dup2_stderr(anew("/proc/self/fd/2")?)?;
    }
    Ok(())
}
