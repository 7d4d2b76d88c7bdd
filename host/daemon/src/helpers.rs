//! The programs that belong to the daemon: beside its own executable, or in ../libexec/regent. Each is judged once, at
//! the start, and always started from that handle.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::trusted_file::{Program, Trusted, Untrusted};

#[derive(Debug)]
pub struct Helpers {
    pub spawner: OwnedFd,
    pub sandbox: OwnedFd,
    pub sandbox_path: PathBuf,
    pub compiler: OwnedFd,
    pub compiler_path: PathBuf,
    compiler_file: File,
}

#[derive(Debug, thiserror::Error)]
pub enum HelpersError {
    #[error("cannot tell where regentd is: {0}")]
    NoFolder(io::Error),
    #[error("{0} is neither next to this program nor in ../libexec/regent: install it there")]
    Missing(&'static str),
    /// Somebody else may have changed it.
    #[error(transparent)]
    Untrusted(#[from] Untrusted),
}

impl Helpers {
    pub fn find() -> Result<Self, HelpersError> {
        let own = std::env::current_exe().map_err(HelpersError::NoFolder)?;
        let beside = own.parent().unwrap_or(Path::new("/"));
        let folders = [beside.to_path_buf(), beside.join("../libexec/regent")];
        let [sandbox_path, compiler_path] = ["regent-sandbox", "regent-compiler"].map(|name| locate(&folders, name));
        let (sandbox_path, compiler_path) = (sandbox_path?, compiler_path?);
        Ok(Self {
            spawner: open(&locate(&folders, "regent-spawner")?)?,
            sandbox: open(&sandbox_path)?,
            sandbox_path,
            compiler: open(&compiler_path)?,
            compiler_file: Trusted::open(&compiler_path)?.into_file(),
            compiler_path,
        })
    }

    /// SHA-256 of the compiler's binary.
    pub fn compiler_digest(&self) -> std::io::Result<[u8; 32]> {
        let mut bytes = Vec::new();
        (&self.compiler_file).read_to_end(&mut bytes)?;
        Ok(Sha256::digest(&bytes).into())
    }
}

fn locate(folders: &[PathBuf], name: &'static str) -> Result<PathBuf, HelpersError> {
    let mut paths = folders.iter().map(|folder| folder.join(name));
    paths.find(|path| path.exists()).ok_or(HelpersError::Missing(name))
}

fn open(path: &Path) -> Result<OwnedFd, Untrusted> {
    Ok(Program::open(path)?.into_parts().0)
}
