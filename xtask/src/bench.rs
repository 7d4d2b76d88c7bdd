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

use crate::{build, place, programs::Profile, python};
use arena::Arena;
use figures::Report;
use ground::Ground;
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
    within: Duration::from_secs(10),
};

/// What can be measured by itself, besides the comparison with others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Connections,
    Engines,
    Hostile,
    Layers,
    Original,
    Plugins,
}

/// What was typed.
struct Wish<'a> {
    amount: Amount,
    /// One part alone.
    only: Option<Part>,
    file: Option<&'a str>,
}

/// Measures, prints the table, and writes it as JSON if asked.
pub(crate) fn bench(words: &[&str]) -> Result<()> {
    let wish = wish(words)?;
    let dist = match given() {
        Some(dist) => dist,
        // Inside the second call, what the first one built.
        None if std::env::var_os(INNER).is_some() => place::dist(),
        None => {
            build::with(&regent_build::wasm(&place::target(), place::root())?, Profile::Release)?;
            place::dist()
        }
    };
    // Our client is measured too, so it is optimised; a smoke test does not wait for that.
    if cfg!(debug_assertions) && wish.amount.name == WHOLE.name {
        return optimised(words);
    }
    let report = measure(&dist, &wish)?;
    print!("{}", report.table());
    wish.file.map_or(Ok(()), |file| std::fs::write(file, report.json()).at(file.as_ref()))
}

/// Set for the call that measures with an optimised client.
const INNER: &str = "REGENT_BENCH_INNER";
/// It ends long before, measuring all parts; before that cargo compiles a few small crates.
const INNER_WITHIN: Duration = Duration::from_hours(1);

fn optimised(words: &[&str]) -> Result<()> {
    let cargo = regent_build::cargo(place::root()).folder(&std::env::current_dir().unwrap_or_default());
    cargo
        .args(["run", "--quiet", "--release", "--manifest-path"])
        .arg(place::root().join("Cargo.toml"))
        .arg("--target-dir")
        .arg(place::native())
        .args(["-p", "xtask", "--", "bench"])
        .args(words)
        .env(INNER, "1")
        .within(INNER_WITHIN)
        .done()
}

/// A dist that is at hand is measured as it is.
fn given() -> Option<PathBuf> {
    std::env::var_os("REGENT_DIST").filter(|dist| !dist.is_empty()).map(PathBuf::from)
}

fn wish<'a>(words: &[&'a str]) -> Result<Wish<'a>> {
    let mut wish = Wish { amount: WHOLE, only: None, file: None };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            "--quick" => wish.amount = QUICK,
            "--plugins" => wish.only = Some(Part::Plugins),
            "--engines" => wish.only = Some(Part::Engines),
            "--connections" => wish.only = Some(Part::Connections),
            "--hostile" => wish.only = Some(Part::Hostile),
            "--layers" => wish.only = Some(Part::Layers),
            "--original" => wish.only = Some(Part::Original),
            "--json" => wish.file = Some(words.next().copied().ok_or_else(|| Error::new(USAGE))?),
            _ => return Err(Error::new(USAGE)),
        }
    }
    Ok(wish)
}

const USAGE: &str = "usage: cargo xtask bench [--quick] [--original | --plugins | --engines | --layers | --hostile | --connections] [--json FILE]";

fn measure(dist: &Path, wish: &Wish<'_>) -> Result<Report> {
    let ground = Rc::new(Ground::open()?);
    let mut report = Report::new(machine(wish.amount));
    let wanted = |part| wish.only.is_none_or(|only| only == part);
    if wanted(Part::Original) {
        beside_others(&ground, dist, wish.amount, &mut report)?;
    }
    if wanted(Part::Engines) {
        engines::measure(&ground, dist, wish.amount, &mut report)?;
    }
    if wanted(Part::Layers) {
        layers::measure(&ground, dist, wish.amount, &mut report)?;
    }
    if wish.only == Some(Part::Layers) {
        // Beside it, what all of them leave of the no-op's time to the original.
        beside_the_original(&ground, dist, wish.amount, &mut report)?;
    }
    if wanted(Part::Hostile) || wanted(Part::Connections) {
        connections::measure(&ground, dist, wish.amount, &mut report)?;
    }
    if wanted(Part::Hostile) {
        hostile::measure(&ground, dist, wish.amount, &mut report)?;
    }
    if wanted(Part::Plugins) {
        report.alone("an author's edit, saved to its result", &author::edits(&ground, dist, wish.amount)?);
        report.many(changes::measure(&ground, dist, wish.amount)?);
    }
    Ok(report)
}

/// The first table.
fn beside_others(ground: &Rc<Ground>, dist: &Path, amount: Amount, report: &mut Report) -> Result<()> {
    let python = python::venv()?.program("python");
    let mut arena = Arena::open(ground, dist, &python)?;
    rounds::memory(&arena, "at rest", report)?;
    rounds::by_python(&arena, &python, amount, report)?;
    rounds::by_our_client(&arena, amount, report)?;
    rounds::commands(&arena, amount, report)?;
    rounds::load(&arena, amount, report)?;
    rounds::memory(&arena, "after load", report)?;
    rounds::approval(&arena, amount, report)?;
    rounds::starts(&mut arena, amount, report)
}

/// The no-op alone, against the original.
fn beside_the_original(ground: &Rc<Ground>, dist: &Path, amount: Amount, report: &mut Report) -> Result<()> {
    let python = python::venv()?.program("python");
    rounds::by_our_client(&Arena::open(ground, dist, &python)?, amount, report)
}

/// Where and when, without which no number says anything.
fn machine(amount: Amount) -> serde_json::Value {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let date = Run::new("date").args(["-u", "+%Y-%m-%d"]).text().unwrap_or_default();
    let client = if cfg!(debug_assertions) { "not optimised" } else { "optimised" };
    serde_json::json!({"cores": cores, "date": date.trim(), "amount": amount.name, "our client": client})
}
