//! `cargo xtask bench` and `cargo xtask soak`: builds what is measured.

use std::path::{Path, PathBuf};
use std::time::Duration;

use regent_build::{Error, Result};

use crate::bench::{self, Made, Part, QUICK, WHOLE, Wish};
use crate::soak::{self, Hostile};
use crate::{build, place, plugins, programs::Profile, python};

/// Set for the call that measures with an optimised client.
const INNER: &str = "REGENT_BENCH_INNER";
/// It ends long before, measuring all parts; before that cargo compiles a few small crates.
const INNER_WITHIN: Duration = Duration::from_hours(1);

const BENCH: &str = "usage: cargo xtask bench [--quick] [--original | --plugins | --engines | --layers | --hostile | --connections] [--json FILE]";
const SOAK: &str = "usage: cargo xtask soak [--minutes N] [--json FILE]";

/// Measures with what is built first.
pub(crate) fn bench(words: &[&str]) -> Result<()> {
    let wish = wish(words)?;
    let dist = match given() {
        // Inside the second call, what the first one built.
        None if std::env::var_os(INNER).is_some() => place::dist(),
        given => dist(given)?,
    };
    // Our client is measured too, so it is optimised; a smoke test does not wait for that.
    if cfg!(debug_assertions) && words.iter().all(|word| *word != "--quick") {
        return optimised(words);
    }
    bench::bench(&made(dist, wish.only)?, &wish)
}

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

fn wish<'a>(words: &'a [&'a str]) -> Result<Wish<'a>> {
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
            "--json" => wish.file = Some(words.next().map(Path::new).ok_or_else(|| Error::new(BENCH))?),
            _ => return Err(Error::new(BENCH)),
        }
    }
    Ok(wish)
}

/// Soaks what is built first.
pub(crate) fn soak(words: &[&str]) -> Result<()> {
    let (mut minutes, mut file, mut words) = (30, None, words.iter());
    while let Some(word) = words.next() {
        match (*word, words.next()) {
            ("--minutes", Some(number)) => minutes = number.parse().map_err(|_| Error::new(SOAK))?,
            ("--json", Some(path)) => file = Some(Path::new(path)),
            _ => return Err(Error::new(SOAK)),
        }
    }
    soak::soak(&dist(given())?, &hostile()?, minutes, file)
}

/// A dist that is at hand is measured as it is.
fn given() -> Option<PathBuf> {
    std::env::var_os("REGENT_DIST").filter(|dist| !dist.is_empty()).map(PathBuf::from)
}

fn dist(given: Option<PathBuf>) -> Result<PathBuf> {
    if let Some(dist) = given {
        return Ok(dist);
    }
    build::with(&regent_build::wasm(&place::target(), place::root())?, Profile::Release)?;
    Ok(place::dist())
}

/// The further things that a part needs, or all of them.
fn made(dist: PathBuf, only: Option<Part>) -> Result<Made> {
    let wanted = |parts: &[Part]| only.is_none_or(|only| parts.contains(&only));
    let mut made = Made { dist, python_plugin: python_plugin(), cache: Some(place::target()), ..Made::default() };
    if wanted(&[Part::Original, Part::Layers]) {
        made.python = Some(python::venv()?.program("python"));
    }
    if wanted(&[Part::Hostile]) {
        made.attacks = Some(attacks()?);
    }
    Ok(made)
}

/// The tests' Python plugin, if it has been built.
fn python_plugin() -> Option<PathBuf> {
    let given = std::env::var_os("REGENT_FIXTURES").map(PathBuf::from).map(|folder| folder.join("python.wasm"));
    given.into_iter().chain([place::target().join("python/python.wasm")]).find(|path| path.exists())
}

/// An example of the tests, which is what they attack with.
fn attacks() -> Result<PathBuf> {
    let cargo = regent_build::cargo(place::root()).args(["build", "--quiet", "--target-dir"]).arg(place::native());
    cargo.args(["-p", "regent-tests", "--example", "attacks"]).done()?;
    Ok(place::native().join("debug/examples/attacks"))
}

/// The tests' hostile plugin.
fn hostile() -> Result<Hostile> {
    let (folder, name) = (place::target().join("soak"), "hostile");
    plugins::build(&regent_build::wasm(&place::target(), place::root())?, &[name], &folder)?;
    let grants = place::root().join("tests/plugins").join(name).join("hostile.toml");
    Ok(Hostile { module: folder.join("hostile.wasm"), grants })
}
