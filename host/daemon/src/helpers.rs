//! The programs that belong to the daemon: beside its own executable, or in ../libexec/regent. Each is judged once, at the
//! start, and always started from that handle.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::trusted_file::{Program, Trusted, Untrusted};

/// All of them.
#[derive(Debug)]
pub struct Helpers {
    /// Starts everything else.
    pub spawner: OwnedFd,
    /// Runs a plugin.
    pub sandbox: OwnedFd,
    /// Where that is.
    pub sandbox_path: PathBuf,
    /// Compiles a module.
    pub compiler: OwnedFd,
    /// Where that is.
    pub compiler_path: PathBuf,
    compiler_file: File,
}

impl Helpers {
    /// Finds and judges them.
    ///
    /// # Errors
    /// Which is missing or not to be trusted.
    pub fn find() -> Result<Self, String> {
        let own = std::env::current_exe().map_err(|why| format!("cannot tell where regentd is: {why}"))?;
        let beside = own.parent().unwrap_or(Path::new("/"));
        let folders = [beside.to_path_buf(), beside.join("../libexec/regent")];
        let [sandbox_path, compiler_path] = ["regent-sandbox", "regent-compiler"].map(|name| locate(&folders, name));
        let (sandbox_path, compiler_path) = (sandbox_path?, compiler_path?);
        Ok(Self {
            spawner: open(&locate(&folders, "regent-spawner")?)?,
            sandbox: open(&sandbox_path)?,
            sandbox_path,
            compiler: open(&compiler_path)?,
            compiler_file: Trusted::open(&compiler_path).map_err(said)?.into_file(),
            compiler_path,
        })
    }

    /// SHA-256 of the compiler's binary.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn compiler_digest(&self) -> std::io::Result<[u8; 32]> {
        let mut bytes = Vec::new();
        (&self.compiler_file).read_to_end(&mut bytes)?;
        Ok(Sha256::digest(&bytes).into())
    }
}

fn locate(folders: &[PathBuf], name: &str) -> Result<PathBuf, String> {
    let paths = folders.iter().map(|folder| folder.join(name));
    let found = paths.into_iter().find(|path| path.exists());
    found.ok_or_else(|| format!("{name} is neither beside regentd nor in ../libexec/regent: install it there"))
}

fn open(path: &Path) -> Result<OwnedFd, String> {
    Ok(Program::open(path).map_err(said)?.into_parts().0)
}

fn said(why: Untrusted) -> String {
    why.to_string()
}
