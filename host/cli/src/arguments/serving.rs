//! What is typed about a running daemon and what it serves, and about its files.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Enable, Pin, Rollback, Upgrade};
use crate::ending::table;

#[derive(Debug, Args)]
pub(crate) struct Ops {
    /// Print a JSON list, for programs
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Reload {
    /// Print one JSON object, for programs
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Print one JSON object, for programs
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Why {
    /// The ref that the caller was told: eight letters
    #[arg(value_name = "REF")]
    pub(crate) reference: String,
    /// Print one JSON object, for programs
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The configuration
    #[arg(long, value_name = "FILE", env = "REGENT_CONFIG", default_value = "/etc/regent/regent.toml")]
    pub(crate) config: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Plugin {
    #[command(subcommand)]
    pub(crate) verb: PluginVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PluginVerb {
    /// List every plugin: whether it serves, what, for whom, and if not, why
    #[command(after_help = table!())]
    List(PluginList),

    // Which modules this machine accepts.
    /// Write the grants file of a module: pinned, what it wants as comments, nothing granted; or take back `disable`
    #[command(after_help = super::installing::TABLE)]
    Enable(Enable),
    /// Accept the module that is in the folder now: shows what it changes and which holds it voids, and asks
    #[command(after_help = super::installing::TABLE)]
    Upgrade(Upgrade),
    /// Accept the module again that served before
    #[command(after_help = table!())]
    Rollback(Rollback),
    /// Take a plugin away at once; its grants file is kept under another name
    #[command(after_help = table!())]
    Disable(Pin),

    // An author's.
    /// Make a plugin to begin with, in Rust or Python: it has a test and a grants file
    New(crate::author::New),
    /// Build a plugin's folder into DIR/target/regent/NAME.wasm; finds or fetches what that needs
    Build(crate::author::Build),
    /// Look at a module: what it is, what it imports, offers and wants; needs no daemon and no root
    #[command(after_help = crate::trial::TABLE)]
    Inspect(crate::trial::Inspect),
    /// Try a module with one request: its plan, log, time and memory; needs no daemon and no root
    #[command(after_help = crate::trial::RUN_HELP)]
    Run(crate::trial::Run),
}

#[derive(Debug, Args)]
pub(crate) struct PluginList {
    /// Only this one
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Print a JSON list, for programs
    #[arg(long)]
    pub(crate) json: bool,
}
