//! Plugin crates as WebAssembly components.

use std::{fs, path::Path};

use crate::{
    dist,
    error::{At, Error, Result},
    toolchain::Wasm,
};

/// Small rather than fast: a plugin runs for microseconds, and is hashed, copied and compiled.
const PROFILE: [&str; 5] = [
    "profile.release.opt-level=\"s\"",
    "profile.release.lto=true",
    "profile.release.codegen-units=1",
    "profile.release.panic=\"abort\"",
    "profile.release.strip=true",
];

/// What a WebAssembly component begins with: the magic, then version 13 of layer 1. A core module has 1 and layer 0.
const COMPONENT: [u8; 8] = [0, b'a', b's', b'm', 0x0d, 0, 1, 0];

/// Builds crates of the workspace into `out/PACKAGE.wasm`.
pub(crate) fn build(wasm: &Wasm, packages: &[&str], out: &Path) -> Result<()> {
    fs::create_dir_all(out).at(out)?;
    let cargo = wasm.cargo_build().arg("--release").args(PROFILE.iter().flat_map(|setting| ["--config", setting]));
    packages.iter().fold(cargo, |cargo, package| cargo.args(["-p", package])).done()?;
    for package in packages {
        let built = wasm.folder().join("release").join(package.replace('-', "_")).with_extension("wasm");
        let bytes = fs::read(&built).at(&built)?;
        if !bytes.starts_with(&COMPONENT) {
            return Err(Error::new(format!("{} is no component", built.display())));
        }
        dist::install(&built, &out.join(package).with_extension("wasm"), 0o644)?;
    }
    Ok(())
}
