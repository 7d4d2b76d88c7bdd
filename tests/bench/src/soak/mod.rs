//! `cargo xtask soak`: a daemon with good and hostile clients and plugins for half an hour, its processes killed all
//! along, its files changed and read again. At the end nothing has grown, nothing was lost, and nothing was done twice.
//!
//! What is measured is measured at rest: once after a warm-up, and once at the end. What was acknowledged is looked for
//! in the audit log, and in what the commands themselves wrote down.

// What the daemon serves.
mod stage;
// Who asks, and remembers what it was told.
mod clients;
// Who kills, changes and reads again.
mod trouble;
// What it all holds, second by second.
mod samples;
// What must be true in the end.
mod judged;

use std::path::PathBuf;
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use regent_bench::SoakOptions;
use regent_build::{Error, Result};

use crate::attackers::{self, Attackers, Wish};
use crate::bench::ground::Ground;
use crate::bench::machine;
use crate::bench::regentd::SECRET;
use clients::Clients;
use samples::{Sample, Samples};
use stage::Stage;
use trouble::Trouble;

pub(crate) use clients::{ClientArgs, WORD, client};

/// The builds that are soaked.
#[derive(Debug, clap::Args)]
pub(crate) struct SoakInputs {
    /// The build that is soaked, as `cargo xtask build` leaves it
    #[arg(long, value_name = "FOLDER", env = "REGENT_DIST")]
    dist: PathBuf,
    /// The module of the tests' hostile plugin
    #[arg(long, value_name = "FILE")]
    hostile: PathBuf,
}

/// Hostile connections, and the users that they are of.
const HOSTILE: (u32, u32) = (54, 3);
/// They go and others come.
const SHIFT: Duration = Duration::from_secs(60);
/// What everything needs to have been used once: a fifteenth of the time under load, and no less than this.
const WARM_UP_LEAST: Duration = Duration::from_secs(30);
/// From the end of the load to its last trace: holds are cancelled, a wrong secret is answered.
const SETTLES: Duration = Duration::from_secs(20);

/// Threads that read files end after ten idle seconds.
const THREADS_END: Duration = Duration::from_secs(15);

/// Soaks, prints the figures, and fails if something has grown or is missing.
pub(crate) fn soak(inputs: &SoakInputs, options: &SoakOptions) -> Result<()> {
    if !machine::is_root() {
        return Err(Error::new("the soak needs root: clients of several users, and sandboxes as they are shipped"));
    }
    let ground = Rc::new(Ground::open()?);
    let stage = Stage::set(&ground, &inputs.dist, &inputs.hostile)?;
    let said = |why: Error| Error::new(format!("{why}; the end of the daemon's log:\n{}", stage.end_of_log()));
    let load = Duration::from_secs(60 * options.minutes);
    let mut samples = Samples::begin(&stage)?;
    let warm_up = WARM_UP_LEAST.max(load / 15);
    under_load(&stage, warm_up, &mut samples).map_err(said)?;
    let before = at_rest(&stage)?;
    under_load(&stage, load.saturating_sub(warm_up), &mut samples).map_err(said)?;
    let after = at_rest(&stage)?;
    let clients = stage.end()?;
    println!("{}", samples.table(&before, &after));
    let judged = judged::judge(&stage, &clients).and_then(|found| {
        println!("{found}");
        samples::has_not_grown(&before, &after)
    });
    if let Some(file) = &options.json {
        let text = format!("{:#}\n", samples.json(&before, &after));
        std::fs::write(file, text).map_err(|why| Error::new(format!("{}: {why}", file.display())))?;
    }
    judged.map_err(said)
}

/// Everything at once for so long; then everybody stops.
fn under_load(stage: &Stage, time: Duration, samples: &mut Samples) -> Result<()> {
    let (until, clients) = (Instant::now() + time, Clients::begin(stage)?);
    let trouble = Trouble::begin(stage);
    while Instant::now() < until {
        let attackers = Attackers::begin(&Wish {
            program: attackers::program(stage.folder())?,
            socket: stage.socket(),
            secret: SECRET.into(),
            uids: HOSTILE.1,
            connections: HOSTILE.0,
        })?;
        let shift = until.min(Instant::now() + SHIFT);
        while Instant::now() < shift {
            samples.take(stage)?;
            thread::sleep(samples::EVERY.min(shift.saturating_duration_since(Instant::now())));
        }
        attackers.end()?;
    }
    // First those who wait for an approval.
    let clients = clients.end();
    samples.trouble(trouble.end()?);
    clients?;
    Ok(())
}

fn at_rest(stage: &Stage) -> Result<Sample> {
    trouble::neighbour_goes(&stage.folder().join("plugins"));
    // What crashed too often rests; an administrator's look ends that.
    thread::sleep(SETTLES);
    stage.reload()?;
    stage.all_serve()?;
    thread::sleep(THREADS_END);
    Sample::of(stage)
}
