//! The compiler of plugins: a rustc whose standard library knows `wasm32-wasip2`. Rustup's own where rustup has it or
//! can get it; else Debian 12's, unpacked into the cache and never installed.

mod debian;
mod rustc;
mod rustup;

use std::path::{Path, PathBuf};

use crate::{
    error::{Error, Result},
    run::{self, Run},
};
pub use rustc::host;
use rustc::sysroot;

/// What plugins are compiled for.
const TARGET: &str = "wasm32-wasip2";

/// Having one tells you: plugins in this folder can be compiled. Of this folder, for a file in it or above may name
/// another compiler than the machine's usual one.
#[derive(Debug)]
pub struct Wasm {
    folder: PathBuf,
    debian: Option<debian::Rustc>,
}

/// Brings the compiler, if it is not there. What is fetched is kept in the cache. The variable `REGENT_WASM` says
/// `rustup` or `debian`; left out: what can be had, in this order.
///
/// # Errors
/// What is missing, and how it is to be had.
pub fn wasm(cache: &Path, folder: &Path) -> Result<Wasm> {
    let wanted = std::env::var("REGENT_WASM").unwrap_or_default();
    // Either way needs it, and 140 MB are not fetched to find that out.
    let rust = sysroot(folder).map_err(|_| {
        Error::new("there is no Rust here that runs: cargo and rustc are needed\n  get them from https://rustup.rs")
    })?;
    let found = |debian| Wasm { folder: folder.to_owned(), debian };
    let why_not = match wanted.as_str() {
        "" | "rustup" => match rustup::ready(&rust, TARGET, folder) {
            Ok(()) => return Ok(found(None)),
            Err(error) if wanted == "rustup" => return Err(error),
            Err(error) => error.to_string(),
        },
        "debian" => "REGENT_WASM=debian".to_owned(),
        other => return Err(Error::new(format!("REGENT_WASM is rustup or debian, not {other:?}"))),
    };
    eprintln!("{TARGET} not from rustup: {why_not}");
    Ok(found(Some(debian::ready(cache, folder)?)))
}

impl Wasm {
    /// Where it was looked for, and where cargo is started.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// `cargo build` for WebAssembly, to be told what.
    pub(crate) fn cargo_build(&self) -> Run {
        let cargo = run::cargo(&self.folder).args(["build", "--target", TARGET]);
        match &self.debian {
            Some(rustc) => rustc.compile(cargo),
            None => cargo,
        }
    }

    /// This compiler's own part of cargo's folder: two compilers in one would build everything anew in turn.
    pub(crate) fn target(&self, folder: &Path) -> PathBuf {
        folder.join(if self.debian.is_some() { "wasm-debian" } else { "wasm" })
    }

    /// Where cargo then puts what it built.
    pub(crate) fn built(&self, target: &Path) -> PathBuf {
        target.join(TARGET).join("release")
    }
}
