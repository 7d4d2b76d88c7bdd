//! Which module is meant, and which grants file stands beside it. Nothing here is believed: the files are only tried.

use std::fmt::{self, Display};
use std::fs;
use std::path::{Path, PathBuf};

use crate::files::{FileError, read_as_root, read_config};

/// TOML files of a plugin's folder that are no grants.
const NO_GRANTS: [&str; 7] =
    ["Cargo.toml", "pyproject.toml", "rustfmt.toml", "clippy.toml", "rust-toolchain.toml", "deny.toml", "taplo.toml"];

/// Why no module was found.
#[derive(Debug)]
pub(crate) enum PlaceError {
    /// Nothing has that name.
    Missing(PathBuf),
    /// The folder has no module.
    NotBuilt(PathBuf),
    /// The folder has so many modules.
    Several(PathBuf, usize),
    /// It could only be a plugin's name, and the plugins folders are unknown.
    NoConfig { name: String, why: FileError },
    /// It could only be a plugin's name, and no plugins folder has it.
    NoPlugin { name: String, folders: Vec<PathBuf> },
}

impl Display for PlaceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(path) => write!(f, "{}: there is no such file or folder", path.display()),
            Self::NotBuilt(folder) => {
                let folder = folder.display();
                write!(
                    f,
                    "{folder}: no module was built here: `regent plugin build {folder}` builds target/regent/NAME.wasm"
                )
            }
            Self::Several(folder, found) => {
                write!(f, "{}: {found} modules are here: name the one that you mean", folder.display())
            }
            Self::NoConfig { name, why } => write!(f, "there is no file {name} here; and as a plugin's name: {why}"),
            Self::NoPlugin { name, folders } => {
                let folders: Vec<String> = folders.iter().map(|folder| folder.display().to_string()).collect();
                write!(f, "there is no file {name} here, and no {name}.wasm in {}", folders.join(", "))
            }
        }
    }
}

/// What is tried.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The module.
    pub(crate) module: PathBuf,
    /// The grants file beside it, if there is one.
    pub(crate) grants: Option<PathBuf>,
    /// What a grants file for it would be called.
    pub(crate) grants_would_be: PathBuf,
}

/// A module as it was named, or that of a folder.
pub(crate) fn find(what: &Path) -> Result<Place, PlaceError> {
    if what.is_dir() {
        return of_folder(what);
    }
    if what.symlink_metadata().is_err() {
        return Err(PlaceError::Missing(what.to_path_buf()));
    }
    let beside = what.with_extension("toml");
    Ok(Place { module: what.to_path_buf(), grants: beside.is_file().then(|| beside.clone()), grants_would_be: beside })
}

/// A module by its plugin's name, in the plugins folders of regent.toml.
pub(crate) fn find_by_name(what: &Path, config: &Path) -> Result<PathBuf, PlaceError> {
    let name = what.to_str().filter(|name| !name.contains(['/', '.']));
    let Some(name) = name.filter(|_| what.symlink_metadata().is_err()) else {
        return find(what).map(|place| place.module);
    };
    let read = read_as_root(config).and_then(|text| read_config(config, &text));
    let folders = read.map_err(|why| PlaceError::NoConfig { name: name.to_owned(), why })?.plugins;
    let found = folders.iter().map(|folder| folder.join(format!("{name}.wasm"))).find(|path| path.exists());
    found.ok_or_else(|| PlaceError::NoPlugin { name: name.to_owned(), folders })
}

fn of_folder(folder: &Path) -> Result<Place, PlaceError> {
    let name = package_name(folder);
    let built = name.as_ref().map(|name| folder.join("target/regent").join(format!("{name}.wasm")));
    let module = match built.filter(|path| path.is_file()) {
        Some(built) => built,
        None => only(&folder.join("target/regent"), "wasm", &[])
            .or_else(|built| only(folder, "wasm", &[]).map_err(|found| found.max(built)))
            .map_err(|found| no_module(folder, found))?,
    };
    let stem = name.or_else(|| module.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned));
    let would_be = folder.join(format!("{}.toml", stem.as_deref().unwrap_or("plugin")));
    let grants = match would_be.is_file() {
        true => Some(would_be.clone()),
        false => only(folder, "toml", &NO_GRANTS).ok(),
    };
    Ok(Place { module, grants, grants_would_be: would_be })
}

fn no_module(folder: &Path, found: usize) -> PlaceError {
    match found {
        0 => PlaceError::NotBuilt(folder.to_path_buf()),
        found => PlaceError::Several(folder.to_path_buf(), found),
    }
}

/// The only file with this ending; else how many there are.
fn only(folder: &Path, ending: &str, but: &[&str]) -> Result<PathBuf, usize> {
    let is = |path: &PathBuf| {
        path.extension().is_some_and(|found| found == ending)
            && path.is_file()
            && !path.file_name().and_then(|name| name.to_str()).is_some_and(|name| but.contains(&name))
    };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is).collect();
    match found.len() {
        1 => found.pop().ok_or(0),
        several => Err(several),
    }
}

/// `name` under `[package]`. Cargo itself is not asked: it would want the network, a lock and seconds.
fn package_name(folder: &Path) -> Option<String> {
    let text = read_as_root(&folder.join("Cargo.toml")).ok()?;
    let package = text.lines().skip_while(|line| line.trim() != "[package]").skip(1);
    let mut package = package.take_while(|line| !line.trim_start().starts_with('['));
    let name = package.find_map(|line| line.trim().strip_prefix("name")?.trim_start().strip_prefix('='))?;
    let name = name.trim().strip_prefix('"')?.split('"').next()?;
    Some(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let text =
                if *file == "Cargo.toml" { "[package]\nname = \"greet\" # so\n[lib]\nname = \"x\"\n" } else { "" };
            fs::write(path, text).unwrap();
        }
        folder
    }

    fn found(files: &[&str]) -> Result<(String, Option<String>), PlaceError> {
        let folder = folder(files);
        let name = |path: &Path| path.strip_prefix(folder.path()).unwrap().display().to_string();
        find(folder.path()).map(|place| (name(&place.module), place.grants.as_deref().map(name)))
    }

    #[test]
    fn what_was_built_of_a_crate_is_its_module_and_the_only_other_toml_its_grants() {
        let files = ["Cargo.toml", "target/regent/greet.wasm", "old.wasm", "older.wasm", "clippy.toml", "rules.toml"];
        assert_eq!(found(&files).unwrap(), ("target/regent/greet.wasm".into(), Some("rules.toml".into())));
        let named = [files.as_slice(), &["greet.toml"]].concat();
        assert_eq!(found(&named).unwrap().1, Some("greet.toml".into()));
    }

    #[test]
    fn a_folder_with_one_module_is_that_module_and_with_none_or_two_it_is_said() {
        assert_eq!(found(&["say.wasm"]).unwrap(), ("say.wasm".into(), None));
        assert!(found(&["Cargo.toml"]).unwrap_err().to_string().contains("regent plugin build"));
        assert!(found(&["a.wasm", "b.wasm"]).unwrap_err().to_string().contains("2 modules are here"));
    }

    #[test]
    fn the_grants_of_a_file_stand_beside_it() {
        let folder = folder(&["say.wasm", "say.toml", "other.wasm"]);
        let beside = |name: &str| find(&folder.path().join(name)).unwrap();
        assert_eq!(beside("say.wasm").grants, Some(folder.path().join("say.toml")));
        assert_eq!(beside("other.wasm").grants, None);
        assert_eq!(beside("other.wasm").grants_would_be, folder.path().join("other.toml"));
        assert!(find(&folder.path().join("none.wasm")).unwrap_err().to_string().contains("no such file"));
    }
}
