//! Python: the original client, and a plugin that was never near our SDK. Both come from PyPI, pinned, into a virtual
//! environment of their own.

use std::{
    fs,
    path::{Path, PathBuf},
};

use regent_build::{
    At as _, Result,
    python::{self, COMPONENTIZE, Venv},
};

use crate::{place, test::machine};

/// The client that exists in the world, the tool that makes components of Python, and the reader of what goes into
/// compose files.
const PACKAGES: [&str; 3] = ["regent==0.1.0", COMPONENTIZE, "PyYAML==6.0.3"];

/// The environment, made if it is not there.
pub(crate) fn venv() -> Result<Venv> {
    if !python::can_make_one() {
        // Whatever comes of it: the next step says what is missing.
        if let Err(error) = machine::install(&["python3-venv"]) {
            eprintln!("{error}");
        }
    }
    python::venv(&place::target().join("venv"), &PACKAGES)
}

/// The tests' Python plugin, made from its source and `wit/` and nothing else.
pub(crate) fn component(venv: &Venv) -> Result<PathBuf> {
    let (source, wit) = (place::root().join("tests/python"), place::root().join("wit"));
    let folder = place::target().join("python");
    fs::create_dir_all(&folder).at(&folder)?;
    let made = folder.join("python.wasm");
    if !newer(&made, &[&source, &wit])? {
        venv.component(&source, "plugin", &wit, "finishing-plugin", &made)?;
    }
    Ok(made)
}

/// Whether a file is there and newer than every file of these folders.
fn newer(file: &Path, folders: &[&Path]) -> Result<bool> {
    let Ok(made) = fs::metadata(file).and_then(|found| found.modified()) else { return Ok(false) };
    for folder in folders {
        for entry in fs::read_dir(folder).at(folder)? {
            let path = entry.at(folder)?.path();
            if path.is_file() && fs::metadata(&path).and_then(|found| found.modified()).at(&path)? >= made {
                return Ok(false);
            }
        }
    }
    Ok(true)
}
