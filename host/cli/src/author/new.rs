//! `plugin new`: a plugin that works, to be changed. It is made whole or not at all, and over nothing that is there.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use regent_protocol::visible;

use super::New;
use super::sdk::Sdk;
use crate::ending::{Ending, Failure};
use crate::output;

/// A name stands in commands and on lines for people.
const NAME_MAX: usize = 64;

/// Path and text of each file.
type Files = &'static [(&'static str, &'static str)];

const RUST: Files = &[
    ("Cargo.toml", include_str!("../../templates/rust/Cargo.toml")),
    ("src/lib.rs", include_str!("../../templates/rust/lib.rs")),
    ("{{name}}.toml", include_str!("../../templates/grants.toml")),
    ("README.md", include_str!("../../templates/rust/README.md")),
    (".gitignore", include_str!("../../templates/rust/gitignore")),
];

const PYTHON: Files = &[
    ("app.py", include_str!("../../templates/python/app.py")),
    ("regent_plugin.py", include_str!("../../templates/python/regent_plugin.py")),
    ("test_app.py", include_str!("../../templates/python/test_app.py")),
    ("{{name}}.toml", include_str!("../../templates/grants.toml")),
    ("README.md", include_str!("../../templates/python/README.md")),
    (".gitignore", include_str!("../../templates/python/gitignore")),
];

pub(crate) fn new(new: &New) -> Result<Ending, Failure> {
    let name = named(&new.name)?;
    let sdk = Sdk::find()?;
    let folder = new.dir.join(name);
    fs::create_dir(&folder).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => Failure::other(format!(
            "{}: is there already, and is left as it is: take another name, or --dir",
            folder.display()
        )),
        _ => at(&folder, &error),
    })?;
    let written = write(&folder, if new.python { PYTHON } else { RUST }, name, &sdk, new.python);
    if let Err(failure) = written {
        // Whoever tries again finds no half of it.
        let _as_it_was = fs::remove_dir_all(&folder);
        return Err(failure);
    }
    output::print(&next(&folder, name, new.python))?;
    Ok(Ending::Done)
}

fn named(name: &str) -> Result<&str, Failure> {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let good = name.len() <= NAME_MAX
        && name.bytes().all(letter)
        && name.starts_with(|first: char| first.is_ascii_alphabetic());
    // Cargo takes no crate of these names, and the SDK has its own.
    if good && !["test", "std", "core", "regent-plugin", "regent_plugin"].contains(&name) {
        return Ok(name);
    }
    Err(Failure::usage(format!("{name:?} is no name of a plugin: write letters, digits, - and _, a letter first")))
}

fn write(folder: &Path, files: Files, name: &str, sdk: &Sdk, python: bool) -> Result<(), Failure> {
    let sdk_folder = sdk.folder().to_str().ok_or_else(|| Failure::other("the SDK's path is not UTF-8"))?;
    let filled = |text: &str| text.replace("{{name}}", name).replace("{{sdk}}", sdk_folder);
    for (path, text) in files {
        let path = folder.join(filled(path));
        let above = path.parent().unwrap_or(folder);
        fs::create_dir_all(above).and_then(|()| fs::write(&path, filled(text))).map_err(|error| at(&path, &error))?;
    }
    if !python {
        // The versions that the SDK was tried with; cargo takes out what is not needed.
        let lock = sdk.folder().join("Cargo.lock");
        fs::copy(&lock, folder.join("Cargo.lock")).map_err(|error| at(&lock, &error))?;
    }
    Ok(())
}

fn at(path: &Path, error: &std::io::Error) -> Failure {
    Failure::other(format!("{}: {error}", path.display()))
}

fn next(folder: &Path, name: &str, python: bool) -> String {
    let place = visible::argument(&folder.display().to_string());
    let test = if python { "python3 test_app.py" } else { "cargo test" };
    format!(
        "{place} is a plugin that works. Next:\n    cd {place}\n    {test}\n    regent plugin build\n    regent plugin run . {name} name=Ben"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_that_cargo_grants_files_and_shells_take() {
        for name in ["hello", "open-port", "a_1"] {
            assert_eq!(named(name).unwrap(), name);
        }
        for name in ["", "1a", "-a", "a b", "a/b", "ä", "test", "regent-plugin", &"a".repeat(65)] {
            assert_eq!(named(name).unwrap_err().ending.number(), 2, "{name}");
        }
    }
}
