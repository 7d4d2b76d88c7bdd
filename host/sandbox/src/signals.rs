//! Handlers of signals. The language's runtime has installed two before `main`, for SIGSEGV and SIGBUS, only to print
//! that a stack has overflowed; the engine installs its own where traps of machine code come as signals. Where the
//! interpreter runs, none is needed: each of them is set back, and what would have been handled ends the process. What
//! stays is a signal of the C library's own (33), by which a process that changes its user tells its threads; that is
//! refused here.

use std::{fmt, io};

use crate::engine::Kind;

/// All that a fault of the processor can raise.
const FAULTS: [libc::c_int; 4] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE];

/// A signal whose handler stays.
pub(crate) struct SignalError {
    signal: libc::c_int,
    error: io::Error,
}

impl fmt::Display for SignalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot set signal {} back: {}", self.signal, self.error)
    }
}

/// Gives up those that this engine does not need.
pub(crate) fn give_up(engine: Kind) -> Result<(), SignalError> {
    match engine {
        Kind::Native => Ok(()),
        Kind::Interpreter => FAULTS.into_iter().try_for_each(by_default),
    }
}

fn by_default(signal: libc::c_int) -> Result<(), SignalError> {
    // SAFETY: the default action runs no code of this process, and no other thread exists yet that could set a handler.
    #[expect(unsafe_code, reason = "only libc sets what becomes of a signal")]
    let former = unsafe { libc::signal(signal, libc::SIG_DFL) };
    if former == libc::SIG_ERR {
        return Err(SignalError { signal, error: io::Error::last_os_error() });
    }
    Ok(())
}
