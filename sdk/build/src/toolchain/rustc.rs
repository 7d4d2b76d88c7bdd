//! What the compiler that is used in a folder says of itself.

use std::path::{Path, PathBuf};

use crate::{
    error::{Error, Result},
    run::Run,
};

/// The machine's own target, of the compiler that is used in this folder.
///
/// # Errors
/// There is no rustc, or none that says.
pub fn host(folder: &Path) -> Result<String> {
    let version = rustc("-vV", folder)?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| Error::new("rustc -vV names no host"))
}

/// Where the compiler of `cargo` has its libraries.
pub(super) fn sysroot(folder: &Path) -> Result<PathBuf> {
    Ok(Path::new(rustc("--print=sysroot", folder)?.trim()).to_owned())
}

fn rustc(question: &str, folder: &Path) -> Result<String> {
    let rustc = std::env::var_os("RUSTC").filter(|named| !named.is_empty());
    Run::new(rustc.unwrap_or_else(|| "rustc".into())).arg(question).folder(folder).text()
}
