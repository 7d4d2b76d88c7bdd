//! Secrets that a service manager hands over: systemd.exec(5), `LoadCredential=`. It names a folder in the environment,
//! which nothing that the daemon starts inherits; a file in it is a secret file like any other.

use std::path::PathBuf;

/// Named by systemd.exec(5).
const FOLDER: &str = "CREDENTIALS_DIRECTORY";

/// A folder that nobody can have meant: its path is not absolute.
#[derive(Debug, thiserror::Error)]
#[error("{FOLDER} is {path}, which is no absolute path", path = _0.display())]
pub struct RelativeFolder(PathBuf);

/// Where a service manager put them, if one did.
pub fn folder() -> Option<PathBuf> {
    std::env::var_os(FOLDER).map(PathBuf::from)
}

/// Where the credential of this name is, whether or not it is there. `None`: nobody handed any over.
pub fn path(name: &str) -> Result<Option<PathBuf>, RelativeFolder> {
    let Some(folder) = folder() else { return Ok(None) };
    if folder.is_absolute() { Ok(Some(folder.join(name))) } else { Err(RelativeFolder(folder)) }
}

/// What is to be written so that it is handed over.
pub fn cure(name: &str) -> String {
    format!("write LoadCredential={name}:/path/to/the/secret below [Service] in the unit of regentd, and restart it")
}

/// What is said where nobody handed any over.
pub fn nobody(name: &str) -> String {
    format!("credential {name}: {FOLDER} is not set, so no service manager handed it over: {}", cure(name))
}
