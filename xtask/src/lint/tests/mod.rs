//! Planted offences, and what must not be taken for one.

mod comments;
mod cycles;
mod figures;
mod sizes;
mod string_errors;
mod type_names;
mod uses;

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::package::{self, Package};

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// The packages below `host`.
fn packages(root: &Path) -> Vec<Package> {
    package::packages(root, &["host"]).unwrap()
}

/// The package `host/one`, whose sources are these files of `src`.
fn package(files: &[(&str, &str)]) -> Package {
    let folder = folder(&[("host/one/Cargo.toml", "")]);
    for (name, text) in files {
        let path = folder.path().join("host/one/src").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    packages(folder.path()).remove(0)
}
