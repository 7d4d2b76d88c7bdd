//! The document about a module, which `regent-dry-run inspect` prints and `regent` reads. Everything but the file, the
//! digest and the size comes from the module: whoever shows it to a person passes it through [`crate::visible`] first.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A module.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleView {
    /// Its file.
    pub file: String,
    /// Its SHA-256 in hexadecimal; empty if the file was not read.
    pub sha256: String,
    /// Its size in bytes.
    #[serde(default)]
    pub size: u64,
    /// The interfaces that it imports.
    #[serde(default)]
    pub imports: Vec<ImportView>,
    /// The interfaces that it exports.
    #[serde(default)]
    pub exports: Vec<String>,
    /// The operations that it offers.
    #[serde(default)]
    pub operations: Vec<DescribedOperation>,
    /// The commands that it asks an administrator to grant.
    #[serde(default)]
    pub wants: Vec<WantedCommand>,
    /// Why no daemon would serve it; empty if one would.
    #[serde(default)]
    pub reasons: Vec<String>,
}

/// An interface that a module imports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportView {
    /// Its name and version.
    pub name: String,
    /// `regent`, `served`, `inert` or `refused`.
    pub class: String,
}

/// An operation as its module describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DescribedOperation {
    /// The plugin's own name for it.
    pub name: String,
    /// One line for people.
    #[serde(default)]
    pub summary: String,
    /// JSON Schema of its data.
    #[serde(default)]
    pub schema: Value,
    /// The optional interfaces that it uses.
    #[serde(default)]
    pub uses: Vec<String>,
}

/// A command that a module asks an administrator to grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WantedCommand {
    /// The command's name.
    pub command: String,
    /// The values that the plugin passes to it.
    #[serde(default)]
    pub slots: Vec<String>,
    /// Why the plugin needs it.
    #[serde(default)]
    pub reason: String,
}
