//! The processes that end with the demo, however it ends: in order, when it closes or somebody interrupts it; and by
//! themselves, should it be killed, for then their standard input ends, or the kernel tells them that their parent did.

use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::run::Run;

/// The daemon ends within a tenth of a second; a machine may be busy.
const ENDS_WITHIN: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(10);

/// Started processes by name.
#[derive(Clone, Default)]
pub(super) struct Company(Arc<Mutex<Members>>);

#[derive(Default)]
struct Members {
    /// After that nothing is started.
    closed: bool,
    children: Vec<(&'static str, Child)>,
}

impl Company {
    /// Starts a process in a group of its own, so that Ctrl-C reaches the demo, and the demo ends it in order. What is
    /// `held` has a standard input that ends with the demo.
    pub(super) fn start(&self, name: &'static str, command: &mut Command, held: bool) -> Result<u32> {
        let mut members = self.members();
        if members.closed {
            return Err(Error::new("interrupted"));
        }
        let stdin = if held { Stdio::piped() } else { Stdio::null() };
        let child = command.stdin(stdin).process_group(0).spawn();
        let child = child.map_err(|why| Error::new(format!("{}: {why}", command.get_program().display())))?;
        let pid = child.id();
        members.children.push((name, child));
        Ok(pid)
    }

    /// Waits for the first byte that it writes to a piped standard output.
    pub(super) fn hear(&self, name: &str) -> Result<()> {
        let stdout = self.members().named(name).and_then(|child| child.stdout.take());
        let heard = stdout.is_some_and(|mut stdout| stdout.read_exact(&mut [0]).is_ok());
        if heard { Ok(()) } else { Err(Error::new(format!("{name} did not start"))) }
    }

    pub(super) fn has_ended(&self, name: &str) -> bool {
        self.members().named(name).is_none_or(|child| !matches!(child.try_wait(), Ok(None)))
    }

    /// Ends one as an administrator would.
    pub(super) fn end(&self, name: &str) {
        let mut members = self.members();
        if let Some(at) = members.children.iter().position(|(other, _)| *other == name) {
            end(members.children.remove(at).1);
        }
    }

    /// Ends all, the last first, and starts none any more.
    pub(super) fn close(&self) {
        let mut members = self.members();
        members.closed = true;
        while let Some((_, child)) = members.children.pop() {
            end(child);
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.members().closed
    }

    fn members(&self) -> MutexGuard<'_, Members> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Members {
    fn named(&mut self, name: &str) -> Option<&mut Child> {
        self.children.iter_mut().find(|(other, _)| *other == name).map(|(_, child)| child)
    }
}

fn end(mut child: Child) {
    drop(child.stdin.take());
    if matches!(child.try_wait(), Ok(None)) {
        // The shell's own `kill`: the program of that name is in a package that a small Debian lacks.
        let _already_ended = Run::new("sh").args(["-c", "kill -TERM $0 2>/dev/null || :", &child.id().to_string()]).done();
    }
    let deadline = Instant::now() + ENDS_WITHIN;
    while matches!(child.try_wait(), Ok(None)) {
        if Instant::now() > deadline {
            let _already_ended = child.kill();
            let _ended = child.wait();
            return;
        }
        sleep(POLL);
    }
}
