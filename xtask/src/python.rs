//! Python: the original client, and a plugin that was never near our SDK. Both come from PyPI, pinned, into a virtual
//! environment of their own.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    error::{At, Error, Result},
    place,
    run::Run,
    test::machine,
};

/// The client that exists in the world, and the tool that makes components of Python.
const PACKAGES: [&str; 2] = ["regent==0.1.0", "componentize-py==0.25.1"];
/// 60 MB from PyPI over a slow line.
const INSTALL: Duration = Duration::from_mins(5);
/// It takes 10 s on a slow machine.
const COMPONENTIZE: Duration = Duration::from_mins(3);

/// Having one tells you: these packages are installed in it.
#[derive(Debug)]
pub(crate) struct Venv {
    bin: PathBuf,
}

impl Venv {
    /// A program in it: `python`, `componentize-py`.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }
}

/// The environment, made if it is not there.
pub(crate) fn venv() -> Result<Venv> {
    let (folder, pins) = (place::target().join("venv"), PACKAGES.join("\n"));
    let (venv, whole) = (Venv { bin: folder.join("bin") }, folder.join("whole"));
    if fs::read_to_string(&whole).is_ok_and(|found| found == pins) && venv.program("python").exists() {
        return Ok(venv);
    }
    if !can_make_one() {
        // Whatever comes of it: the next step says what is missing.
        if let Err(error) = machine::install(&["python3-venv"]) {
            eprintln!("{error}");
        }
    }
    place::remove(&folder)?;
    eprintln!("making {}: {}", folder.display(), PACKAGES.join(" "));
    Run::new("python3").args(["-m", "venv"]).arg(&folder).within(INSTALL).done().map_err(|error| {
        Error::new(format!("{error}\n  Python 3 with venv is needed: on Debian `apt install python3-venv`"))
    })?;
    Run::new(venv.program("python"))
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"])
        .args(PACKAGES)
        .within(INSTALL)
        .done()
        .map_err(|error| Error::new(format!("{error}\n  does this machine reach PyPI?")))?;
    fs::write(&whole, pins).at(&whole)?;
    Ok(venv)
}

/// Whether Python is there with what makes environments: Debian has that in a package of its own.
fn can_make_one() -> bool {
    let looked = "import importlib.util as u, sys; sys.exit(not (u.find_spec('venv') and u.find_spec('ensurepip')))";
    Run::new("python3").args(["-c", looked]).done().is_ok()
}

/// The tests' Python plugin, made from its source and `wit/` and nothing else.
pub(crate) fn component(venv: &Venv) -> Result<PathBuf> {
    let (source, wit) = (place::root().join("tests/python"), place::root().join("wit"));
    let folder = place::target().join("python");
    fs::create_dir_all(&folder).at(&folder)?;
    let made = folder.join("python.wasm");
    if newer(&made, &[&source, &wit])? {
        return Ok(made);
    }
    let part = folder.join("python.wasm.part");
    Run::new(venv.program("componentize-py"))
        .arg("--wit-path")
        .arg(&wit)
        .args(["--world", "finishing-plugin", "componentize", "--stub-wasi", "--python-path"])
        .arg(&source)
        .args(["plugin", "--output"])
        .arg(&part)
        .folder(&folder)
        .within(COMPONENTIZE)
        .done()?;
    fs::rename(&part, &made).at(&made)?;
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
