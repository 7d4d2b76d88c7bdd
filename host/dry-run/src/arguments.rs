//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use regent_grants::Engine;

/// The configuration in which names are looked up, unless another is given.
const CONFIG: &str = "/etc/regent/regent.toml";

const ENDINGS: &str = "\
Started by `regent plugin inspect`, `run`, `enable` and `upgrade`.

Exit status:
  0   the module can be served, or the request ended well
  1   a command failed
  65  the module or the request is bad
  69  nothing could be tried
  70  the plugin broke a rule
  77  a command runs as another user
  78  the grants file has an error, or does not grant this";

/// Inspects a module, or runs one request of it, without a daemon.
#[derive(Debug, Parser)]
#[command(version, after_help = ENDINGS)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Print one JSON object about a module
    Inspect(Inspect),
    /// Try a module with one request
    Run(Trial),
}

#[derive(Debug, Parser)]
pub(crate) struct Inspect {
    /// A module, the folder of one, or the name of one in the plugins folders
    pub(crate) what: PathBuf,
    /// regent.toml, for names
    #[arg(long, value_name = "FILE", default_value = CONFIG)]
    pub(crate) config: PathBuf,
}

#[derive(Debug, Parser)]
pub(crate) struct Trial {
    /// A module, or the folder of one
    pub(crate) what: PathBuf,
    /// The plugin's operation
    pub(crate) operation: String,
    /// The request's data, as JSON
    #[arg(default_value = "null", allow_hyphen_values = true)]
    pub(crate) data: String,
    /// The grants file
    #[arg(long, value_name = "FILE")]
    pub(crate) grants: Option<PathBuf>,
    /// regent.toml, for its persons and teams
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// What runs it; left out: what the grants file says, or the processor
    #[arg(long, value_name = "ENGINE", value_parser = engine)]
    pub(crate) engine: Option<Engine>,
    /// Run the commands, as the present user: this process then stays root where root tries, so only a plugin of your
    /// own
    #[arg(long)]
    pub(crate) perform: bool,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

fn engine(word: &str) -> Result<Engine, &'static str> {
    Engine::named(word).ok_or("write native or interpreter")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn arguments_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn data_may_begin_with_a_hyphen() {
        let parsed = Arguments::try_parse_from(["regent-dry-run", "run", "--perform", "--", "x.wasm", "say", "-1"]);
        let Verb::Run(trial) = parsed.unwrap().verb else { panic!("another verb") };
        assert!(trial.perform && trial.data == "-1" && trial.operation == "say");
    }
}
