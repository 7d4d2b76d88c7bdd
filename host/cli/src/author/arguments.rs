//! What is typed to begin a plugin, and to build it.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct New {
    /// The plugin's name: letters, digits, - and _, beginning with a letter
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// In Python, by componentize-py; left out: in Rust
    #[arg(long)]
    pub(crate) python: bool,
    /// The folder to make it in; left out: this one
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    pub(crate) dir: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Build {
    /// The plugin's folder
    #[arg(value_name = "DIR", default_value = ".")]
    pub(crate) dir: PathBuf,
    /// Small, to be shipped; left out: quick, to be tried
    #[arg(long)]
    pub(crate) release: bool,
    /// Write the module to this file; left out: DIR/target/regent/NAME.wasm
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// What is next is known: for `plugin run --watch`
    #[arg(long, hide = true)]
    pub(crate) again: bool,
}
