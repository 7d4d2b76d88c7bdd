//! The native programs.
//!
//! The two that hold the engine are built by a cargo call each, so that features do not unify: the sandbox must not get
//! the compiler's. What starts in an empty root is linked statically, for there is no loader.

use std::path::{Path, PathBuf};

use crate::{dist, place};
use regent_build::{Error, Result, Run};

/// How the daemon and its company are compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    Dev,
    Release,
}

impl Profile {
    fn folder(self) -> &'static str {
        match self {
            Self::Dev => "debug",
            Self::Release => "release",
        }
    }
}

/// Builds all of them into a folder.
pub(crate) fn build(profile: Profile, out: &Path) -> Result<()> {
    // Whoever asks the system's databases for users loads what these are made of.
    dynamic(profile, &["regentd", "regent", "regent-dry-run", "regent-spawner"], out)?;
    // Always optimised: an engine that is not takes a hundred times as long, and runs into every limit.
    fixed(Profile::Release, "regent-sandbox", out)?;
    fixed(Profile::Release, "regent-compiler", out)
}

/// Builds the sandbox's stand-in for a hole in the engine, for tests alone: the same program with a feature more. What
/// was built in its place before stands there again afterwards, so that nobody takes the one for the other.
pub(crate) fn stand_in(out: &Path) -> Result<()> {
    let sandbox = "regent-sandbox";
    let build = || Ok(fixed_cargo("build", Profile::Release)?.args(["-p", sandbox, "--bin", sandbox]));
    build()?.args(["--features", "stand-in"]).done()?;
    let built = built(Profile::Release)?.join(sandbox);
    dist::install(&built, &out.join("regent-sandbox-stand-in"), 0o755)?;
    build()?.done()
}

fn dynamic(profile: Profile, packages: &[&str], out: &Path) -> Result<()> {
    packages.iter().fold(cargo("build", profile), |cargo, package| cargo.args(["-p", package])).done()?;
    packages.iter().try_for_each(|package| take(&place::native().join(profile.folder()), package, out))
}

/// Statically linked.
fn fixed(profile: Profile, package: &str, out: &Path) -> Result<()> {
    fixed_cargo("build", profile)?.args(["-p", package, "--bin", package]).done()?;
    take(&built(profile)?, package, out)
}

/// Where cargo leaves what is linked statically.
fn built(profile: Profile) -> Result<PathBuf> {
    Ok(place::native().join(regent_build::host(place::root())?).join(profile.folder()))
}

/// `cargo build` or `cargo test` of what is linked statically.
pub(crate) fn fixed_cargo(verb: &str, profile: Profile) -> Result<Run> {
    let host = regent_build::host(place::root())?;
    Ok(cargo(verb, profile).args(["--target", &host]).env("RUSTFLAGS", "-C target-feature=+crt-static"))
}

/// Builds a program of the repository that nobody installs; where cargo leaves it.
pub(crate) fn own(profile: Profile, package: &str) -> Result<PathBuf> {
    cargo("build", profile).args(["--quiet", "-p", package]).done()?;
    Ok(place::native().join(profile.folder()).join(package))
}

/// Cargo with the folder of all native builds.
pub(crate) fn cargo(verb: &str, profile: Profile) -> Run {
    let cargo = regent_build::cargo(place::root()).arg(verb).arg("--target-dir").arg(place::native());
    if profile == Profile::Release { cargo.arg("--release") } else { cargo }
}

fn take(folder: &Path, program: &str, out: &Path) -> Result<()> {
    let built: PathBuf = folder.join(program);
    if !built.exists() {
        return Err(Error::new(format!("cargo built no {}", built.display())));
    }
    dist::install(&built, &out.join(program), 0o755)
}
