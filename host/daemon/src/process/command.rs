//! A granted command, from its start to the end of all that it started: within its time, its output bounded, nothing
//! left.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::rc::Rc;
use std::time::Duration;

use regent_lane::Outcome;
use regent_spawner::{Descent, Exit, Granted, Run, Start};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::unix::pipe::{Receiver, Sender};
use tokio::time::{Instant, timeout, timeout_at};

use super::cgroup::{Cgroup, Cgroups};
use super::error::StartError;
use super::running::Running;
use super::spawner::Spawner;

/// A grandchild may keep the pipe after the command has ended; it is killed, so this is for what the kernel needs.
const PIPE_AFTER_END: Duration = Duration::from_secs(1);
/// What was left to live on may keep the pipe for ever: this is for what is in it already.
const PIPE_LEFT_TO_OTHERS: Duration = Duration::from_millis(100);
const CHUNK: usize = 16 << 10;

#[derive(Debug)]
pub struct CommandRun {
    pub what: What,
    pub timeout: Duration,
    /// Bytes that are kept of each output; the rest is read and dropped.
    pub output_max: usize,
    /// What stands on its standard input; `None`: nothing, as in /dev/null.
    pub stdin: Option<Vec<u8>>,
    /// Exit statuses after which what it started lives on: beyond this run, and beyond the daemon. `None`: after none.
    ///
    /// What lives on stays in the daemon's own control group. Where systemd started the daemon as a service, that is
    /// the service's, and stopping the service ends all that is in it unless its `KillMode` says otherwise: there a
    /// service is better started by `systemctl`. Nobody reads its output any more.
    pub leaves: Option<Vec<i32>>,
}

/// A command, as the spawner at hand takes it.
#[derive(Debug)]
pub enum What {
    /// By its name, and the digest of what was planned: of a spawner that has read the grants.
    Granted(Box<Granted>, [u8; 32]),
    /// By a handle, and all of it: of one that has none.
    Born(OwnedFd, Box<Start>),
}

#[derive(Debug)]
pub struct CommandOutcome {
    outcome: Outcome,
    /// Standard output, as far as it is kept; of what was not started, empty.
    pub stdout: Vec<u8>,
    /// Standard error, likewise; of what was not started, why.
    pub stderr: Vec<u8>,
    pub truncated: bool,
}

impl CommandOutcome {
    /// How it ended; an exit status is [`Outcome::Status`], whatever its grant calls it.
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    fn not_started(why: &StartError) -> Self {
        let stderr = why.to_string().into_bytes();
        Self { outcome: Outcome::NotStarted, stdout: Vec::new(), stderr, truncated: false }
    }
}

/// Runs a command. When this returns, or is dropped, nothing of it is left but what [`CommandRun::leaves`] lets live
/// on.
pub async fn run_command(spawner: &Rc<Spawner>, run: CommandRun) -> CommandOutcome {
    let CommandRun { what, timeout, output_max, stdin, leaves } = run;
    let deadline = Instant::now() + timeout;
    match started(spawner, what, stdin.is_some(), leaves.as_deref()).await {
        Ok(born) => finish(born, deadline, output_max, &stdin.unwrap_or_default(), leaves.is_some()).await,
        Err(why) => CommandOutcome::not_started(&why),
    }
}

struct Born {
    running: Running,
    cgroup: Option<Cgroup>,
    stdin: Option<OwnedFd>,
    stdout: OwnedFd,
    stderr: OwnedFd,
}

async fn started(spawner: &Rc<Spawner>, what: What, reads: bool, leaves: Option<&[i32]>) -> Result<Born, StartError> {
    // What may live on is in no group of the run's, for that ends with it.
    let cgroups = spawner.cgroups().filter(|_| leaves.is_none());
    let cgroup = cgroups.map(Cgroups::run).transpose()?;
    let (stdin_end, stdin) = standard_input(reads)?;
    let (stdout, stdout_end) = io::pipe()?;
    let (stderr, stderr_end) = io::pipe()?;
    let mut fds = vec![stdin_end.as_fd(), stdout_end.as_fd(), stderr_end.as_fd()];
    fds.extend(cgroup.as_ref().map(|cgroup| cgroup.handle.as_fd()));
    // Nothing waits for its exec: the new user's own processes could stop it before, and its time runs from here.
    let running = match what {
        What::Granted(granted, planned) => {
            spawner.run(Run { granted: *granted, planned, grouped: cgroup.is_some() }, &fds).await?
        }
        What::Born(program, start) => {
            let descent = match leaves {
                Some(after) => Descent::Leave { after: after.to_vec() },
                None if cgroup.is_some() => Descent::Cgroup,
                None => Descent::Sweep,
            };
            fds.insert(0, program.as_fd());
            spawner.begin(Start { descent, ..*start }, &fds).await?
        }
    };
    Ok(Born { running, cgroup, stdin, stdout: stdout.into(), stderr: stderr.into() })
}

/// What it reads, and where that is written if anything is.
fn standard_input(piped: bool) -> io::Result<(OwnedFd, Option<OwnedFd>)> {
    if piped {
        let (end, stdin) = io::pipe()?;
        return Ok((end.into(), Some(stdin.into())));
    }
    Ok((File::open("/dev/null")?.into(), None))
}

async fn finish(born: Born, deadline: Instant, output_max: usize, input: &[u8], leaves: bool) -> CommandOutcome {
    let Born { running, cgroup, stdin, stdout, stderr } = born;
    let (mut out, mut err) = (CapturedOutput::default(), CapturedOutput::default());
    let mut reading = Box::pin(async { tokio::join!(out.read(stdout, output_max), err.read(stderr, output_max)) });
    let mut writing = Box::pin(write(stdin, input));
    let (mut read, mut written) = (false, false);
    let exit = loop {
        tokio::select! {
            exit = timeout_at(deadline, running.ended()) => break exit.ok(),
            _ = &mut reading, if !read => read = true,
            () = &mut writing, if !written => written = true,
        }
    };
    drop(writing);
    if exit.is_none() {
        running.kill();
    }
    match &cgroup {
        Some(cgroup) => cgroup.end().await,
        None if exit.is_none() => drop(timeout(PIPE_AFTER_END, running.ended()).await),
        None => {}
    }
    if !read {
        let held_open = if leaves { PIPE_LEFT_TO_OTHERS } else { PIPE_AFTER_END };
        let _held_open = timeout(held_open, &mut reading).await;
    }
    drop(reading);
    let outcome = match exit {
        None => Outcome::Timeout,
        Some(Ok(Exit::Status(status))) => Outcome::Status(status),
        Some(Ok(Exit::Signal(signal))) => Outcome::Signal(signal),
        Some(Err(why)) => return CommandOutcome::not_started(&why),
    };
    let truncated = out.cut || err.cut;
    CommandOutcome { outcome, stdout: out.bytes, stderr: err.bytes, truncated }
}

/// Writes what it is to read, and closes: whether it reads that is its own affair.
async fn write(pipe: Option<OwnedFd>, bytes: &[u8]) {
    let Some(Ok(mut pipe)) = pipe.map(Sender::from_owned_fd) else { return };
    let _reads_no_more = pipe.write_all(bytes).await;
}

/// Output, as far as it is kept.
#[derive(Default)]
struct CapturedOutput {
    bytes: Vec<u8>,
    cut: bool,
}

impl CapturedOutput {
    /// Reads to the end: what is not kept is dropped, so that the command is not stopped by a full pipe.
    async fn read(&mut self, pipe: OwnedFd, most: usize) {
        let Ok(mut pipe) = Receiver::from_owned_fd(pipe) else { return };
        let mut chunk = vec![0; CHUNK];
        while let Ok(length @ 1..) = pipe.read(&mut chunk).await {
            let room = most - self.bytes.len();
            self.cut |= length > room;
            self.bytes.extend_from_slice(chunk.get(..length.min(room)).unwrap_or_default());
        }
    }
}
