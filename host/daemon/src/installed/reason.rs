//! Why what lies in the folders is not what serves.

use std::path::{Path, PathBuf};

use regent_lane::ModuleError;

use crate::plugin::load_error::{LoadError, LoadErrors};
use crate::plugin::module::ModuleDigest;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnservedReason {
    /// Somebody still writes to this file. It is read when it is closed.
    #[error("{}: is being written", _0.display())]
    BeingWritten(PathBuf),
    /// A mistake in the grants file, as the parser or the spawner words it.
    #[error("{0}")]
    Grants(String),
    #[error("there is no {name}.wasm in {folders}: put it there")]
    NoModule { name: String, folders: String },
    #[error("{0}")]
    Unreadable(ModuleError),
    #[error("{}", expected.unmet(path, found, plugin))]
    WrongModule { path: PathBuf, found: ModuleDigest, plugin: String, expected: ExpectedModule },
    /// The module cannot be loaded, or nothing can on this machine as it is.
    #[error("{_0}{}", repair(_0))]
    Load(LoadError),
    /// A rule of `allow` names a user or group that does not exist.
    #[error("{plugin}: operation {operation}: allow: {why}, so it is not served")]
    Unresolved { plugin: String, operation: String, why: String },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExpectedModule {
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

impl From<LoadErrors> for Vec<UnservedReason> {
    fn from(LoadErrors(errors): LoadErrors) -> Self {
        errors.into_iter().map(UnservedReason::Load).collect()
    }
}

/// What is told besides of what only the plugin's author can mend.
fn repair(error: &LoadError) -> &'static str {
    if matches!(error, LoadError::Describe(_)) { ". Its author can repair it" } else { "" }
}

impl ExpectedModule {
    fn unmet(&self, path: &Path, found: &ModuleDigest, plugin: &str) -> String {
        let (path, found) = (path.display(), hex::encode(found));
        match self {
            Self::Pinned(pins) => {
                let pinned = pins.iter().map(hex::encode).collect::<Vec<_>>().join(" or ");
                format!(
                    "{path} is not the module that {plugin}.toml pins: it has sha256 {found}, and pinned is {pinned}. \
                     If that is the one you mean: regent plugin upgrade {plugin}"
                )
            }
            Self::Listed(digest) => format!(
                "{path} is not the module that SHA256SUMS beside it names: it has sha256 {found}, and the list \
                 says {}. Install the package again, or pin it: sha256 = \"{found}\" in {plugin}.toml",
                hex::encode(digest)
            ),
        }
    }
}
