//! What cargo says of the packages in a folder: their names, and what module comes of each.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::error::{At, Error, Result};
use crate::run::cargo;

/// A package, as cargo reads its manifest.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Package {
    pub(crate) name: String,
    manifest: PathBuf,
    /// The target that becomes a module: cargo names files by it, and not by the package.
    library: Option<String>,
}

impl Package {
    /// All of the workspace that this folder is in.
    pub(crate) fn all(folder: &Path) -> Result<Vec<Self>> {
        let said = cargo(folder).args(["metadata", "--no-deps", "--format-version", "1"]).text();
        Self::read(&said.map_err(|_| Error::new("cargo cannot read Cargo.toml: what it says stands above"))?)
    }

    /// The one whose manifest is in this folder.
    pub(crate) fn of(folder: &Path) -> Result<Self> {
        let manifest = folder.join("Cargo.toml");
        let manifest = manifest.canonicalize().at(&manifest)?;
        let own = Self::all(folder)?.into_iter().find(|package| package.manifest == manifest);
        own.ok_or_else(|| {
            Error::new(format!("{}: is no package, but a workspace: name a member's folder", manifest.display()))
        })
    }

    fn read(metadata: &str) -> Result<Vec<Self>> {
        let wrong = |what: &dyn std::fmt::Display| Error::new(format!("cargo metadata: {what}"));
        let read: Value = serde_json::from_str(metadata).map_err(|why| wrong(&why))?;
        let packages = read.get("packages").and_then(Value::as_array).ok_or_else(|| wrong(&"no packages"))?;
        let known = packages.iter().map(Self::of_value).collect::<Option<Vec<_>>>();
        known.ok_or_else(|| wrong(&"a package without a name"))
    }

    fn of_value(package: &Value) -> Option<Self> {
        let targets = package.get("targets")?.as_array()?;
        let is_module = |target: &&Value| {
            let kinds = target.get("crate_types").and_then(Value::as_array);
            kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind == "cdylib"))
        };
        let library = targets.iter().find(is_module).and_then(|target| target.get("name")?.as_str());
        Some(Self {
            name: package.get("name")?.as_str()?.to_owned(),
            manifest: package.get("manifest_path")?.as_str()?.into(),
            library: library.map(|name| name.replace('-', "_")),
        })
    }

    /// The file that cargo makes of it.
    pub(crate) fn module(&self) -> Result<String> {
        match &self.library {
            Some(library) => Ok(format!("{library}.wasm")),
            None => Err(Error::new(format!(
                "{} makes no module\n  write in {}: [lib] with crate-type = [\"cdylib\"]",
                self.name,
                self.manifest.display()
            ))),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on panics")]
mod tests {
    use super::*;

    fn package(targets: &str) -> Package {
        let text =
            format!(r#"{{"packages":[{{"name":"open-port","manifest_path":"/p/Cargo.toml","targets":{targets}}}]}}"#);
        Package::read(&text).unwrap().remove(0)
    }

    #[test]
    fn the_module_is_named_by_the_library_and_not_by_the_package() {
        let named = |name: &str| {
            package(&format!(
                r#"[{{"name":"tool","crate_types":["bin"]}},{{"name":"{name}","crate_types":["rlib","cdylib"]}}]"#
            ))
        };
        assert_eq!(named("open_port").module().unwrap(), "open_port.wasm");
        assert_eq!(named("open-port").module().unwrap(), "open_port.wasm");
        assert_eq!(named("other").module().unwrap(), "other.wasm");
    }

    #[test]
    fn a_crate_that_makes_no_module_is_told_what_to_write_and_where() {
        let words = package(r#"[{"name":"open_port","crate_types":["lib"]}]"#).module().unwrap_err().to_string();
        assert_eq!(words, "open-port makes no module\n  write in /p/Cargo.toml: [lib] with crate-type = [\"cdylib\"]");
    }

    #[test]
    fn what_is_no_metadata_is_said_and_nothing_is_built() {
        for text in ["", "{}", r#"{"packages":[{}]}"#] {
            assert!(Package::read(text).unwrap_err().to_string().starts_with("cargo metadata: "), "{text}");
        }
    }
}
