//! `cargo xtask test`: every test of the workspace, with what it needs.
//!
//! What is missing is installed where that can be. Where it cannot, it is named, the tests go on, those that need it
//! fail, and so does the command: nothing is skipped. Most tests look at what only root can do, so only as root all of
//! them pass.

// The machine's own programs that tests call.
pub(crate) mod machine;

use std::path::{Path, PathBuf};

use crate::{
    build, dist, place, plugins,
    programs::{self, Profile},
    python,
};
use regent_build::{Error, Result, Run};

/// The programs that hold the engine: outside the default members, as in a build, and each tested as it is shipped; the
/// first of them, which runs plugins, once on the processor and once on the interpreter.
const ENGINES: [&str; 2] = ["regent-sandbox", "regent-compiler"];

/// What was made for the tests.
struct Made {
    dist: PathBuf,
    fixtures: PathBuf,
    /// Python with the original client; named under what is missing if there is none.
    python: Option<PathBuf>,
}

/// Runs them all, and fails if one does or something was missing.
pub(crate) fn test() -> Result<()> {
    let mut wrong: Vec<Error> = machine::programs(machine::TESTS).into_iter().collect();
    let made = make(&mut wrong)?;
    let interpreted = engine(ENGINES[0])?.env("REGENT_ENGINE", "interpreter");
    for tests in [default_members(), engine(ENGINES[0])?, interpreted, engine(ENGINES[1])?] {
        wrong.extend(with(tests, &made).done().err());
    }
    match wrong.as_slice() {
        [] => Ok(()),
        all => Err(Error::new(all.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))),
    }
}

/// The dist, the tests' own plugins, and Python's things. Without the first two there is nothing to test.
fn make(wrong: &mut Vec<Error>) -> Result<Made> {
    let wasm = regent_build::wasm(&place::target(), place::root())?;
    build::with(&wasm, Profile::Dev)?;
    let fixtures = regent_build::emptied(place::target().join("fixtures"))?;
    plugins::build(&wasm, &["hostile"], &fixtures)?;
    programs::stand_in(&fixtures)?;
    for (folder, grants) in [("tests/plugins/hostile", "hostile.toml"), ("tests/python", "python.toml")] {
        dist::install(&place::root().join(folder).join(grants), &fixtures.join(grants), 0o644)?;
    }
    let python = python_things(&fixtures);
    let python = python.inspect_err(|error| eprintln!("goes on without Python: {error}"));
    let python = python.map_err(|error| wrong.push(error)).ok();
    Ok(Made { dist: place::dist(), fixtures, python })
}

fn python_things(fixtures: &Path) -> Result<PathBuf> {
    let venv = python::venv()?;
    dist::install(&python::component(&venv)?, &fixtures.join("python.wasm"), 0o644)?;
    Ok(venv.program("python"))
}

fn default_members() -> Run {
    regent_build::cargo(place::root()).args(["test", "--no-fail-fast", "--target-dir"]).arg(place::native())
}

/// The same folder, profile, target and flags as the build's, so that the engine is compiled again only where the
/// tests' libraries ask more of what it shares with them.
fn engine(package: &str) -> Result<Run> {
    Ok(programs::fixed_cargo("test", Profile::Release)?.args(["--no-fail-fast", "-p", package]))
}

fn with(tests: Run, made: &Made) -> Run {
    let bin = made.dist.join("bin");
    let tests = tests
        .env("REGENT_DIST", &made.dist)
        .env("REGENT_FIXTURES", &made.fixtures)
        .env("REGENT_SANDBOX", bin.join("regent-sandbox"))
        .env("REGENT_COMPILER", bin.join("regent-compiler"));
    match &made.python {
        Some(python) => tests.env("REGENT_PYTHON", python),
        None => tests.without_env("REGENT_PYTHON"),
    }
}
