//! Folders whose content can be made again.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{At, Result};

/// An empty folder of this name: what a former run left in it is gone.
///
/// # Errors
/// The system's.
pub fn emptied(folder: PathBuf) -> Result<PathBuf> {
    remove(&folder)?;
    fs::create_dir_all(&folder).at(&folder)?;
    Ok(folder)
}

/// No folder of this name.
///
/// # Errors
/// The system's.
pub fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error).at(folder),
        _ => Ok(()),
    }
}
