//! Hostile clients: as many connections as one likes, of every kind that a stranger or a holder of the secret can be,
//! each without end. They run as processes of their own, so that each has a uid of its own, and end with who started
//! them.

// What each kind does.
mod kinds;

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use regent_build::{At as _, Error, Result};

use kinds::{Ends, KINDS, Target};

/// The first uid of theirs: nobody's, and no sandbox's.
const FIRST_UID: u32 = 64_000;
/// The word by which this program becomes one of them.
pub(crate) const WORD: &str = "attack";
/// A connection that is refused or closed at once is not tried again sooner.
const BREATH: Duration = Duration::from_millis(1);

/// Who attacks what.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    /// This program, where every uid can run it.
    pub(crate) program: PathBuf,
    /// Whom.
    pub(crate) socket: PathBuf,
    /// What some of them know.
    pub(crate) secret: String,
    /// As how many users.
    pub(crate) uids: u32,
    /// How many connections all of them have together.
    pub(crate) connections: u32,
}

/// The words of a process of theirs.
#[derive(Debug, clap::Args)]
pub(crate) struct AttackArgs {
    socket: PathBuf,
    secret: String,
    first: usize,
    count: usize,
}

/// The name of each kind.
pub(crate) fn kinds() -> Vec<&'static str> {
    KINDS.iter().map(|(name, _)| *name).collect()
}

/// They attack, until they are told to end.
pub(crate) struct Attackers(Vec<Child>);

/// This program into a folder that every uid can read.
pub(crate) fn program(folder: &Path) -> Result<PathBuf> {
    let (own, path) = (std::env::current_exe().at(folder)?, folder.join("attackers"));
    if !path.exists() {
        fs::copy(&own, &path).at(&path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).at(&path)?;
    }
    Ok(path)
}

impl Attackers {
    /// Starts them.
    pub(crate) fn begin(wish: &Wish) -> Result<Self> {
        let mut begun = Self(Vec::new());
        for number in 0..wish.uids {
            let mut command = Command::new(&wish.program);
            command.args([WORD.as_ref(), wish.socket.as_os_str()]).uid(FIRST_UID + number).gid(FIRST_UID + number);
            let each = wish.connections / wish.uids;
            command.args([&wish.secret, &(number * each).to_string(), &each.to_string()]).current_dir("/");
            let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().at(&wish.program)?;
            begun.0.push(child);
        }
        Ok(begun)
    }

    /// Each process.
    pub(crate) fn pids(&self) -> impl Iterator<Item = u32> {
        self.0.iter().map(Child::id)
    }

    /// Ends them: how often each kind did what it does.
    pub(crate) fn end(mut self) -> Result<Vec<u64>> {
        let mut counts = vec![0; KINDS.len()];
        self.0.iter_mut().for_each(|child| drop(child.stdin.take()));
        for child in &mut self.0 {
            let mut text = String::new();
            let read = child.stdout.take().map(|mut out| out.read_to_string(&mut text));
            let more: Vec<u64> = serde_json::from_str(&text).map_err(|why| Error::new(format!("{read:?}: {why}")))?;
            counts.iter_mut().zip(more).for_each(|(count, more)| *count += more);
        }
        Ok(counts)
    }
}

impl Drop for Attackers {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _already_ended = child.kill();
            let _ended = child.wait();
        }
    }
}

/// What one process of theirs does: a thread a connection, until standard input ends.
pub(crate) fn attack(args: AttackArgs) -> Result<()> {
    let AttackArgs { socket, secret, first, count } = args;
    let target = Arc::new(Target { socket, secret });
    let counts: Arc<Vec<AtomicU64>> = Arc::new(KINDS.iter().map(|_| AtomicU64::new(0)).collect());
    let ends: Ends = Arc::new(AtomicBool::new(false));
    for number in first..first + count {
        let (target, counts, ends) = (Arc::clone(&target), Arc::clone(&counts), Arc::clone(&ends));
        thread::spawn(move || again_and_again(number % KINDS.len(), &target, &counts, &ends));
    }
    let _until_it_ends = std::io::stdin().read_to_end(&mut Vec::new());
    ends.store(true, Ordering::Relaxed);
    let counts: Vec<u64> = counts.iter().map(|count| count.load(Ordering::Relaxed)).collect();
    let text = serde_json::to_string(&counts).unwrap_or_default();
    std::io::stdout().write_all(text.as_bytes()).map_err(|why| Error::new(why.to_string()))?;
    std::process::exit(0)
}

fn again_and_again(kind: usize, target: &Target, counts: &[AtomicU64], ends: &Ends) {
    let (Some((_, attack)), Some(count)) = (KINDS.get(kind), counts.get(kind)) else { return };
    while !ends.load(Ordering::Relaxed) {
        // However it ends, closed by the daemon mostly, the next follows.
        let _either_way = attack(target, count);
        thread::sleep(BREATH);
    }
}
