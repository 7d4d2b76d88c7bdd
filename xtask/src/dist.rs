//! `target/dist`, which people run from. It is put together beside its place and moved there when whole, so that what
//! is there is always of one build.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use crate::{place, sdk};
use regent_build::{At as _, Result};

/// A build on its way.
#[derive(Debug)]
pub(crate) struct Next {
    folder: PathBuf,
    bin: PathBuf,
    plugins: PathBuf,
}

/// Starts one; what an interrupted build left is gone.
pub(crate) fn begin() -> Result<Next> {
    let folder = regent_build::emptied(place::target().join("dist.part"))?;
    let (bin, plugins) = (folder.join("bin"), folder.join("plugins"));
    for made in [&bin, &plugins] {
        fs::create_dir(made).at(made)?;
    }
    Ok(Next { folder, bin, plugins })
}

impl Next {
    pub(crate) fn bin(&self) -> &Path {
        &self.bin
    }

    pub(crate) fn plugins(&self) -> &Path {
        &self.plugins
    }

    /// Adds the grants files and the digests, and puts the whole in its place.
    pub(crate) fn finish(self, shipped: &[&str]) -> Result<PathBuf> {
        let mut sums = String::new();
        for name in shipped {
            let grants = format!("{name}.toml");
            let written = place::root().join("plugins").join(name).join(&grants);
            if written.exists() {
                install(&written, &self.plugins.join(&grants), 0o644)?;
            }
            let module = self.plugins.join(format!("{name}.wasm"));
            let bytes = fs::read(&module).at(&module)?;
            sums.push_str(&format!("{}  {name}.wasm\n", hex::encode(Sha256::digest(&bytes))));
        }
        let list = self.plugins.join("SHA256SUMS");
        fs::write(&list, sums).at(&list)?;
        permit(&list, 0o644)?;
        sdk::fill(&self.folder)?;
        for folder in [&self.folder, &self.bin, &self.plugins] {
            permit(folder, 0o755)?;
        }
        replace(&self.folder)
    }
}

fn replace(folder: &Path) -> Result<PathBuf> {
    let (place, former) = (place::dist(), place::target().join("dist.former"));
    regent_build::remove(&former)?;
    if place.exists() {
        fs::rename(&place, &former).at(&place)?;
    }
    fs::rename(folder, &place).at(&place)?;
    regent_build::remove(&former)?;
    Ok(place)
}

/// Copies a file with exactly this mode: the daemon trusts nothing that others may write, whatever the umask was.
pub(crate) fn install(from: &Path, to: &Path, mode: u32) -> Result<()> {
    fs::copy(from, to).at(from)?;
    permit(to, mode)
}

/// Gives a file or folder exactly this mode.
pub(crate) fn permit(path: &Path, mode: u32) -> Result<()> {
    fs::set_permissions(path, Permissions::from_mode(mode)).at(path)
}
