//! `cargo xtask bench`: how fast, against the original Python service, bare processes and sudo, in the same run.
//!
//! All of it is measured turn by turn, so that whatever else the machine does falls on every side; only the ratios
//! last. Nothing is asked of what is measured that its users do not ask. It plays in a private folder that is gone
//! afterwards.

// The first table: both services in a private folder, and what is measured turn by turn.
mod arena;
mod original;
mod rounds;
// CPU time and switches a request, against a baseline build.
mod cost;
// The second: a daemon with many plugins, and what an administrator does to it.
pub(crate) mod changes;
mod crowd;
// Below it: each shipped plugin on either engine.
mod engines;
// What each layer around a plugin costs.
mod layers;
// What a neighbour notices of a hostile plugin, and of hostile connections.
mod connections;
mod hostile;
mod sides;
// And what an author waits for.
mod author;
// Numbers, and what is made of them.
mod figures;
mod grid;
// The ground under both.
pub(crate) mod ground;
pub(crate) mod machine;
pub(crate) mod regentd;

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use arena::Arena;
use figures::Report;
use ground::Ground;
use regent_bench::{BenchOptions, Part};
use regent_build::{At as _, Error, Result, Run};

/// How much is measured.
#[derive(Debug, Clone, Copy)]
struct Amount {
    name: &'static str,
    requests: usize,
    commands: usize,
    holds: usize,
    starts: usize,
    load: Duration,
    changes: usize,
    reloads: usize,
    /// Requests of each kind in a turn of the cost, and such turns.
    cost_requests: usize,
    turns: usize,
    /// The Python client's rounds end within this, or fail.
    within: Duration,
}

/// Enough that a 99th percentile has dozens of values above it.
const WHOLE: Amount = Amount {
    name: "whole",
    requests: 5_000,
    commands: 500,
    holds: 30,
    starts: 10,
    load: Duration::from_secs(3),
    changes: 10,
    reloads: 20,
    cost_requests: 3_000,
    turns: 5,
    within: Duration::from_mins(2),
};
/// Whether it works: seconds, and ratios that are only a hint.
const QUICK: Amount = Amount {
    name: "quick",
    requests: 300,
    commands: 40,
    holds: 4,
    starts: 2,
    load: Duration::from_millis(500),
    changes: 2,
    reloads: 3,
    cost_requests: 300,
    turns: 1,
    within: Duration::from_secs(10),
};

/// The builds and programs that measuring needs; each part needs the first, and some a further one.
#[derive(Debug, clap::Args)]
pub(crate) struct BenchInputs {
    /// The build that is measured, as `cargo xtask build` leaves it
    #[arg(long, value_name = "FOLDER", env = "REGENT_DIST")]
    dist: PathBuf,
    /// A Python that has the original service
    #[arg(long, value_name = "PROGRAM")]
    python: Option<PathBuf>,
    /// The tests' Python plugin
    #[arg(long, value_name = "FILE")]
    python_plugin: Option<PathBuf>,
    /// The program that writes hostile components
    #[arg(long, value_name = "PROGRAM")]
    attacks: Option<PathBuf>,
    /// What builds of plugins have fetched
    #[arg(long, value_name = "FOLDER")]
    cache: Option<PathBuf>,
}

/// Something that only some parts need, and that this part needs.
fn needed<'a>(input: Option<&'a PathBuf>, what: &str) -> Result<&'a Path> {
    input.map(PathBuf::as_path).ok_or_else(|| Error::new(format!("{what} is not given")))
}

/// A Python script of the bench.
fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bench").join(name)
}

/// Measures, prints the table, and writes it as JSON if asked.
pub(crate) fn bench(inputs: &BenchInputs, options: &BenchOptions) -> Result<()> {
    let report = measure(inputs, options)?;
    print!("{}", report.table());
    options.json.as_deref().map_or(Ok(()), |file| std::fs::write(file, report.json()).at(file))
}

fn measure(inputs: &BenchInputs, options: &BenchOptions) -> Result<Report> {
    let (amount, only) = (if options.quick { QUICK } else { WHOLE }, options.only());
    let (ground, dist) = (Rc::new(Ground::open()?), inputs.dist.as_path());
    let mut report = Report::new(machine(amount));
    let wanted = |part| only.is_none_or(|only| only == part);
    if wanted(Part::Original) {
        beside_others(&ground, inputs, amount, &mut report)?;
    }
    if wanted(Part::Cost) {
        cost::measure(&ground, inputs, options.baseline.as_deref(), amount, &mut report)?;
    }
    if wanted(Part::Engines) {
        engines::measure(&ground, dist, amount, &mut report)?;
    }
    if wanted(Part::Layers) {
        layers::measure(&ground, dist, amount, &mut report)?;
    }
    if only == Some(Part::Layers) {
        // Beside it, what all of them leave of the no-op's time to the original.
        beside_the_original(&ground, inputs, amount, &mut report)?;
    }
    if wanted(Part::Hostile) || wanted(Part::Connections) {
        connections::measure(&ground, dist, amount, &mut report)?;
    }
    if wanted(Part::Hostile) {
        hostile::measure(&ground, inputs, amount, &mut report)?;
    }
    if wanted(Part::Plugins) {
        report.alone("an author's edit, saved to its result", &author::edits(&ground, inputs, amount)?);
        report.many(changes::measure(&ground, inputs, amount)?);
    }
    Ok(report)
}

/// The first table.
fn beside_others(ground: &Rc<Ground>, inputs: &BenchInputs, amount: Amount, report: &mut Report) -> Result<()> {
    let python = needed(inputs.python.as_ref(), "a Python with the original")?;
    let mut arena = Arena::open(ground, &inputs.dist, python)?;
    rounds::memory(&arena, "at rest", report)?;
    rounds::by_python(&arena, python, amount, report)?;
    rounds::by_our_client(&arena, amount, report)?;
    rounds::commands(&arena, amount, report)?;
    rounds::load(&arena, amount, report)?;
    rounds::memory(&arena, "after load", report)?;
    rounds::approval(&arena, amount, report)?;
    rounds::starts(&mut arena, amount, report)
}

/// The no-op alone, against the original.
fn beside_the_original(ground: &Rc<Ground>, inputs: &BenchInputs, amount: Amount, report: &mut Report) -> Result<()> {
    let python = needed(inputs.python.as_ref(), "a Python with the original")?;
    rounds::by_our_client(&Arena::open(ground, &inputs.dist, python)?, amount, report)
}

/// Where and when, without which no number says anything.
fn machine(amount: Amount) -> serde_json::Value {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let date = Run::new("date").args(["-u", "+%Y-%m-%d"]).text().unwrap_or_default();
    let client = if cfg!(debug_assertions) { "not optimised" } else { "optimised" };
    serde_json::json!({"cores": cores, "date": date.trim(), "amount": amount.name, "our client": client})
}
