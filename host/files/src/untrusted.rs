//! Why a path is not to be trusted, in words for the administrator.

use std::fmt;
use std::path::PathBuf;

use rustix::io::Errno;

/// Why a path is not to be trusted, for the administrator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Untrusted {
    /// A part of it is not there.
    Missing(PathBuf),
    /// A part of it could be changed by somebody else, or is of the wrong kind.
    Unsafe(PathBuf, String),
    /// A folder on the way to it, through which this user may not go.
    Closed(PathBuf),
    /// The kernel said no.
    Failed(PathBuf, Errno),
    /// What somebody else said who looked at it.
    Judged(String),
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(path) => write!(f, "{}: there is no such file", path.display()),
            Self::Unsafe(path, why) => write!(f, "{}: {why}", path.display()),
            Self::Closed(path) => write!(f, "{}: uid {} may not go through it", path.display(), uid()),
            Self::Failed(path, Errno::ACCESS) => write!(f, "{}: uid {} may not open it", path.display(), uid()),
            Self::Failed(path, errno) => write!(f, "{}: {errno}", path.display()),
            Self::Judged(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Untrusted {}

impl Untrusted {
    /// The same, and what opens to everybody what is closed to this user: of what is no secret.
    #[must_use]
    pub fn with_cure(&self) -> String {
        match self {
            Self::Closed(_) => format!("{self}: chmod o+x"),
            Self::Failed(_, Errno::ACCESS) => format!("{self}: chmod o+r"),
            other => other.to_string(),
        }
    }
}

fn uid() -> u32 {
    rustix::process::geteuid().as_raw()
}
