//! Plugin crates of the workspace as WebAssembly components.

use std::{fs, path::Path};

use regent_build::{At as _, Effort, Result, Wasm};

use crate::place;

/// Builds crates of the workspace into `out/PACKAGE.wasm`.
pub(crate) fn build(wasm: &Wasm, packages: &[&str], out: &Path) -> Result<()> {
    fs::create_dir_all(out).at(out)?;
    let built = regent_build::packages(wasm, &place::target(), packages, Effort::Small)?;
    built.iter().try_for_each(|component| component.write(&out.join(component.name()).with_extension("wasm")))
}
