//! Plugin crates of the workspace as WebAssembly components.

use std::{fs, path::Path};

use regent_build::{At as _, Effort, Result, Wasm};

use crate::{dist, place};

/// Builds crates of the workspace into `out/PACKAGE.wasm`.
pub(crate) fn build(wasm: &Wasm, packages: &[&str], out: &Path) -> Result<()> {
    fs::create_dir_all(out).at(out)?;
    let built = regent_build::packages(wasm, place::root(), packages, Effort::Small)?;
    packages
        .iter()
        .zip(built)
        .try_for_each(|(package, built)| dist::install(&built, &out.join(package).with_extension("wasm"), 0o644))
}
