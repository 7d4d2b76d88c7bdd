//! What an author waits for after an edit: `regent plugin run --watch` over a crate that `plugin new` made, from the
//! moment that the source is saved until the result can be read.

use regent_build::{At as _, Error, Result};
use std::ffi::OsString;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use super::figures::Times;
use super::ground::Ground;
use super::{Amount, BenchInputs, needed};

/// The first build takes minutes where much else goes on; an edit never does.
const WITHIN: Duration = Duration::from_mins(5);
/// What of the source is edited: what the plugin says of its plan.
const SUMMARY: &str = "Say hello to {}";

/// Edited so many times; the first build is not measured, for it happens once.
pub(super) fn edits(ground: &Ground, inputs: &BenchInputs, amount: Amount) -> Result<Times> {
    let (dist, folder) = (&inputs.dist, ground.folder().join("author"));
    let cache = folder.join("cache/regent");
    fs::create_dir_all(folder.join("cache")).at(&folder)?;
    // What a build has fetched is not fetched again.
    std::os::unix::fs::symlink(needed(inputs.cache.as_ref(), "the cache")?, &cache).at(&cache)?;
    ended(regent(dist, &folder).args(["plugin", "new", "hello"]))?;
    let mut watched =
        Watched::start(regent(dist, &folder).args(["plugin", "run", "--watch", "hello", "hello", "name=Ben"]))?;
    watched.until("Say hello to Ben")?;
    watched.until("took ")?;
    let source = folder.join("hello/src/lib.rs");
    let text = fs::read_to_string(&source).at(&source)?;
    let mut times = Times::default();
    for turn in 0..amount.changes {
        let greeting = format!("Say hello for the {turn}. time to");
        let begin = Instant::now();
        fs::write(&source, text.replace(SUMMARY, &format!("{greeting} {{}}"))).at(&source)?;
        watched.until(&format!("{greeting} Ben"))?;
        times.add(begin.elapsed());
        watched.until("took ")?;
    }
    Ok(times)
}

fn regent(dist: &Path, folder: &Path) -> Command {
    let bin = dist.join("bin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path: OsString =
        std::env::join_paths(std::iter::once(bin.clone()).chain(std::env::split_paths(&path))).unwrap_or(path);
    let mut command = Command::new(bin.join("regent"));
    command
        .current_dir(folder)
        .env("PATH", path)
        .env("XDG_CACHE_HOME", folder.join("cache"))
        .env_remove("CARGO_TARGET_DIR");
    command
}

fn ended(command: &mut Command) -> Result<()> {
    let out = command.stdin(Stdio::null()).output().map_err(|why| Error::new(format!("regent: {why}")))?;
    if out.status.success() { Ok(()) } else { Err(Error::new(String::from_utf8_lossy(&out.stderr).into_owned())) }
}

/// A trial that goes on, and what it tells.
struct Watched {
    child: Child,
    lines: Receiver<String>,
}

impl Watched {
    fn start(command: &mut Command) -> Result<Self> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut child = child.map_err(|why| Error::new(format!("regent: {why}")))?;
        let (send, lines) = channel();
        if let Some(out) = child.stdout.take() {
            let out = BufReader::new(out);
            std::thread::spawn(move || out.lines().map_while(|line| line.ok()).try_for_each(|line| send.send(line)));
        }
        Ok(Self { child, lines })
    }

    /// Reads on to a line that has this in it.
    fn until(&mut self, text: &str) -> Result<()> {
        let begin = Instant::now();
        while let Ok(line) = self.lines.recv_timeout(WITHIN.saturating_sub(begin.elapsed())) {
            if line.contains(text) {
                return Ok(());
            }
        }
        Err(Error::new(format!("the watched trial never told {text:?}")))
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let _already_ended = self.child.kill();
        let _ended = self.child.wait();
    }
}
