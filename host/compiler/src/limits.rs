//! What one compilation may cost.

use std::fmt;

use regent_confine::LimitError;
use rustix::io::Errno;
use rustix::process::Resource;

/// Processor time in seconds. A Python plugin of 18 MB takes 5 s.
const PROCESSOR: u64 = 30;
/// Address space in bytes. The same plugin takes 456 MiB.
const MEMORY: u64 = 2 << 30;
/// How far it stands back for whoever serves a request meanwhile: nobody waits for a compiler as for an answer.
const NICENESS: i32 = 15;
/// Descriptors: the three that there are, and their copies.
const DESCRIPTORS: u64 = 8;

/// A limit that could not be taken.
pub(crate) enum TakeError {
    Limit(LimitError),
    Nice(Errno),
}

impl fmt::Display for TakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Limit(error) => error.fmt(f),
            Self::Nice(errno) => write!(f, "cannot stand back: {errno}"),
        }
    }
}

impl From<LimitError> for TakeError {
    fn from(error: LimitError) -> Self {
        Self::Limit(error)
    }
}

/// Takes the limits, and the right to ever gain a right.
pub(crate) fn take() -> Result<(), TakeError> {
    let limits =
        [(Resource::Cpu, PROCESSOR), (Resource::As, MEMORY), (Resource::Nofile, DESCRIPTORS), (Resource::Core, 0)];
    limits.into_iter().try_for_each(|(resource, most)| regent_confine::lower(resource, most))?;
    rustix::process::nice(NICENESS).map_err(TakeError::Nice)?;
    Ok(regent_confine::give_up()?)
}
