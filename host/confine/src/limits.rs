//! Resources, which only ever go down: what the spawner has set lower stays. And the right to gain rights.

use std::fmt;

use rustix::io::Errno;
use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};

/// What a process could not take from itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitError {
    /// So much of a resource.
    Resource(Resource, Errno),
    /// The right to gain rights.
    NoNewPrivs(Errno),
    /// Being looked into by others.
    Dumpable(Errno),
}

impl fmt::Display for LimitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resource(resource, errno) => write!(f, "cannot limit {resource:?}: {errno}"),
            Self::NoNewPrivs(errno) => write!(f, "cannot set no_new_privs: {errno}"),
            Self::Dumpable(errno) => write!(f, "cannot become undumpable: {errno}"),
        }
    }
}

impl std::error::Error for LimitError {}

/// Lowers a limit, soft and hard.
///
/// # Errors
/// What the kernel says, with the resource.
pub fn lower(resource: Resource, most: u64) -> Result<(), LimitError> {
    let now = getrlimit(resource);
    let limit = Some(now.current.map_or(most, |now| now.min(most)));
    setrlimit(resource, Rlimit { current: limit, maximum: limit })
        .map_err(|errno| LimitError::Resource(resource, errno))
}

/// From here on no exec and no file gives a right, and nobody without rights over root looks into this process.
///
/// # Errors
/// What the kernel says.
pub fn give_up() -> Result<(), LimitError> {
    rustix::thread::set_no_new_privs(true).map_err(LimitError::NoNewPrivs)?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(LimitError::Dumpable)
}
