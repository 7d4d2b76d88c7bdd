//! Which modules a machine accepts: `plugin enable`, `upgrade`, `rollback`, `disable`. A module is accepted by its
//! digest, in the grants file, and only by a person who was shown what it says of itself, or by a script that names the
//! digest. Nothing is granted here: that a person writes.

// A first grants file.
mod enable;
// What it suggests.
mod suggestion;
// Another module than before.
mod upgrade;
// What is different between two modules.
mod difference;
// A grants file's pins, changed.
mod pins;
// Modules that served before.
mod kept;
// What is held, and void with another module.
mod voided;
// Away, and back.
mod disable;

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use regent_files::{Folder, Standing};
use regent_grants::is_name;

pub(crate) use disable::disable;
pub(crate) use enable::enable;
pub(crate) use upgrade::{rollback, upgrade};

use crate::ending::Failure;
use crate::files::{self, Configuration};
use pins::Pins;

/// What stands behind a grants file's name while it is away.
const DISABLED: &str = "disabled";

/// An operation that serves every name, for grants whose operations have `run`.
const EVERY_NAME: &str = "*";

/// A plugin's grants file as it stands.
struct Installed {
    folder: Folder,
    /// The file's name.
    file: String,
    text: String,
    standing: Standing,
    pins: Pins,
}

impl Installed {
    fn read(configuration: &Configuration, name: &str) -> Result<Self, Failure> {
        let file = grants_file(name)?;
        let Some(folder) = folder_with(configuration, &file)? else {
            let folders: Vec<String> = shown(&configuration.grants_folders());
            return Err(Failure {
                advice: Some(format!("make one: regent plugin enable {name}")),
                ..Failure::other(format!("there is no {file} in {}", folders.join(", ")))
            });
        };
        let (text, standing) = folder.read(&file).map_err(files::said)?;
        let pins = Pins::read(&folder.path().join(&file), &text)?;
        Ok(Self { folder, file, text, standing, pins })
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join(&self.file)
    }

    /// The module that lies in a folder of plugins.
    fn module(&self, configuration: &Configuration, name: &str) -> Result<PathBuf, Failure> {
        module_file(configuration, self.pins.module().unwrap_or(name))
    }

    /// The same file with this digest as its first pin, before `others`; what parsed before parses then too.
    fn pinned(
        &self,
        configuration: &Configuration,
        name: &str,
        digest: &str,
        others: &[String],
    ) -> Result<String, Failure> {
        let text = self.pins.with(digest, others);
        let file = self.path().display().to_string();
        let parse = |text: &str| regent_grants::Grants::parse(name, &file, text, &configuration.config);
        if parse(&self.text).is_ok() && parse(&text).is_err() {
            return Err(Failure::other(format!(
                "{file}: cannot be changed by a program: write sha256 = [\"{digest}\"]"
            )));
        }
        Ok(text)
    }
}

fn grants_file(name: &str) -> Result<String, Failure> {
    if is_name(name) {
        return Ok(format!("{name}.toml"));
    }
    Err(Failure::usage(format!("{name:?} is no name of a plugin: it has 1 to 64 letters, digits, - and _")))
}

/// The folder of grants that has this file.
fn folder_with(configuration: &Configuration, file: &str) -> Result<Option<Folder>, Failure> {
    for path in configuration.grants_folders() {
        let folder = Folder::open(path).map_err(files::said)?;
        if folder.has(file).map_err(files::said)? {
            return Ok(Some(folder));
        }
    }
    Ok(None)
}

/// The module of this name, as a daemon finds it.
fn module_file(configuration: &Configuration, module: &str) -> Result<PathBuf, Failure> {
    let folders = &configuration.config.plugins;
    let found = folders.iter().map(|folder| folder.join(format!("{module}.wasm"))).find(|path| path.exists());
    found.ok_or_else(|| {
        let folders: Vec<String> = shown(&folders.iter().map(PathBuf::as_path).collect::<Vec<_>>());
        Failure::other(format!("there is no {module}.wasm in {}: put it there", folders.join(", ")))
    })
}

fn shown(folders: &[&Path]) -> Vec<String> {
    folders.iter().map(|folder| folder.display().to_string()).collect()
}

/// Asks the person at the terminal; whoever cannot be asked is told what to say instead.
fn agreed(question: &str, instead: &str) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage(format!("there is nobody to ask: {instead}")));
    }
    let mut asked = std::io::stderr();
    let said = |why| Failure::other(format!("terminal: {why}"));
    write!(asked, "{question} [y/N] ").and_then(|()| asked.flush()).map_err(said)?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(said)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
