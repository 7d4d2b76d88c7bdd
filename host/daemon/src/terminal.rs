//! The terminal that a daemon or a trial was started in: root's, and what is typed there is not for whoever takes it over.

use std::io;

use rustix::fs::{Mode, OFlags, open};
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout, stderr, stdout};
use rustix::termios::isatty;

/// Hears nothing of it from here on: no standard input, no `/dev/tty`, and descriptors that can write alone. It still ends by the
/// terminal's keys, which are for its process group.
///
/// # Errors
/// For the administrator.
pub fn hear_nothing() -> Result<(), String> {
    let null = open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
    null.and_then(dup2_stdin).map_err(|why| format!("/dev/null as standard input: {why}"))?;
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
