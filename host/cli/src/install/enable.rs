//! `plugin enable`: a first grants file for a module, which grants nothing; or the one that `plugin disable` put away.

use std::path::{Path, PathBuf};

use regent_files::Folder;
use regent_protocol::{DescribedOperation, WantedCommand, visible};
use serde::Serialize;

use super::{DISABLED, agreed, folder_with, grants_file, module_file, suggestion};
use crate::arguments::Enable;
use crate::described;
use crate::ending::{Ending, Failure};
use crate::files::{self, Configuration};
use crate::output;

/// Anybody may read what is granted; root decides.
const MODE: u32 = 0o644;

/// What came of it, for programs.
#[derive(Default, Serialize)]
struct EnableReport {
    plugin: String,
    /// The grants file.
    file: String,
    /// `written`, `would-be-written`, `back`, `would-be-back` or `there`.
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    module: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    operations: Vec<DescribedOperation>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    wants: Vec<WantedCommand>,
}

/// A plugin by its name, and its module if that was named itself.
struct Named {
    name: String,
    module: Option<PathBuf>,
}

pub(crate) fn enable(asked: &Enable) -> Result<Ending, Failure> {
    let configuration = Configuration::read(&asked.config.config)?;
    let named = Named::of(&asked.what)?;
    let file = grants_file(&named.name)?;
    if let Some(folder) = folder_with(&configuration, &file)? {
        let path = folder.path().join(&file).display().to_string();
        let said = format!(
            "{}: exists already: left as it is (another module is accepted by: regent plugin upgrade {})",
            visible::line(&path),
            named.name
        );
        return told(
            asked,
            EnableReport { plugin: named.name, file: path, state: "there", ..EnableReport::default() },
            &said,
        );
    }
    if let Some(folder) = folder_with(&configuration, &format!("{file}.{DISABLED}"))? {
        return back(asked, &named, &folder, &file);
    }
    first(asked, &configuration, &named, &file)
}

impl Named {
    fn of(what: &str) -> Result<Self, Failure> {
        let Some(stem) = what.strip_suffix(".wasm") else {
            return Ok(Self { name: what.to_owned(), module: None });
        };
        let module = std::path::absolute(what).map_err(|why| Failure::other(format!("{what}: {why}")))?;
        let name = stem.rsplit('/').next().unwrap_or(stem).to_owned();
        Ok(Self { name, module: Some(module) })
    }
}

/// The file that was put away.
fn back(asked: &Enable, named: &Named, folder: &Folder, file: &str) -> Result<Ending, Failure> {
    let path = folder.path().join(file).display().to_string();
    let state = if asked.print {
        "would-be-back"
    } else {
        folder.rename(&format!("{file}.{DISABLED}"), file).map_err(files::said)?;
        "back"
    };
    let said = format!(
        "{}: {}as it was before it was disabled",
        visible::line(&path),
        if asked.print { "would be " } else { "" }
    );
    told(asked, EnableReport { plugin: named.name.clone(), file: path, state, ..EnableReport::default() }, &said)
}

/// A first file.
fn first(asked: &Enable, configuration: &Configuration, named: &Named, file: &str) -> Result<Ending, Failure> {
    let path = match &named.module {
        Some(path) => path.clone(),
        None => module_file(configuration, &named.name)?,
    };
    let module = described::describe(&path)?;
    let folder = match &configuration.config.grants {
        Some(folder) => folder.clone(),
        None => path.parent().unwrap_or(Path::new("/")).to_path_buf(),
    };
    let folder = Folder::open(&folder).map_err(files::said)?;
    let at = folder.path().join(file).display().to_string();
    let text = suggestion::grants(&named.name, &module);
    if !asked.json {
        output::print(&format!("{}:\n{text}", visible::line(&at)))?;
    }
    let state = if asked.print {
        "would-be-written"
    } else {
        let question = format!("Write this to {}?", visible::line(&at));
        if !asked.yes && !agreed(&question, "say --yes to write it, or --print to read it")? {
            return Err(Failure::other("nothing was written"));
        }
        folder.create(file, MODE, None, text.as_bytes()).map_err(files::said)?;
        "written"
    };
    let said = if asked.print { String::new() } else { next(configuration, &path, &named.name, &at) };
    let report = EnableReport {
        plugin: named.name.clone(),
        file: at,
        state,
        module: Some(path.display().to_string()),
        sha256: Some(module.sha256),
        operations: module.operations,
        wants: module.wants,
    };
    told(asked, report, &said)
}

fn told(asked: &Enable, report: EnableReport, said: &str) -> Result<Ending, Failure> {
    if asked.json {
        output::document(&report)?
    } else {
        output::print(said)?
    }
    Ok(Ending::Done)
}

/// What to type now.
fn next(configuration: &Configuration, module: &Path, name: &str, grants: &str) -> String {
    let folders = &configuration.config.plugins;
    let install = match folders.first() {
        Some(first) if !folders.iter().any(|folder| module.parent() == Some(folder)) => {
            let to = first.join(format!("{name}.wasm")).display().to_string();
            let from = module.display().to_string();
            format!("    install -m 0644 {} {}\n", visible::argument(&from), visible::argument(&to))
        }
        _ => String::new(),
    };
    format!(
        "\nNext, since nothing is granted yet:\n{install}    ${{EDITOR:-vi}} {}\n    regent check\n    regent plugin list {name}\n",
        visible::argument(grants)
    )
}
