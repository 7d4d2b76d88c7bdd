//! What happens to a daemon beside its clients: processes are killed, holds approved, hostile operations asked for,
//! files changed and read again. A thread each.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use regent_build::{At as _, Error, Result};
use regent_client::{Admin, Client, Data, Options};

use super::stage::Stage;
use crate::bench::changes::unique;
use crate::bench::machine::{family, name};
use crate::bench::regentd::SECRET;

/// A sandbox; a plugin that crashes five times in a minute rests, so that this reaches each plugin less often.
const KILL_SANDBOX: Duration = Duration::from_secs(4);
/// A command, whichever runs at that moment.
const KILL_COMMAND: Duration = Duration::from_millis(700);
const APPROVE: Duration = Duration::from_millis(200);
const HOSTILE: Duration = Duration::from_millis(100);
const RELOAD: Duration = Duration::from_secs(15);
const DROP_IN: Duration = Duration::from_secs(5);

/// Operations of the hostile plugin that end in one of the daemon's limits, or well.
const OPERATIONS: [&str; 9] =
    ["loop", "allocate", "recurse", "trap", "exit", "big-reply", "sixty-five", "not-json", "well"];

/// What was done, by name.
pub(super) type Done = Vec<(&'static str, u64)>;

/// All of it, until it is told to end.
pub(super) struct Trouble {
    ends: Arc<AtomicBool>,
    threads: Vec<Thread>,
}

/// One kind of it, and how often it happened.
struct Thread {
    name: &'static str,
    count: Arc<AtomicU64>,
    thread: JoinHandle<Result<()>>,
}

impl Trouble {
    pub(super) fn begin(stage: &Stage) -> Self {
        let mut trouble = Self { ends: Arc::default(), threads: Vec::new() };
        let (pid, socket) = (stage.daemon().pid().unwrap_or_default(), stage.socket());
        let (admin, plugins) = (stage.daemon().admin_socket(), stage.folder().join("plugins"));
        let kill = move |program: &'static str| move |turn: u64| kill(pid, program, turn);
        trouble.every("sandboxes killed", KILL_SANDBOX, kill("regent-sandbox"));
        trouble.every("commands killed", KILL_COMMAND, kill("sleep"));
        trouble.every("holds approved", APPROVE, {
            let admin = admin.clone();
            move |_| approve(&admin)
        });
        trouble.every("hostile operations", HOSTILE, {
            let socket = socket.clone();
            move |turn| hostile(&socket, turn)
        });
        trouble.every("commands that are killed or not", HOSTILE, move |_| ask(&socket, "slow"));
        trouble.every("reloads", RELOAD, move |_| {
            Admin::new(admin.clone()).reload().map(|_| 1).map_err(|why| Error::new(format!("reload: {why}")))
        });
        trouble.every("modules dropped in and taken away", DROP_IN, move |turn| drop_in(&plugins, turn));
        trouble
    }

    fn every(&mut self, name: &'static str, pause: Duration, what: impl Fn(u64) -> Result<u64> + Send + 'static) {
        let (ends, count) = (Arc::clone(&self.ends), Arc::new(AtomicU64::new(0)));
        let counted = Arc::clone(&count);
        let thread = thread::spawn(move || {
            for turn in 0.. {
                thread::sleep(pause);
                if ends.load(Ordering::Relaxed) {
                    break;
                }
                counted.fetch_add(what(turn)?, Ordering::Relaxed);
            }
            Ok(())
        });
        self.threads.push(Thread { name, count, thread });
    }

    /// How often each was done; none of it in vain.
    pub(super) fn end(self) -> Result<Done> {
        self.ends.store(true, Ordering::Relaxed);
        let mut done = Vec::new();
        for Thread { name, count, thread } in self.threads {
            thread.join().map_err(|_| Error::new(format!("{name}: panicked")))??;
            done.push((name, count.load(Ordering::Relaxed)));
        }
        match done.iter().find(|(_, count)| *count == 0) {
            Some((name, _)) => Err(Error::new(format!("{name}: never"))),
            None => Ok(done),
        }
    }
}

fn kill(daemon: u32, program: &str, turn: u64) -> Result<u64> {
    let all: Vec<u32> = family(daemon).into_iter().filter(|pid| name(*pid) == program).collect();
    let chosen = usize::try_from(turn.wrapping_mul(7)).unwrap_or(0).checked_rem(all.len()).and_then(|at| all.get(at));
    match chosen {
        // Some have ended by themselves meanwhile.
        Some(pid) => {
            let mut command = Command::new("kill");
            command.args(["-KILL", &pid.to_string()]).stderr(Stdio::null());
            Ok(u64::from(command.status().is_ok_and(|status| status.success())))
        }
        None => Ok(0),
    }
}

/// Everything that waits, but what its requester is about to give up.
fn approve(admin: &Path) -> Result<u64> {
    let mut admin = Admin::new(admin.to_path_buf());
    let pending = admin.pending().map_err(|why| Error::new(format!("pending: {why}")))?;
    let wanted = pending.iter().filter(|hold| !hold.data.as_str().contains("Cancelled"));
    // Whoever was faster, the requester or the clock, is told by the record.
    Ok(wanted.map(|hold| u64::from(admin.approve(&hold.id).is_ok())).sum())
}

fn hostile(socket: &Path, turn: u64) -> Result<u64> {
    let at = usize::try_from(turn).unwrap_or(0) % OPERATIONS.len();
    OPERATIONS.get(at).map_or(Ok(0), |operation| ask(socket, operation))
}

fn ask(socket: &Path, operation: &str) -> Result<u64> {
    match Client::new(socket.to_path_buf(), SECRET).call(operation, Data::null(), &Options::default()) {
        Ok(_) | Err(regent_client::Error::Refused { .. }) => Ok(1),
        Err(why) => Err(Error::new(format!("{operation}: {why}"))),
    }
}

/// A neighbour comes, and goes the next time.
fn drop_in(plugins: &Path, turn: u64) -> Result<u64> {
    let (module, grants) = (plugins.join("neighbour.wasm"), plugins.join("neighbour.toml"));
    if turn % 2 == 1 {
        return fs::remove_file(&grants).at(&grants).and_then(|()| fs::remove_file(&module).at(&module)).map(|()| 1);
    }
    let echo = plugins.join("echo.wasm");
    let number = usize::try_from(turn).unwrap_or(0);
    put(&module, &unique(&fs::read(&echo).at(&echo)?, number))?;
    put(&grants, b"[operations.echo]\nas = \"neighbour\"\n")?;
    Ok(1)
}

/// The last one, if it is still there.
pub(super) fn neighbour_goes(plugins: &Path) {
    for file in ["neighbour.toml", "neighbour.wasm"] {
        let _already_gone = fs::remove_file(plugins.join(file));
    }
}

fn put(path: &PathBuf, bytes: &[u8]) -> Result<()> {
    let half = path.with_extension("half");
    fs::write(&half, bytes).at(&half)?;
    fs::rename(&half, path).at(path)
}
