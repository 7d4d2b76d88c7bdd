//! The words between the daemon and its spawner. The spawner has root's rights where the daemon has none any more, so
//! it takes a grant's name and values, never a command; a socket's path that stands in its own reading of regent.toml,
//! never another. Lengths are bounded, since a word is one message of the socket.
#![forbid(unsafe_code)]

// What a granted command is started with.
mod granted;
// The same, where systemd starts it.
mod transient;
// The stages of a birth.
mod stage;

pub use granted::{CommandError, born};
pub use stage::{FailedStage, Stage};

use std::fmt;
use std::path::PathBuf;

use regent_files::Untrusted;
use regent_lane::Layer;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// The largest word: an argument list of 128 KiB, which no plan exceeds, and room for the rest.
pub const WORD_MAX: usize = 192 << 10;
/// Descriptors that come with one word.
pub const DESCRIPTORS_MAX: usize = 16;

/// Whom a trial that root starts becomes, unless it performs: no user of a machine, and not the daemon's either, whose
/// state it could read.
pub const TRIAL_USER: u32 = regent_grants::DAEMON_USER - 1;
/// The uid of a sandbox that root tries: the last of those that daemons give their plugins by default.
pub const TRIAL_SANDBOX: u32 = 1_900_000_999;

/// What the daemon asks. Each but [`Kill`](Self::Kill), [`Unlink`](Self::Unlink) and [`Forget`](Self::Forget) carries a
/// token of its own, by which it is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ask {
    /// Start a program. With it come its handle, its descriptors 0, 1 and 2, its further ones in order, and last, if it
    /// is to be born in one, its cgroup's folder. A spawner that was given a configuration starts so what is confined
    /// alone, and only programs of its own.
    Start(Box<Start>),
    /// Start a granted command. With it come its descriptors 0, 1 and 2, and its cgroup's folder if it is to be born in
    /// one.
    Run(Box<Run>),
    /// What would a granted command come to? [`Answer::Planned`].
    Plan(Box<Granted>),
    /// Read a plugin's grants file, and judge it by this machine: [`Answer::Judged`].
    Look(Look),
    /// Open regent.toml, or a secret file that it names as it lies there now: [`Answer::Done`] with the descriptor.
    Open(u64, PathBuf),
    /// From now on live by regent.toml as it was when it was opened last: [`Answer::Done`].
    Adopt(u64),
    /// Do not live by what was opened last.
    Forget,
    /// Make the socket that regent.toml has at this path: [`Answer::Done`] with the descriptor, which listens; or
    /// [`Answer::Kept`].
    Listen(u64, PathBuf),
    /// Give the socket that regent.toml has at this path its mode and group anew: [`Answer::Done`].
    Permit(u64, PathBuf),
    /// Remove the name of the socket that was made by this token.
    Unlink(u64),
    /// End a program started by this token, and all below it.
    Kill(u64),
}

/// A grants file to be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// Names the question.
    pub token: u64,
    /// The plugin, which is the file's name less `.toml`.
    pub plugin: String,
    /// SHA-256 of the file's text, as the daemon read it.
    pub text: [u8; 32],
    /// That of the text by which the plugin serves now; nothing that serves is forgotten.
    pub serving: Option<[u8; 32]>,
}

/// A granted command, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Granted {
    /// Names the question, or the run.
    pub token: u64,
    /// The plugin whose grants file grants it.
    pub plugin: String,
    /// SHA-256 of that file's text.
    pub text: [u8; 32],
    /// The command's name there.
    pub command: String,
    /// Slots and values; a slot that is a list stands once for each of its values.
    pub values: Vec<(String, String)>,
}

/// A granted command that is to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Which, with what in its slots.
    pub granted: Granted,
    /// The digest of the step that was planned: what has become another on this machine meanwhile is not run.
    pub planned: [u8; 32],
    /// Whether its cgroup's folder comes with it.
    pub grouped: bool,
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
    /// Whom it runs as; `None` for the spawner's own user, when that is not root.
    pub identity: Option<Identity>,
    /// What it may have of root's rights, as the kernel's bits; `None`: all as root, none as anybody else.
    pub capabilities: Option<u64>,
    /// Whether what it executes may gain rights.
    pub may_gain: bool,
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
    /// As [`Sweep`](Self::Sweep), unless it ends with one of these statuses: then what it left behind lives on, beyond
    /// the spawner too.
    Leave {
        /// The statuses.
        after: Vec<i32>,
    },
}

pub use regent_resolve::Ids;

/// What the spawner says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Say {
    /// The first word of a spawner that was told for whom it is: what needs root for a start is done.
    Ready(Ready),
    /// The same where it could not be done, with the reasons.
    Unready(Vec<String>),
    /// To what was asked by this token. A descriptor comes with it where that was asked for.
    Answer(u64, Result<Answer, Refused>),
    /// It was cloned and is on its way; said of what is [`Descent::Alone`], which lives long enough to be looked at. Of
    /// a command only the end is said: each word is a wake-up.
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
        stage: Stage,
        /// The kernel's number for why.
        errno: i32,
    },
    /// A granted command was not started, and this is why.
    NotRun(u64, String),
    /// It ended, and with `Sweep` everything below it; with `Leave` too, or that is nobody's here any more.
    Exited {
        /// Its token.
        token: u64,
        /// How.
        status: Exit,
    },
}

/// What is ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// Whether the spawner is root.
    pub root: bool,
    /// Whom the daemon, or the trial, is to become; `None`: it stays who it is.
    pub user: Option<Ids>,
    /// Where runs have control groups of their own.
    pub groups: Option<PathBuf>,
    /// How many runs of a predecessor were still there, and have been ended.
    pub ended: usize,
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// It was done.
    Done,
    /// The step, as JSON: it is what a consent is bound to and what people are shown.
    Planned(String),
    /// What is wrong with a grants file on this machine, and what should be looked at.
    Judged {
        /// It is not to be served with one of these.
        mistakes: Vec<String>,
        /// Said loudly.
        warnings: Vec<String>,
    },
    /// Of a socket: this spawner made it before, and it still has its name.
    Kept,
}

/// Why it was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refused {
    /// Of a plan: a path that was named could be led elsewhere by others than root.
    Path {
        /// The slot.
        slot: String,
        /// What it accepts, and what is wrong with this one.
        rule: String,
    },
    /// There is no such file.
    Missing(PathBuf),
    /// Anything else, for the administrator.
    Because(String),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path { slot, rule } => write!(f, "{slot}: {rule}"),
            Self::Missing(path) => write!(f, "{}: there is no such file", path.display()),
            Self::Because(why) => f.write_str(why),
        }
    }
}

impl From<Untrusted> for Refused {
    fn from(error: Untrusted) -> Self {
        match error {
            Untrusted::Missing(path) => Self::Missing(path),
            error => Self::Because(error.to_string()),
        }
    }
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
