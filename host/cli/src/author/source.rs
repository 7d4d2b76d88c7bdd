//! A folder with a plugin's source: in which language, under which name, and where what is made of it belongs.

use std::fs;
use std::path::{Path, PathBuf};

use regent_build::At as _;
use regent_protocol::visible;
use toml_edit::DocumentMut;

use crate::ending::Failure;

/// TOML files of Python projects that are no grants.
const NO_GRANTS: [&str; 3] = ["pyproject", "ruff", "uv"];

/// What it is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    Rust,
    Python,
}

/// The folder of a plugin's source.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) folder: PathBuf,
    pub(super) language: Language,
}

impl Source {
    pub(super) fn find(named: &Path) -> Result<Self, Failure> {
        let folder = named.canonicalize().at(named).map_err(|error| Failure::other(error.to_string()))?;
        let has = |file: &str| folder.join(file).is_file();
        let language = match () {
            () if has("Cargo.toml") => Language::Rust,
            () if has("app.py") => Language::Python,
            () => {
                let named = visible::argument(&named.display().to_string());
                return Err(Failure {
                    advice: Some("regent plugin new NAME makes a plugin to begin with".into()),
                    ..Failure::usage(format!("{named}: there is neither Cargo.toml nor app.py"))
                });
            }
        };
        Ok(Self { folder, language })
    }

    /// Below it everything that a build writes. It is the source's own: see [`regent_build::packages`].
    pub(super) fn products(&self) -> PathBuf {
        self.folder.join("target/regent")
    }

    /// The name of a plugin in Python: its grants file's, wherever it was checked out to; else its folder's.
    pub(super) fn name(&self) -> Result<String, Failure> {
        let name = |path: &Path| Some(path.file_stem()?.to_str()?.to_owned());
        let entries = fs::read_dir(&self.folder).at(&self.folder).map_err(|error| Failure::other(error.to_string()))?;
        let files = entries.flatten().map(|entry| entry.path());
        let grants = files.filter(|path| path.extension().is_some_and(|ending| ending == "toml"));
        let grants: Vec<String> =
            grants.filter_map(|path| name(&path)).filter(|name| !NO_GRANTS.contains(&&**name)).collect();
        match grants.as_slice() {
            [only] => Ok(only.clone()),
            _ => self.folder.file_name().and_then(|name| name.to_str()).map(str::to_owned).ok_or_else(|| {
                Failure::usage("what is it called? its grants file NAME.toml in the same folder says it")
            }),
        }
    }

    /// The first operation that its grants file serves, as people call it.
    pub(super) fn first_operation(&self, name: &str) -> Option<String> {
        let grants = fs::read_to_string(self.folder.join(format!("{name}.toml"))).ok()?;
        let grants: DocumentMut = grants.parse().ok()?;
        let (operation, says) = grants.get("operations")?.as_table_like()?.iter().next()?;
        Some(says.get("as").and_then(|called| called.as_str()).unwrap_or(operation).to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    #[test]
    fn a_folder_without_source_is_told_how_to_begin() {
        let folder = folder(&[("hello.toml", "")]);
        let failure = Source::find(folder.path()).unwrap_err();
        assert_eq!(failure.ending.number(), 2);
        assert!(failure.advice.unwrap().contains("regent plugin new"));
        assert!(Source::find(&folder.path().join("none")).is_err());
    }

    #[test]
    fn a_crate_is_rust_also_with_a_script_beside_it() {
        let folder = folder(&[("Cargo.toml", ""), ("app.py", "")]);
        assert_eq!(Source::find(folder.path()).unwrap().language, Language::Rust);
    }

    #[test]
    fn a_plugin_in_python_is_called_as_its_grants_file_is_wherever_it_lies() {
        let named = |files: &[(&str, &str)]| {
            let folder = folder(files);
            let name = Source::find(folder.path()).unwrap().name().unwrap();
            if folder.path().ends_with(&name) { "its folder".to_owned() } else { name }
        };
        assert_eq!(named(&[("app.py", ""), ("hello.toml", ""), ("pyproject.toml", "")]), "hello");
        assert_eq!(named(&[("app.py", "")]), "its folder");
        assert_eq!(named(&[("app.py", ""), ("a.toml", ""), ("b.toml", "")]), "its folder");
    }

    #[test]
    fn the_next_command_names_an_operation_as_callers_do() {
        let first = |grants: &str| {
            let folder = folder(&[("app.py", ""), ("hello.toml", grants)]);
            Source::find(folder.path()).unwrap().first_operation("hello")
        };
        assert_eq!(first("[operations.greet]\n[operations.part]").as_deref(), Some("greet"));
        assert_eq!(first("[operations.greet]\nas = \"say\"").as_deref(), Some("say"));
        assert_eq!(first("[commands.greet]"), None);
        assert_eq!(first("[operations"), None);
    }
}
