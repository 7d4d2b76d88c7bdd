//! What has to be there before anything is shown. What is missing is brought, or named.

use std::path::{Path, PathBuf};

use super::stage::NFT;
use crate::{
    build,
    error::{Error, Result},
    place,
    programs::Profile,
    python,
    test::machine,
    toolchain,
};

/// What root's part needs, and Debian's packages of it; the last three are on every Debian.
const NEEDED: &machine::Needed =
    &[("nft", "nftables"), ("unshare", "util-linux"), ("nsenter", "util-linux"), ("setpriv", "util-linux")];

/// Having one tells you: the programs and the plugins are built, and the Python client is there.
pub(super) struct Props {
    /// Folders `bin` and `plugins`.
    pub(super) dist: PathBuf,
    /// A Python that has the original client.
    pub(super) python: PathBuf,
    pub(super) root: bool,
    /// Whether the firewall's grants can be served.
    pub(super) nft: bool,
}

impl Props {
    /// The cheap things first: what cannot be had is said before minutes are spent.
    pub(super) fn bring() -> Result<Self> {
        let root = machine::is_root();
        if let Some(missing) = root.then(|| machine::programs(NEEDED)).flatten() {
            return Err(missing);
        }
        let python = python::venv()?.program("python");
        Ok(Self { dist: dist()?, python, root, nft: Path::new(NFT).exists() })
    }
}

/// Built now; or what REGENT_DIST names, as it is.
fn dist() -> Result<PathBuf> {
    let Some(dist) = std::env::var_os("REGENT_DIST").filter(|dist| !dist.is_empty()) else {
        build::with(&toolchain::wasm()?, Profile::Dev)?;
        return Ok(place::dist());
    };
    let dist = PathBuf::from(dist);
    if !dist.join("bin/regentd").exists() {
        return Err(Error::new(format!("REGENT_DIST: there is no bin/regentd in {}", dist.display())));
    }
    eprintln!("nothing is built; shown is {}", dist.display());
    Ok(dist)
}
