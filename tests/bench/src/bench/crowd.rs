//! Many plugins: one module, and a grants file for each, so that each has a process of its own.

use regent_build::{At as _, Error, Result};
use std::fs;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use regent_client::{Answer, Client, Code, Data, Error as Answered, Options};

use super::ground::{Ground, until};
use super::machine::{self, family, name, resident, share};
use super::regentd::Regentd;

/// Long enough that what a start set in motion has ended.
const QUIET: Duration = Duration::from_secs(2);

pub(super) struct Crowd {
    pub(super) daemon: Regentd,
    plugins: usize,
}

/// How long a start took.
pub(super) struct Start {
    pub(super) ready: Duration,
    pub(super) answer: Duration,
    pub(super) all: Duration,
}

/// What all of it holds at rest, in KiB.
pub(super) struct Rest {
    pub(super) daemon: f64,
    pub(super) spawner: f64,
    pub(super) sandbox: f64,
    pub(super) sandbox_share: f64,
    pub(super) open: machine::Open,
}

impl Crowd {
    /// So many, none of them started.
    pub(super) fn new(ground: &Rc<Ground>, dist: &Path, plugins: usize) -> Result<Self> {
        let daemon = Regentd::new(ground, &format!("crowd-{plugins}"), dist, "")?;
        let folder = daemon.folder().join("plugins");
        fs::create_dir(&folder).at(&folder)?;
        for file in ["echo.wasm", "SHA256SUMS"] {
            let from = dist.join("plugins").join(file);
            daemon.write(&format!("plugins/{file}"), &fs::read(&from).at(&from)?)?;
        }
        for number in 0..plugins {
            let grants = format!("module = \"echo\"\n[operations.echo]\nas = \"{}\"\n", operation(number));
            daemon.write(&format!("plugins/{}.toml", operation(number)), grants.as_bytes())?;
        }
        Ok(Self { daemon, plugins })
    }

    /// Ends the daemon if it runs, and starts it, until everything serves.
    pub(super) fn start(&self) -> Result<Start> {
        self.daemon.end();
        let started = self.daemon.start()?;
        self.daemon.says(" serves p", 1, 0)?;
        let first = self.first_to_serve()?;
        no_op(&mut self.daemon.client(), &first)?;
        let answer = started.elapsed();
        self.daemon.says(" serves p", self.plugins, 0)?;
        Ok(Start { ready: started.ready, answer, all: started.elapsed() })
    }

    fn first_to_serve(&self) -> Result<String> {
        let log = self.daemon.log();
        let served = log.lines().find_map(|line| line.split_once(" serves p")?.1.split(' ').next());
        served.map(|number| format!("p{number}")).ok_or_else(|| Error::new("no plugin serves"))
    }

    /// What is held when everything serves and nobody asks.
    pub(super) fn rest(&self) -> Result<Rest> {
        std::thread::sleep(QUIET);
        let pid = self.daemon.pid().ok_or_else(|| Error::new("the daemon does not run"))?;
        let family = family(pid);
        let of = |program: &str| family.iter().copied().filter(|pid| name(*pid) == program).collect::<Vec<_>>();
        let (sandboxes, spawner) = (of("regent-sandbox"), of("regent-spawner"));
        if sandboxes.len() != self.plugins {
            return Err(Error::new(format!("{} sandboxes of {} plugins", sandboxes.len(), self.plugins)));
        }
        let mean = |of: fn(u32) -> f64| sandboxes.iter().map(|pid| of(*pid)).sum::<f64>() / sandboxes.len() as f64;
        Ok(Rest {
            daemon: resident(pid),
            spawner: spawner.iter().map(|pid| resident(*pid)).sum(),
            sandbox: mean(resident),
            sandbox_share: mean(share),
            open: machine::open(pid),
        })
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.daemon.end();
    }
}

/// The name of a plugin, and of its operation.
fn operation(number: usize) -> String {
    format!("p{number:03}")
}

/// A no-op of the first plugin.
pub(super) fn echo(client: &mut Client) -> Result<Duration> {
    no_op(client, &operation(0))
}

fn no_op(client: &mut Client, operation: &str) -> Result<Duration> {
    let begin = Instant::now();
    let answer = client.call(operation, Data::null(), &Options::default());
    answer.map_err(|why| Error::new(why.to_string()))?;
    Ok(begin.elapsed())
}

/// Waits until an operation is answered by its plugin, whatever it says; how long that took.
pub(super) fn served(client: &mut Client, operation: &str, begin: Instant) -> Result<Duration> {
    becomes(client, operation, true)?;
    Ok(begin.elapsed())
}

/// Waits until nobody serves an operation any more.
pub(super) fn unknown(client: &mut Client, operation: &str, begin: Instant) -> Result<Duration> {
    becomes(client, operation, false)?;
    Ok(begin.elapsed())
}

fn becomes(client: &mut Client, operation: &str, known: bool) -> Result<()> {
    let mut last = String::new();
    until(operation, || {
        let answer = client.call(operation, Data::null(), &Options::default());
        last = format!("{answer:?}");
        is_known(&answer) == known
    })
    .map_err(|why| Error::new(format!("{why}; its last answer: {last}")))
}

fn is_known(answer: &std::result::Result<Answer, Answered>) -> bool {
    match answer {
        Ok(_) => true,
        Err(Answered::Refused { code, .. }) => matches!(code, Some(Code::InvalidData | Code::InvalidMessage)),
        Err(_) => false,
    }
}
