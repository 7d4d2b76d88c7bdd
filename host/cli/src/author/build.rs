//! `plugin build`: the source in a folder as `target/regent/NAME.wasm`. What is needed for it is found or fetched into a cache
//! of the user's, and the compiler's own words are passed on as they are.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Instant;

use regent_build::{Effort, python};
use regent_protocol::visible;

use super::Build;
use super::sdk::Sdk;
use crate::ending::{Ending, Failure};
use crate::output;

pub(crate) fn build(build: &Build) -> Result<Ending, Failure> {
    let begin = Instant::now();
    let folder = build.dir.canonicalize().map_err(|error| match error.kind() {
        ErrorKind::NotFound => none(&build.dir, "there is no such folder"),
        _ => at(&build.dir, &error),
    })?;
    let cache = cache()?;
    fs::create_dir_all(&cache).map_err(|error| at(&cache, &error))?;
    let out = folder.join("target/regent");
    fs::create_dir_all(&out).map_err(|error| at(&out, &error))?;
    let made = if folder.join("Cargo.toml").is_file() {
        of_rust(&folder, &cache, &out, if build.release { Effort::Small } else { Effort::Quick })?
    } else if folder.join("app.py").is_file() {
        of_python(&folder, &cache, &out)?
    } else {
        return Err(none(&build.dir, "there is neither Cargo.toml nor app.py"));
    };
    let size = fs::metadata(&made).map_err(|error| at(&made, &error))?.len();
    let (made, took) = (visible::argument(&made.display().to_string()), begin.elapsed().as_secs_f64());
    output::print(&format!("{made}: {size} bytes, in {took:.1} s"))?;
    Ok(Ending::Done)
}

/// There is no plugin to be built.
fn none(folder: &Path, why: &str) -> Failure {
    let place = visible::argument(&folder.display().to_string());
    Failure::usage(format!("{place}: {why}: `regent plugin new NAME` makes a plugin"))
}

fn of_rust(folder: &Path, cache: &Path, out: &Path, effort: Effort) -> Result<PathBuf, Failure> {
    let wasm = regent_build::wasm(cache).map_err(said)?;
    let (name, built) = regent_build::this(&wasm, folder, effort).map_err(said)?;
    let made = out.join(format!("{name}.wasm"));
    let part = made.with_extension("part");
    fs::copy(&built, &part).and_then(|_| fs::rename(&part, &made)).map_err(|error| at(&made, &error))?;
    Ok(made)
}

fn of_python(folder: &Path, cache: &Path, out: &Path) -> Result<PathBuf, Failure> {
    let name = folder.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| Failure::usage("the folder's name is the plugin's, and it has none"))?;
    let sdk = Sdk::find()?;
    let venv = python::venv(&cache.join("python"), &[python::COMPONENTIZE]).map_err(said)?;
    let made = out.join(format!("{name}.wasm"));
    venv.component(folder, "app", &sdk.wit(), "finishing-plugin", &made).map_err(said)?;
    Ok(made)
}

/// By the XDG Base Directory Specification.
fn cache() -> Result<PathBuf, Failure> {
    let given = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = given("XDG_CACHE_HOME").or_else(|| Some(given("HOME")?.join(".cache")));
    folder
        .map(|folder| folder.join("regent"))
        .ok_or_else(|| Failure::usage("HOME is not set: set it, or XDG_CACHE_HOME"))
}

fn said(error: regent_build::Error) -> Failure {
    Failure::other(error.to_string())
}

fn at(path: &Path, error: &std::io::Error) -> Failure {
    Failure::other(format!("{}: {error}", path.display()))
}
