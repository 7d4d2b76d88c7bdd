//! The standard library that rustup has or fetches.

use std::{path::Path, time::Duration};

use crate::{
    error::{Error, Result},
    run::Run,
};

/// 20 MB over a slow line; and what an unreachable server that never answers may cost before the other way is taken.
const FETCH: Duration = Duration::from_secs(90);

/// Sees to it that the compiler of `cargo`, whose libraries are in `rust`, knows this target.
pub(super) fn ready(rust: &Path, target: &str, folder: &Path) -> Result<()> {
    let library = rust.join("lib/rustlib").join(target).join("lib");
    if library.is_dir() {
        return Ok(());
    }
    eprintln!("asking rustup for {target} (at most {} s)", FETCH.as_secs());
    Run::new("rustup").args(["target", "add", target]).folder(folder).within(FETCH).done()?;
    if library.is_dir() { Ok(()) } else { Err(Error::new(format!("rustup brought no {}", library.display()))) }
}
