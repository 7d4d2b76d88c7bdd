//! What is typed about the plugins of a machine: which modules it accepts.

use clap::Args;

use super::ConfigFile;
use crate::ending::table;

/// A module is looked at by `regent-dry-run inspect`, which has a number of its own for a bad one.
pub(crate) const TABLE: &str = concat!(table!(), "\n  65  a module that no daemon would serve");

#[derive(Debug, Args)]
pub(crate) struct Enable {
    /// A plugin whose module is installed, or a module
    #[arg(value_name = "NAME|FILE.wasm")]
    pub(crate) what: String,
    #[command(flatten)]
    pub(crate) config: ConfigFile,
    /// Show the file that would be written, and write nothing
    #[arg(long)]
    pub(crate) print: bool,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
    /// Print one JSON object, for programs
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Upgrade {
    /// The plugin: its grants file's name, less .toml
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) config: ConfigFile,
    /// Show the file that would be written, and write nothing
    #[arg(long)]
    pub(crate) print: bool,
    /// Do not ask: for scripts, which say with --sha256 what they mean
    #[arg(long, requires = "sha256")]
    pub(crate) yes: bool,
    /// Accept this module and no other
    #[arg(long, value_name = "DIGEST")]
    pub(crate) sha256: Option<String>,
    /// Print one JSON object, for programs
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Rollback {
    #[command(flatten)]
    pub(crate) pin: Pin,
    /// Accept this module and no other: for scripts, where the grants file does not name it
    #[arg(long, value_name = "DIGEST")]
    pub(crate) sha256: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Pin {
    /// The plugin: its grants file's name, less .toml
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) config: ConfigFile,
    /// Show what would be done, and do nothing
    #[arg(long)]
    pub(crate) print: bool,
    /// Print one JSON object, for programs
    #[arg(long)]
    pub(crate) json: bool,
}
