//! What a plugin author outside this repository builds with: the SDK's crates and the WIT, as folders that stand alone.
//! The manifest above the crates says for them what this repository's says, and nothing of what is not there.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use regent_build::{At as _, Error, Result};
use toml_edit::{Array, DocumentMut, Item, Table, value};

use crate::{dist, place};

/// Its crates: where each is here, and there.
const CRATES: [(&str, &str); 3] = [("sdk/plugin", "plugin"), ("host/grants", "grants"), ("host/lane", "lane")];

/// Fills the folders `sdk` and `wit` of a build.
pub(crate) fn fill(folder: &Path) -> Result<()> {
    let sdk = folder.join("sdk");
    for (from, to) in CRATES {
        let (from, to) = (place::root().join(from), sdk.join(to));
        copy(&from.join("src"), &to.join("src"))?;
        as_old(&from.join("Cargo.toml"), &to.join("Cargo.toml"))?;
    }
    copy(&place::root().join("wit"), &folder.join("wit"))?;
    // The versions that were tried, for whoever begins with them.
    dist::install(&place::root().join("Cargo.lock"), &sdk.join("Cargo.lock"), 0o644)?;
    let manifest = place::root().join("Cargo.toml");
    let written = alone(&fs::read_to_string(&manifest).at(&manifest)?)?;
    let to = sdk.join("Cargo.toml");
    fs::write(&to, written).at(&to)?;
    dist::permit(&to, 0o644)?;
    dist::permit(&sdk, 0o755)
}

/// The workspace's manifest with these crates alone.
fn alone(manifest: &str) -> Result<String> {
    let mut document: DocumentMut = manifest.parse().map_err(|why| Error::new(format!("Cargo.toml: {why}")))?;
    document.retain(|key, _| key == "workspace");
    let none = || Error::new("Cargo.toml has no [workspace]");
    let workspace = document.get_mut("workspace").and_then(Item::as_table_mut).ok_or_else(none)?;
    workspace.remove("default-members");
    workspace.insert("members", value(CRATES.iter().map(|(_, there)| *there).collect::<Array>()));
    let dependencies = workspace.get_mut("dependencies").and_then(Item::as_table_mut).ok_or_else(none)?;
    near(dependencies);
    Ok(document.to_string())
}

/// Of the dependencies by path only those that are there, where they are there.
fn near(dependencies: &mut Table) {
    let there = |path: &str| CRATES.iter().find(|(here, _)| *here == path).map(|(_, there)| *there);
    dependencies.retain(|_, item| item.get("path").and_then(Item::as_str).is_none_or(|path| there(path).is_some()));
    for (_, item) in dependencies.iter_mut() {
        let moved = item.get("path").and_then(Item::as_str).and_then(there);
        if let (Some(moved), Some(table)) = (moved, item.as_inline_table_mut()) {
            table.insert("path", moved.into());
        }
    }
}

/// A folder with all below it, but for the crates' own tests. Every user of the machine may read it.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).at(to)?;
    let above = to.parent().unwrap_or(to);
    [above, to].into_iter().try_for_each(|folder| dist::permit(folder, 0o755))?;
    for entry in fs::read_dir(from).at(from)? {
        let path: PathBuf = entry.at(from)?.path();
        let Some(name) = path.file_name() else { continue };
        match path.is_dir() {
            true if name == "tests" => {}
            true => copy(&path, &to.join(name))?,
            false => as_old(&path, &to.join(name))?,
        }
    }
    Ok(())
}

/// Copies a file with its time, by which cargo knows whether to compile it again: a build of ours that changes nothing
/// in the SDK is none for those who use it.
fn as_old(from: &Path, to: &Path) -> Result<()> {
    dist::install(from, to, 0o644)?;
    let time = fs::metadata(from).and_then(|found| found.modified()).at(from)?;
    File::options().write(true).open(to).and_then(|file| file.set_modified(time)).at(to)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on panics")]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_manifest_names_what_is_there_and_nothing_else() {
        let manifest = fs::read_to_string(place::root().join("Cargo.toml")).unwrap();
        let alone = alone(&manifest).unwrap();
        assert!(alone.contains("members = [\"plugin\", \"grants\", \"lane\"]"), "{alone}");
        assert!(
            alone.contains("path = \"grants\"") && !alone.contains("host/") && !alone.contains("path = \"sdk/"),
            "{alone}"
        );
        assert!(!alone.contains("[profile") && !alone.contains("default-members"), "{alone}");
    }

    #[test]
    fn cargo_finds_in_the_folders_all_that_the_crates_name() {
        let folder = tempfile::tempdir().unwrap();
        fill(folder.path()).unwrap();
        let sdk = folder.path().join("sdk");
        let read =
            regent_build::cargo(&sdk).args(["metadata", "--no-deps", "--offline", "--format-version", "1"]).text();
        let read: serde_json::Value = serde_json::from_str(&read.unwrap()).unwrap();
        let found = read["packages"].as_array().unwrap();
        assert_eq!(found.len(), CRATES.len());
        for dependency in found.iter().flat_map(|package| package["dependencies"].as_array().unwrap()) {
            let Some(path) = dependency["path"].as_str() else { continue };
            assert!(Path::new(path).starts_with(&sdk) && Path::new(path).join("Cargo.toml").is_file(), "{path}");
        }
        assert!(folder.path().join("wit/world.wit").is_file(), "what the bindings are generated from");
    }

    #[test]
    fn everybody_may_read_it_nobody_write_it_and_it_is_as_old_as_its_source() {
        let folder = tempfile::tempdir().unwrap();
        fill(folder.path()).unwrap();
        let mut ahead = vec![folder.path().join("sdk"), folder.path().join("wit")];
        while let Some(path) = ahead.pop() {
            let found = fs::metadata(&path).unwrap();
            let mode = if found.is_dir() { 0o755 } else { 0o644 };
            assert_eq!(found.permissions().mode() & 0o777, mode, "{}", path.display());
            if found.is_dir() {
                ahead.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            }
        }
        let time = |path: PathBuf| fs::metadata(path).unwrap().modified().unwrap();
        assert_eq!(
            time(folder.path().join("sdk/plugin/src/lib.rs")),
            time(place::root().join("sdk/plugin/src/lib.rs"))
        );
    }
}
