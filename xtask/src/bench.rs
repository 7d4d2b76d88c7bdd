//! `cargo xtask bench`: how fast, against the original Python service, bare processes and sudo, in the same run.
//!
//! All of it is measured turn by turn, so that whatever else the machine does falls on every side; only the ratios last.
//! Nothing is asked of what is measured that its users do not ask. It plays in a private folder that is gone afterwards.

// The first table: both services in a private folder, and what is measured turn by turn.
mod arena;
mod rounds;
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
use regent_build::{At as _, Error, Result, Run};

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Amount {
    name: &'static str,
    requests: usize,
    commands: usize,
    holds: usize,
    starts: usize,
    load: Duration,
    changes: usize,
    reloads: usize,
    /// The Python client's rounds end within this, or fail.
    within: Duration,
}

/// Enough that a 99th percentile has dozens of values above it.
pub(crate) const WHOLE: Amount = Amount {
    name: "whole",
    requests: 5_000,
    commands: 500,
    holds: 30,
    starts: 10,
    load: Duration::from_secs(3),
    changes: 10,
    reloads: 20,
    within: Duration::from_mins(2),
};
/// Whether it works: seconds, and ratios that are only a hint.
pub(crate) const QUICK: Amount = Amount {
    name: "quick",
    requests: 300,
    commands: 40,
    holds: 4,
    starts: 2,
    load: Duration::from_millis(500),
    changes: 2,
    reloads: 3,
    within: Duration::from_secs(10),
};

/// What can be measured by itself, besides the comparison with others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Connections,
    Engines,
    Hostile,
    Layers,
    Original,
    Plugins,
}

/// What was typed.
pub(crate) struct Wish<'a> {
    pub(crate) amount: Amount,
    /// One part alone.
    pub(crate) only: Option<Part>,
    pub(crate) file: Option<&'a Path>,
}

/// The builds and programs that measuring needs; each part needs the first, and some a further one.
#[derive(Debug, Default)]
pub(crate) struct Made {
    /// The build that is measured.
    pub(crate) dist: PathBuf,
    /// A Python that has the original service.
    pub(crate) python: Option<PathBuf>,
    /// The tests' Python plugin.
    pub(crate) python_plugin: Option<PathBuf>,
    /// The program that writes hostile components.
    pub(crate) attacks: Option<PathBuf>,
    /// What builds of plugins have fetched.
    pub(crate) cache: Option<PathBuf>,
}

/// Something that only some parts need, and that this part needs.
fn needed<'a>(made: Option<&'a PathBuf>, what: &str) -> Result<&'a Path> {
    made.map(PathBuf::as_path).ok_or_else(|| Error::new(format!("{what} is not given")))
}

/// A Python script of the bench.
fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bench").join(name)
}

/// Measures, prints the table, and writes it as JSON if asked.
pub(crate) fn bench(made: &Made, wish: &Wish<'_>) -> Result<()> {
    let report = measure(made, wish)?;
    print!("{}", report.table());
    wish.file.map_or(Ok(()), |file| std::fs::write(file, report.json()).at(file))
}

fn measure(made: &Made, wish: &Wish<'_>) -> Result<Report> {
    let (ground, dist) = (Rc::new(Ground::open()?), made.dist.as_path());
    let mut report = Report::new(machine(wish.amount));
    let wanted = |part| wish.only.is_none_or(|only| only == part);
    if wanted(Part::Original) {
        beside_others(&ground, made, wish.amount, &mut report)?;
    }
    if wanted(Part::Engines) {
        engines::measure(&ground, dist, wish.amount, &mut report)?;
    }
    if wanted(Part::Layers) {
        layers::measure(&ground, dist, wish.amount, &mut report)?;
    }
    if wish.only == Some(Part::Layers) {
        // Beside it, what all of them leave of the no-op's time to the original.
        beside_the_original(&ground, made, wish.amount, &mut report)?;
    }
    if wanted(Part::Hostile) || wanted(Part::Connections) {
        connections::measure(&ground, dist, wish.amount, &mut report)?;
    }
    if wanted(Part::Hostile) {
        hostile::measure(&ground, made, wish.amount, &mut report)?;
    }
    if wanted(Part::Plugins) {
        report.alone("an author's edit, saved to its result", &author::edits(&ground, made, wish.amount)?);
        report.many(changes::measure(&ground, made, wish.amount)?);
    }
    Ok(report)
}

/// The first table.
fn beside_others(ground: &Rc<Ground>, made: &Made, amount: Amount, report: &mut Report) -> Result<()> {
    let python = needed(made.python.as_ref(), "a Python with the original")?;
    let mut arena = Arena::open(ground, &made.dist, python)?;
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
fn beside_the_original(ground: &Rc<Ground>, made: &Made, amount: Amount, report: &mut Report) -> Result<()> {
    let python = needed(made.python.as_ref(), "a Python with the original")?;
    rounds::by_our_client(&Arena::open(ground, &made.dist, python)?, amount, report)
}

/// Where and when, without which no number says anything.
fn machine(amount: Amount) -> serde_json::Value {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let date = Run::new("date").args(["-u", "+%Y-%m-%d"]).text().unwrap_or_default();
    let client = if cfg!(debug_assertions) { "not optimised" } else { "optimised" };
    serde_json::json!({"cores": cores, "date": date.trim(), "amount": amount.name, "our client": client})
}
