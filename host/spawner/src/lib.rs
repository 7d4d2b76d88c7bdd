//! The words between the daemon and its spawner. Both are trusted, and one started the other; lengths are bounded all the
//! same, since a word is one message of the socket.
#![forbid(unsafe_code)]

use regent_lane::Layer;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// The largest word: an argument list of 128 KiB, which no plan exceeds, and room for the rest.
pub const WORD_MAX: usize = 192 << 10;
/// Descriptors that come with one word.
pub const DESCRIPTORS_MAX: usize = 16;

/// What the daemon asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ask {
    /// Start a program. With it come its handle, its descriptors 0, 1 and 2, its further ones in order, and last, if it is
    /// to be born in one, its cgroup's folder.
    Start(Box<Start>),
    /// End a program started by this token, and all below it.
    Kill(u64),
}

/// A program as it is to be born: exactly so, whatever the daemon's own process is like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// Names the program in every later word.
    pub token: u64,
    /// The path that was judged; scripts are executed by it, since their interpreter opens it again.
    pub path: String,
    /// The argument list.
    pub argv: Vec<String>,
    /// The environment, `NAME=VALUE`.
    pub env: Vec<String>,
    /// The folder that it starts in.
    pub cwd: String,
    /// Its umask.
    pub umask: u32,
    /// Whom it runs as; `None` for the daemon's own user, when that is not root.
    pub identity: Option<Identity>,
    /// How it is confined.
    pub confinement: Confinement,
    /// Limits besides the usual ones.
    pub limits: Vec<(Limit, u64)>,
    /// How many further descriptors it gets, from 3 on.
    pub extra: u8,
    /// How what it leaves behind is found.
    pub descent: Descent,
}

/// A user with its groups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Its number.
    pub uid: u32,
    /// Its primary group.
    pub gid: u32,
    /// Every further group.
    pub groups: Vec<u32>,
}

/// How much a program may be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Confinement {
    /// What its user may.
    None,
    /// No capabilities, no new privileges, and namespaces of these kinds; with one of mounts, over an empty root.
    Sandbox(Vec<Layer>),
}

/// Resources with a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Limit {
    /// Address space, in bytes.
    Memory,
    /// Processor time, in seconds.
    Processor,
    /// The size of a file that it writes, in bytes.
    File,
    /// Open files.
    Descriptors,
}

/// How what a program leaves behind is found and ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Descent {
    /// It cannot leave anything behind: it ends with its pid namespace, or may not start anything.
    Alone {
        /// Whether it is born in the cgroup whose folder came with it.
        grouped: bool,
    },
    /// It is born in the cgroup whose folder came with it; the daemon ends that.
    Cgroup,
    /// A process of the spawner's stands between and reaps it all.
    Sweep,
    /// As [`Sweep`](Self::Sweep), unless it ends with one of these statuses: then what it left behind lives on, beyond the
    /// spawner too.
    Leave {
        /// The statuses.
        after: Vec<i32>,
    },
}

/// What the spawner says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Say {
    /// It was cloned and is on its way; said of what is [`Descent::Alone`], which lives long enough to be looked at. Of a
    /// command only the end is said: each word is a wake-up.
    Started {
        /// Its token.
        token: u64,
        /// Its pid.
        pid: i32,
    },
    /// It did not come to its exec.
    NotStarted {
        /// Its token.
        token: u64,
        /// At which step.
        stage: String,
        /// The kernel's number for why.
        errno: i32,
    },
    /// It ended, and with `Sweep` everything below it; with `Leave` too, or that is nobody's here any more.
    Exited {
        /// Its token.
        token: u64,
        /// How.
        status: Exit,
    },
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exit {
    /// With this status.
    Status(i32),
    /// By this signal.
    Signal(i32),
}

/// A word as a message; `None` if it is too long for one.
#[must_use]
pub fn encode<W: Serialize>(word: &W) -> Option<Vec<u8>> {
    postcard::to_extend(word, Vec::new()).ok().filter(|bytes| bytes.len() <= WORD_MAX)
}

/// A message as a word; `None` if it is none.
#[must_use]
pub fn decode<W: DeserializeOwned>(bytes: &[u8]) -> Option<W> {
    match postcard::take_from_bytes(bytes) {
        Ok((word, [])) => Some(word),
        _ => None,
    }
}
