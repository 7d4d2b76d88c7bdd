//! A crate as a component: cargo's build, and a look whether that is what came of it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{At, Error, Result};
use crate::run::cargo;
use crate::toolchain::Wasm;

/// How much the compiler is to make of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// To be tried at once.
    Quick,
    /// To be shipped: small rather than fast, for a plugin runs for microseconds, and is hashed, copied and compiled.
    Small,
}

impl Effort {
    fn settings(self) -> &'static [&'static str] {
        match self {
            Self::Quick => &[
                "profile.release.opt-level=1",
                "profile.release.incremental=true",
                "profile.release.panic=\"abort\"",
                "profile.release.strip=true",
            ],
            Self::Small => &[
                "profile.release.opt-level=\"s\"",
                "profile.release.lto=true",
                "profile.release.codegen-units=1",
                "profile.release.panic=\"abort\"",
                "profile.release.strip=true",
            ],
        }
    }
}

/// What a WebAssembly component begins with: the magic, then version 13 of layer 1. A core module has 1 and layer 0.
const COMPONENT: [u8; 8] = [0, b'a', b's', b'm', 0x0d, 0, 1, 0];

/// Builds packages of the workspace in a folder; for each the file that came of it.
///
/// # Errors
/// Cargo's own words went to standard error; or what was built is no component.
pub fn packages(wasm: &Wasm, folder: &Path, packages: &[&str], effort: Effort) -> Result<Vec<PathBuf>> {
    let cargo = wasm.cargo_build(folder).arg("--release");
    let cargo = cargo.args(effort.settings().iter().flat_map(|setting| ["--config", setting]));
    packages.iter().fold(cargo, |cargo, package| cargo.args(["-p", package])).done()?;
    packages.iter().map(|package| built(wasm, package)).collect()
}

/// Builds the crate in this folder: its package's name, and the file.
///
/// # Errors
/// As [`packages`]; or there is no crate here.
pub fn this(wasm: &Wasm, folder: &Path, effort: Effort) -> Result<(String, PathBuf)> {
    let name = name(folder)?;
    let file = packages(wasm, folder, &[&name], effort)?.into_iter().next();
    file.map(|file| (name, file)).ok_or_else(|| Error::new("cargo built nothing"))
}

/// The package whose manifest is in this folder, by cargo's own reading of it.
fn name(folder: &Path) -> Result<String> {
    let manifest = folder.join("Cargo.toml");
    let manifest = manifest.canonicalize().at(&manifest)?;
    let text = cargo(folder).args(["metadata", "--no-deps", "--format-version", "1"]).text()?;
    let read: serde_json::Value =
        serde_json::from_str(&text).map_err(|why| Error::new(format!("cargo metadata: {why}")))?;
    let packages = read.get("packages").and_then(|packages| packages.as_array());
    let own = |package: &&serde_json::Value| {
        package.get("manifest_path").and_then(|path| path.as_str()).map(Path::new) == Some(&manifest)
    };
    let found = packages.and_then(|packages| packages.iter().find(own)?.get("name")?.as_str());
    found.map(str::to_owned).ok_or_else(|| Error::new(format!("{}: is no package", manifest.display())))
}

fn built(wasm: &Wasm, package: &str) -> Result<PathBuf> {
    let built = wasm.folder().join("release").join(package.replace('-', "_")).with_extension("wasm");
    let bytes = fs::read(&built).at(&built)?;
    if bytes.starts_with(&COMPONENT) {
        return Ok(built);
    }
    Err(Error::new(format!("{} is no component: does its Cargo.toml say crate-type = [\"cdylib\"]?", built.display())))
}
