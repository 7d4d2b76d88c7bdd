//! The command lines of `plugin inspect` and `plugin run`, and the one that `regent-dry-run` is started with.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::ending::Failure;

/// The same as `regent-dry-run`'s numbers, for people.
macro_rules! trial_table {
    () => {
        "\
Exit status:
   0  done; of a module that is inspected: a daemon could serve it
   1  a command failed, or the plugin replied with a failure
   2  wrong usage
  65  the request was refused, or the module is bad: plugin-import, plugin-size,
      plugin-compile, plugin-module
  69  nothing could be tried
  70  the plugin broke a rule: plugin-timeout, plugin-memory, plugin-trap, plugin-fault
  77  a command runs as another user, and you are not root
  78  the grants file has mistakes, or does not grant this"
    };
}

pub(crate) const TABLE: &str = trial_table!();

pub(crate) const RUN_HELP: &str = concat!(
    "\
KEY=VALUE pairs become one JSON object, as of `regent call`.

The plan is shown and nothing runs; with --perform the commands run, as you and with your rights.
As root: regent-dry-run becomes nobody's user before it looks at the module. With --perform it
stays root while it reads what the plugin says: only for a plugin of your own.
Pins, and who may ask, are not judged. Without --grants it is NAME.toml beside the module, or the
one in the folder.

",
    trial_table!()
);

#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// A module, the folder of one, or the name of one that is installed
    #[arg(value_name = "FILE|DIR|NAME")]
    pub(super) what: PathBuf,
    /// The configuration whose plugins folders have NAME
    #[arg(long, value_name = "FILE", default_value = "/etc/regent/regent.toml")]
    pub(super) config: PathBuf,
    /// Print one JSON object, for programs
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// A module, or the folder that `regent plugin build` builds one in
    #[arg(value_name = "FILE|DIR")]
    pub(super) what: PathBuf,
    /// The operation's name
    #[arg(value_name = "OP")]
    pub(super) op: String,
    /// Its data as pairs
    #[arg(value_name = "KEY=VALUE", conflicts_with = "data")]
    pub(super) pairs: Vec<String>,
    /// Its data: JSON, @FILE with JSON in it, or - for standard input
    #[arg(long, value_name = "JSON|@FILE|-", allow_hyphen_values = true)]
    pub(super) data: Option<String>,
    /// The grants file
    #[arg(long, value_name = "FILE")]
    pub(super) grants: Option<PathBuf>,
    /// The regent.toml whose persons and teams the grants name; left out: whomever they name, there is one
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// What runs it: native or interpreter; left out: what the grants file says, or native
    #[arg(long, value_name = "ENGINE", value_parser = ["native", "interpreter"])]
    pub(super) engine: Option<String>,
    /// Run the commands, as you
    #[arg(long)]
    pub(super) perform: bool,
    /// Print one JSON object, for programs
    #[arg(long)]
    pub(super) json: bool,
    /// Again whenever the module, its grants, the file of --data or, of a folder, its sources change; a folder is built
    /// first
    #[arg(long)]
    pub(super) watch: bool,
}

impl Run {
    /// The file that its data stand in.
    pub(super) fn data_file(&self) -> Option<&Path> {
        Some(Path::new(self.data.as_deref()?.strip_prefix('@')?))
    }

    /// As `regent-dry-run` takes them: what a person wrote stands behind `--`, so that none of it is an option.
    pub(super) fn arguments(&self) -> Result<Vec<OsString>, Failure> {
        let data = crate::data::of_words(&self.pairs, self.data.as_deref())?;
        let mut arguments: Vec<OsString> = vec!["run".into()];
        for (option, value) in [("--grants", &self.grants), ("--config", &self.config)] {
            if let Some(value) = value {
                arguments.extend([option.into(), value.into()]);
            }
        }
        if let Some(engine) = &self.engine {
            arguments.extend(["--engine".into(), engine.into()]);
        }
        let flags = [("--perform", self.perform), ("--json", self.json)];
        arguments.extend(flags.iter().filter(|(_, set)| *set).map(|(flag, _)| OsString::from(flag)));
        arguments.extend(["--".into(), self.what.clone().into(), (&self.op).into(), data.as_str().into()]);
        Ok(arguments)
    }
}
