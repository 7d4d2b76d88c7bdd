//! Where grants files lie.

use std::path::PathBuf;

use regent_grants::{Config, is_name};

/// The folders of grants files, in the order in which a name is looked for.
#[must_use]
pub fn grants_folders(config: &Config) -> Vec<PathBuf> {
    match &config.grants {
        Some(folder) => vec![folder.clone()],
        None => config.plugins.clone(),
    }
}

/// The grants file of this plugin: that of the first folder which has one. `None`: none has, or no plugin can be called
/// so.
#[must_use]
pub fn grants_file(config: &Config, name: &str) -> Option<PathBuf> {
    let files = grants_folders(config).into_iter().map(|folder| folder.join(format!("{name}.toml")));
    files.filter(|_| is_name(name)).find(|file| file.symlink_metadata().is_ok())
}
