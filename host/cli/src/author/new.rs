//! `plugin new`: a plugin that works, to be changed. It is made whole or not at all, and over nothing that is there.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use regent_protocol::visible;

use super::New;
use super::sdk::Sdk;
use crate::ending::{Ending, Failure};
use crate::output;

/// A name stands in commands and on lines for people.
const NAME_MAX: usize = 64;

/// Rust's words, its own crates, the folders of a build, what a plugin is built on, and a TOML file that is no grants
/// file.
const TAKEN: &str = "\
    abstract as async await become box break const continue crate do dyn else enum extern false final fn for gen if impl in \
    let loop macro match mod move mut override priv pub ref return self Self static struct super trait true try type typeof \
    unsafe unsized use virtual where while \
    alloc core proc_macro std test \
    build deps examples incremental \
    regent_plugin serde serde_json \
    pyproject";

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
    // As it is typed: `cd hello`.
    let folder = if new.dir == Path::new(".") { PathBuf::from(name) } else { new.dir.join(name) };
    fs::create_dir(&folder).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => Failure::other(format!(
            "{}: is there already, and nothing is written over: take another name",
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
    match () {
        () if !good => Err(Failure::usage(format!(
            "{name:?} is no name of a plugin: write letters, digits, - and _, a letter first"
        ))),
        () if is_taken(name) => {
            Err(Failure::usage(format!("{name:?} means something else to Rust or Python: take another")))
        }
        () => Ok(name),
    }
}

/// Cargo takes no crate of these names, or takes it for another.
fn is_taken(name: &str) -> bool {
    let word = name.replace('-', "_");
    TAKEN.split_whitespace().any(|taken| taken == word)
}

fn write(folder: &Path, files: Files, name: &str, sdk: &Sdk, python: bool) -> Result<(), Failure> {
    let crates = sdk.folder().join("plugin");
    let crates = crates.to_str().ok_or_else(|| Failure::other("the SDK's path is not UTF-8"))?;
    // As TOML writes it, whatever is in it.
    let crates = toml_edit::Value::from(crates).to_string();
    let filled = |text: &str| text.replace("{{name}}", name).replace("\"{{sdk}}/plugin\"", &crates);
    for (path, text) in files {
        let path = folder.join(filled(path));
        let above = path.parent().unwrap_or(folder);
        fs::create_dir_all(above).and_then(|()| fs::write(&path, filled(text))).map_err(|error| at(&path, &error))?;
    }
    if !python {
        // The versions that the SDK was tried with; cargo takes out what is not needed.
        let lock = sdk.folder().join("Cargo.lock");
        match fs::copy(&lock, folder.join("Cargo.lock")) {
            // An SDK that is no build's: cargo then chooses.
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(at(&lock, &error)),
            _ => {}
        }
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
        for name in
            ["", "1a", "-a", "a b", "a/b", "ä", "fn", "test", "serde", "proc-macro", "regent-plugin", &"a".repeat(65)]
        {
            assert_eq!(named(name).unwrap_err().ending.number(), 2, "{name}");
        }
    }
}
