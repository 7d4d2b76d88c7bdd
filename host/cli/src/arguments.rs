//! What can be typed. There is no option for the secret itself: everybody can read a process list.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use regent_protocol::{WAIT_MAX, WAIT_MIN};

use crate::ending::table;

/// Ask a Regent daemon for privileged operations, and decide about what others asked.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, after_help = table!())]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) place: Place,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// Which daemon, and what it knows us by.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// The request socket (call, read, cancel)
    #[arg(long, global = true, value_name = "PATH", env = "REGENT_SOCKET")]
    pub(crate) socket: Option<PathBuf>,
    /// A file whose first line is the socket's secret; without it the variable REGENT_SECRET is the secret
    #[arg(long, global = true, value_name = "PATH", env = "REGENT_SECRET_FILE")]
    pub(crate) secret_file: Option<PathBuf>,
    /// The admin socket (pending, show, approve, deny)
    #[arg(long, global = true, value_name = "PATH", env = "REGENT_ADMIN")]
    pub(crate) admin: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Ask for an operation and print its result
    #[command(after_help = CALL_HELP)]
    Call(Call),
    /// Read how a held operation stands; once it is done, print its result
    #[command(after_help = table!())]
    Read(Read),
    /// Give up a held operation that you asked for
    #[command(after_help = table!())]
    Cancel(Cancel),
    /// List what waits for a decision
    #[command(after_help = table!())]
    Pending(Pending),
    /// Show one held operation with everything that would run
    #[command(after_help = table!())]
    Show(Show),
    /// Say yes to a held operation; asks nothing, so show it first
    #[command(after_help = table!())]
    Approve(Decide),
    /// Say no to a held operation; asks nothing
    #[command(after_help = table!())]
    Deny(Decide),
    /// Write, look at, try and install plugins
    Plugin(Plugin),
}

#[derive(Debug, Args)]
pub(crate) struct Plugin {
    #[command(subcommand)]
    pub(crate) verb: PluginVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PluginVerb {
    /// Look at a module: what it is, what it imports, offers and wants; needs no daemon and no root
    #[command(after_help = crate::trial::TABLE)]
    Inspect(crate::trial::Inspect),
    /// Try a module with one request: its plan, log, time and memory; needs no daemon and no root
    #[command(after_help = crate::trial::RUN_HELP)]
    Run(crate::trial::Run),
}

const CALL_HELP: &str = concat!(
    "\
KEY=VALUE pairs become one JSON object. A VALUE that is JSON is taken as JSON (port=22 is a
number, force=true a boolean), anything else as a string (ip=198.51.100.7). To say a string that
looks like JSON, quote it: port='\"22\"'. KEY:=JSON takes nothing but JSON.

Standard output: a string result as the text that it is, any other as JSON; of a held operation
its uid alone, for `regent read` and `regent cancel`. Everything else goes to standard error.

",
    table!()
);

#[derive(Debug, Args)]
pub(crate) struct Call {
    /// The operation's name
    #[arg(value_name = "OP")]
    pub(crate) op: String,
    /// Its data as pairs
    #[arg(value_name = "KEY=VALUE", conflicts_with = "data")]
    pub(crate) pairs: Vec<String>,
    /// Its data: JSON, @FILE with JSON in it, or - for standard input
    #[arg(long, value_name = "JSON|@FILE|-", allow_hyphen_values = true)]
    pub(crate) data: Option<String>,
    /// Only say what would run and what it would take; hold and run nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) patience: Patience,
}

#[derive(Debug, Args)]
pub(crate) struct Read {
    /// What `regent call` printed
    #[arg(value_name = "UID")]
    pub(crate) uid: String,
    #[command(flatten)]
    pub(crate) patience: Patience,
}

#[derive(Debug, Args)]
pub(crate) struct Patience {
    /// If it is held, wait until it is decided, for at most so many seconds (1 to 3600, left out: 3600)
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true, default_missing_value = "3600",
        value_parser = seconds)]
    pub(crate) wait: Option<Duration>,
}

#[derive(Debug, Args)]
pub(crate) struct Cancel {
    /// What `regent call` printed
    #[arg(value_name = "UID")]
    pub(crate) uid: String,
}

#[derive(Debug, Args)]
pub(crate) struct Pending {
    /// Print a JSON list, for programs
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The hold's ID, as `regent pending` prints it
    #[arg(value_name = "ID")]
    pub(crate) hold: String,
    /// Print one JSON object, for programs
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Decide {
    /// The hold's ID, as `regent pending` prints it
    #[arg(value_name = "ID")]
    pub(crate) hold: String,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let wait = text.parse().map(Duration::from_secs).map_err(|_| "not a whole number".to_owned())?;
    if (WAIT_MIN..=WAIT_MAX).contains(&wait) { Ok(wait) } else { Err("not within 1 to 3600".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Arguments, clap::error::ErrorKind> {
        Arguments::try_parse_from([&["regent"], words].concat()).map_err(|error| error.kind())
    }

    fn wait(words: &[&str]) -> Option<Duration> {
        match parse(words).unwrap().verb {
            Verb::Call(call) => call.patience.wait,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_description_of_the_command_line_is_sound() {
        <Arguments as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn wait_takes_a_number_only_behind_an_equals_sign() {
        assert_eq!(wait(&["call", "open", "--wait", "ip=1"]), Some(WAIT_MAX));
        assert_eq!(wait(&["call", "open", "--wait=5", "ip=1"]), Some(Duration::from_secs(5)));
        assert_eq!(wait(&["call", "open"]), None);
        for wrong in ["--wait=0", "--wait=3601", "--wait=x", "--wait="] {
            assert!(parse(&["call", "open", wrong]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn pairs_and_data_exclude_each_other() {
        assert!(parse(&["call", "open", "ip=1", "--data", "{}"]).is_err());
        assert!(parse(&["call", "open", "--data", "-"]).is_ok());
        assert!(parse(&["call", "open", "--data", "-5"]).is_ok());
    }

    #[test]
    fn no_option_takes_the_secret_itself() {
        assert!(parse(&["call", "whoami", "--secret", "x"]).is_err());
        assert!(parse(&["call", "whoami", "--secret=x"]).is_err());
        assert!(parse(&["call", "whoami", "--secret-file", "x"]).is_ok());
    }

    #[test]
    fn the_places_stand_before_and_after_the_verb() {
        for words in [["--admin", "/a", "pending"], ["pending", "--admin", "/a"]] {
            assert_eq!(parse(&words).unwrap().place.admin, Some("/a".into()));
        }
    }
}
