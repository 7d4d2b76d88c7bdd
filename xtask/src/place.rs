//! Where things are. All that the commands make stands in the repository's own `target/`; `CARGO_TARGET_DIR` is
//! honoured for what cargo compiles natively, and for nothing that people are told to look for.

use std::{
    env,
    path::{Path, PathBuf},
};

/// The repository.
pub(crate) fn root() -> &'static Path {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask)
}

/// The repository's folder of things that can be made again.
pub(crate) fn target() -> PathBuf {
    root().join("target")
}

/// Cargo's folder for native code.
pub(crate) fn native() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        // Relative to where the command was typed, as cargo reads it.
        Some(folder) if !folder.is_empty() => env::current_dir().unwrap_or_default().join(folder),
        _ => target(),
    }
}

/// What a build leaves for people.
pub(crate) fn dist() -> PathBuf {
    target().join("dist")
}
