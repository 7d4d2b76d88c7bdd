//! `cargo xtask bench` and `cargo xtask soak`: builds what is measured, and the program that measures.

use std::ffi::OsStr;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;

use regent_bench::{BenchOptions, Part};
use regent_build::{At as _, Result};

use crate::programs::{self, Profile};
use crate::{build, place, plugins, python};

/// The package that measures.
const PROGRAM: &str = "regent-bench";

/// An option of the program, and the path that xtask hands over by it.
type Input = (&'static str, PathBuf);

/// Measures with what is built first.
pub(crate) fn bench(options: &BenchOptions) -> Result<()> {
    // Our client is measured too, so it is optimised; a smoke test does not wait for that.
    let profile = if options.quick { Profile::Dev } else { Profile::Release };
    let dist = dist()?;
    run(profile, [("--dist", dist)].into_iter().chain(further(options.only())?))
}

/// Soaks what is built first.
pub(crate) fn soak() -> Result<()> {
    run(Profile::Dev, [("--dist", dist()?), ("--hostile", hostile()?)])
}

/// Runs the program with the words that were typed. It takes this process's place, so that a signal reaches it: it ends
/// what it started.
fn run(profile: Profile, inputs: impl IntoIterator<Item = Input>) -> Result<()> {
    let program = programs::own(profile, PROGRAM)?;
    let mut command = Command::new(&program);
    command.args(std::env::args_os().skip(1));
    for (option, path) in inputs {
        command.args([OsStr::new(option), path.as_os_str()]);
    }
    Err(command.exec()).at(&program)
}

/// A dist that is at hand is measured as it is.
fn dist() -> Result<PathBuf> {
    if let Some(dist) = std::env::var_os("REGENT_DIST").filter(|dist| !dist.is_empty()) {
        return Ok(dist.into());
    }
    build::with(&regent_build::wasm(&place::target(), place::root())?, Profile::Release)?;
    Ok(place::dist())
}

/// The further inputs of a part, or of all of them.
fn further(only: Option<Part>) -> Result<Vec<Input>> {
    let wanted = |parts: &[Part]| only.is_none_or(|only| parts.contains(&only));
    let mut inputs = vec![("--cache", place::target())];
    inputs.extend(python_plugin().map(|module| ("--python-plugin", module)));
    if wanted(&[Part::Cost, Part::Original, Part::Layers]) {
        inputs.push(("--python", python::venv()?.program("python")));
    }
    if wanted(&[Part::Hostile]) {
        inputs.push(("--attacks", attacks()?));
    }
    Ok(inputs)
}

/// The tests' Python plugin, if it has been built.
fn python_plugin() -> Option<PathBuf> {
    let given = std::env::var_os("REGENT_FIXTURES").map(PathBuf::from).map(|folder| folder.join("python.wasm"));
    given.into_iter().chain([place::target().join("python/python.wasm")]).find(|path| path.exists())
}

/// An example of the tests, which is what they attack with.
fn attacks() -> Result<PathBuf> {
    programs::cargo("build", Profile::Dev).args(["--quiet", "-p", "regent-tests", "--example", "attacks"]).done()?;
    Ok(place::native().join("debug/examples/attacks"))
}

/// The tests' hostile plugin.
fn hostile() -> Result<PathBuf> {
    let folder = place::target().join("soak");
    plugins::build(&regent_build::wasm(&place::target(), place::root())?, &["hostile"], &folder)?;
    Ok(folder.join("hostile.wasm"))
}
