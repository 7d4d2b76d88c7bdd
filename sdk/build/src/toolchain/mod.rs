//! The compiler of plugins: a rustc whose standard library knows `wasm32-wasip2`. Rustup's own where rustup has it or can get
//! it; else Debian 12's, unpacked into the cache and never installed.

mod debian;
mod rustup;

use std::path::{Path, PathBuf};

use crate::{
    error::{Error, Result},
    run::{self, Run},
};

/// What plugins are compiled for.
const TARGET: &str = "wasm32-wasip2";

/// Having one tells you: plugins can be compiled.
#[derive(Debug)]
pub struct Wasm {
    /// Cargo's folder for this compiler: two compilers in one would build everything anew in turn.
    target: PathBuf,
    debian: Option<debian::Rustc>,
}

/// Brings the compiler, if it is not there. What is fetched, and what cargo compiles with it, is kept in the cache. The variable
/// `REGENT_WASM` says `rustup` or `debian`; left out: what can be had, in this order.
///
/// # Errors
/// What is missing, and how it is to be had.
pub fn wasm(cache: &Path) -> Result<Wasm> {
    let wanted = std::env::var("REGENT_WASM").unwrap_or_default();
    let why_not = match wanted.as_str() {
        "" | "rustup" => match rustup::ready(TARGET) {
            Ok(()) => return Ok(Wasm { target: cache.join("wasm"), debian: None }),
            Err(error) if wanted == "rustup" => return Err(error),
            Err(error) => error.to_string(),
        },
        "debian" => "REGENT_WASM=debian".to_owned(),
        other => return Err(Error::new(format!("REGENT_WASM is rustup or debian, not {other:?}"))),
    };
    eprintln!("{TARGET} not from rustup: {why_not}");
    let rustc = debian::ready(cache)?;
    Ok(Wasm { target: cache.join("wasm-debian"), debian: Some(rustc) })
}

impl Wasm {
    /// `cargo build` for WebAssembly in a folder, to be told what.
    #[must_use]
    pub fn cargo_build(&self, folder: &Path) -> Run {
        let cargo = run::cargo(folder).args(["build", "--target", TARGET, "--target-dir"]).arg(&self.target);
        match &self.debian {
            Some(rustc) => rustc.compile(cargo),
            None => cargo,
        }
    }

    /// Where cargo puts what it built; below it a folder a profile.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.target.join(TARGET)
    }
}

/// The machine's own target.
///
/// # Errors
/// There is no rustc, or none that says.
pub fn host() -> Result<String> {
    let version = rustc("-vV")?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| Error::new("rustc -vV names no host"))
}

/// Where the compiler of `cargo` has its libraries.
fn sysroot() -> Result<PathBuf> {
    Ok(Path::new(rustc("--print=sysroot")?.trim()).to_owned())
}

fn rustc(question: &str) -> Result<String> {
    Run::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())).arg(question).text()
}
