//! Why what lies in the folders is not what serves.

use std::fmt;
use std::path::{Path, PathBuf};

use regent_lane::ModuleError;

use crate::plugin::load_error::{LoadError, LoadErrors};
use crate::plugin::module::ModuleDigest;

/// One reason, for the administrator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnservedReason {
    /// Somebody still writes to this file. It is read when it is closed.
    BeingWritten(PathBuf),
    /// A mistake in the grants file, as the parser or the spawner words it.
    Grants(String),
    /// None of these folders has the module.
    NoModule { name: String, folders: String },
    /// The module cannot be read.
    Unreadable(ModuleError),
    /// The module is not the one that the grants or the list beside it name.
    WrongModule { path: PathBuf, found: ModuleDigest, plugin: String, wanted: Wanted },
    /// The module cannot be loaded, or nothing can on this machine as it is.
    Load(LoadError),
    /// A rule of `allow` names a user or group that does not exist.
    Unresolved { plugin: String, operation: String, why: String },
}

/// Which module may serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// One that the grants pin.
    Pinned(Vec<ModuleDigest>),
    /// The one that SHA256SUMS names.
    Listed(ModuleDigest),
}

impl UnservedReason {
    /// The reason with the grants file that it is about, unless it names a file itself.
    pub(super) fn located(&self, grants: &Path) -> String {
        let names_a_file = match self {
            Self::BeingWritten(_) | Self::WrongModule { .. } => true,
            Self::Unreadable(error) => error.code.is_none(),
            // Not our own words: nearly all begin with the file and a line.
            Self::Grants(text) => text.starts_with('/'),
            Self::NoModule { .. } | Self::Load(_) | Self::Unresolved { .. } => false,
        };
        if names_a_file { self.to_string() } else { format!("{}: {self}", grants.display()) }
    }
}

impl From<String> for UnservedReason {
    fn from(text: String) -> Self {
        Self::Load(text.into())
    }
}

impl From<LoadErrors> for Vec<UnservedReason> {
    fn from(LoadErrors(errors): LoadErrors) -> Self {
        errors.into_iter().map(UnservedReason::Load).collect()
    }
}

impl fmt::Display for UnservedReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BeingWritten(path) => write!(f, "{}: is being written", path.display()),
            Self::Grants(text) => f.write_str(text),
            Self::NoModule { name, folders } => write!(f, "there is no {name}.wasm in {folders}: put it there"),
            Self::Unreadable(error) => error.fmt(f),
            Self::WrongModule { path, found, plugin, wanted } => wanted.unmet(f, path, &hex::encode(found), plugin),
            Self::Load(error @ LoadError::Describe(_)) => write!(f, "{error}. Its author can repair it"),
            Self::Load(error) => error.fmt(f),
            Self::Unresolved { plugin, operation, why } => {
                write!(f, "{plugin}: operation {operation}: allow: {why}, so it is not served")
            }
        }
    }
}

impl Wanted {
    fn unmet(&self, f: &mut fmt::Formatter<'_>, path: &Path, found: &str, plugin: &str) -> fmt::Result {
        let path = path.display();
        match self {
            Self::Pinned(pins) => {
                let pinned = pins.iter().map(hex::encode).collect::<Vec<_>>().join(" or ");
                write!(
                    f,
                    "{path} is not the module that {plugin}.toml pins: it has sha256 {found}, and pinned is {pinned}. If \
                     that is the one you mean: regent plugin upgrade {plugin}"
                )
            }
            Self::Listed(digest) => write!(
                f,
                "{path} is not the module that SHA256SUMS beside it names: it has sha256 {found}, and the list says {}. \
                 Install the package again, or pin it: sha256 = \"{found}\" in {plugin}.toml",
                hex::encode(digest)
            ),
        }
    }
}
