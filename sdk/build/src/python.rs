//! A folder of Python as a component: componentize-py from PyPI, in a virtual environment of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{At, Error, Result};
use crate::folder;
use crate::run::Run;

/// What makes components of Python.
pub const COMPONENTIZE: &str = "componentize-py==0.25.1";
/// 60 MB from PyPI over a slow line.
const INSTALL: Duration = Duration::from_mins(5);
/// It takes 10 s on a slow machine.
const COMPONENTIZE_WITHIN: Duration = Duration::from_mins(3);

/// Having one tells you: these packages are installed in it.
#[derive(Debug)]
pub struct Venv {
    bin: PathBuf,
}

impl Venv {
    /// A program in it: `python`, `componentize-py`.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }

    /// Makes `out` of the module `module` in `source`, for this world of the WIT folder.
    ///
    /// # Errors
    /// What componentize-py says went to standard error.
    pub fn component(&self, source: &Path, module: &str, wit: &Path, world: &str, out: &Path) -> Result<()> {
        let part = out.with_extension("wasm.part");
        Run::new(self.program("componentize-py"))
            .arg("--wit-path")
            .arg(wit)
            .args(["--world", world, "componentize", "--stub-wasi", "--python-path"])
            .arg(source)
            .arg(module)
            .arg("--output")
            .arg(&part)
            .folder(out.parent().unwrap_or(Path::new(".")))
            .within(COMPONENTIZE_WITHIN)
            .done()?;
        fs::rename(&part, out).at(out)
    }
}

/// The environment in this folder with these packages, made if it is not there.
///
/// # Errors
/// What is missing, and how it is to be had.
pub fn venv(at: &Path, packages: &[&str]) -> Result<Venv> {
    let at = &lasting(at)?;
    let made_as = made_as(at, packages);
    let (venv, whole) = (Venv { bin: at.join("bin") }, at.join("whole"));
    if fs::read_to_string(&whole).is_ok_and(|found| found == made_as) && venv.program("python").exists() {
        return Ok(venv);
    }
    folder::remove(at)?;
    eprintln!("making {}: {}", at.display(), packages.join(" "));
    let python = if can_make_one() { interpreter() } else { "python3" };
    Run::new(python).args(["-m", "venv"]).arg(at).within(INSTALL).done().map_err(|error| {
        Error::new(format!("{error}\n  Python 3 with venv is needed: on Debian `apt install python3-venv`"))
    })?;
    Run::new(venv.program("python"))
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"])
        .args(packages)
        .within(INSTALL)
        .done()
        .map_err(|error| Error::new(format!("{error}\n  does this machine reach PyPI?")))?;
    fs::write(&whole, made_as).at(&whole)?;
    Ok(venv)
}

/// The folder by the path that lasts: without the links by which it was reached.
fn lasting(at: &Path) -> Result<PathBuf> {
    let (above, name) = (at.parent().unwrap_or(Path::new(".")), at.file_name().unwrap_or_default());
    fs::create_dir_all(above).at(above)?;
    Ok(above.canonicalize().at(above)?.join(name))
}

/// What an environment is known by. Its programs begin with its path, so one that was moved is none.
fn made_as(at: &Path, packages: &[&str]) -> String {
    format!("{}\n{}", at.display(), packages.join("\n"))
}

/// Whether Python is there with what makes environments: Debian has that in a package of its own.
#[must_use]
pub fn can_make_one() -> bool {
    let looked = "import importlib.util as u, sys; sys.exit(not (u.find_spec('venv') and u.find_spec('ensurepip')))";
    Run::new(interpreter()).args(["-c", looked]).done().is_ok()
}

/// The machine's own Python, which each of its users may run: one from somebody's home is that one's alone.
fn interpreter() -> &'static str {
    const SYSTEM: &str = "/usr/bin/python3";
    if Path::new(SYSTEM).exists() { SYSTEM } else { "python3" }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn an_environment_is_one_however_it_is_reached_and_none_once_it_was_moved() {
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().canonicalize().unwrap().join("cache");
        let link = folder.path().join("link");
        symlink(&cache, &link).unwrap();
        let made = lasting(&cache.join("venv")).unwrap();
        assert_eq!(lasting(&link.join("venv")).unwrap(), made);
        assert_ne!(made_as(&folder.path().join("moved/venv"), &["a==1"]), made_as(&made, &["a==1"]));
        assert_ne!(made_as(&made, &["a==2"]), made_as(&made, &["a==1"]));
    }

    #[test]
    fn what_is_whole_is_taken_as_it_is_and_nothing_is_fetched() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().canonicalize().unwrap().join("venv");
        fs::create_dir_all(at.join("bin")).unwrap();
        fs::write(at.join("bin/python"), "").unwrap();
        fs::write(at.join("whole"), made_as(&at, &["no-such-package==1"])).unwrap();
        assert_eq!(venv(&at, &["no-such-package==1"]).unwrap().program("python"), at.join("bin/python"));
    }
}
