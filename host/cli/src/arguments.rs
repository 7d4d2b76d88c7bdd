//! What can be typed. There is no option for the secret itself: everybody can read a process list.

// What is typed about a running daemon and what it serves.
mod serving;
// What is typed about the administrator's own files.
mod files;
// What is typed about the plugins of a machine.
mod installing;
// Which of the options that all verbs take each verb's help shows.
mod shown;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{OsStringValueParser, TypedValueParser as _, ValueParser};
use clap::{Args, Parser, Subcommand};
use regent_protocol::{ID_MAX, WAIT_MAX, WAIT_MIN};

pub(crate) use files::{ConfigFile, Init, Secret, SecretNew, SecretRotate, SecretVerb, Socket, SocketAdd, SocketVerb};
pub(crate) use installing::{Enable, Pin, Rollback, Upgrade};
pub(crate) use serving::{Check, Ops, Plugin, PluginVerb, Reload, Status, Why};
pub(crate) use shown::{command, parse};

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

/// Where the options stand in each help text that are the same for all verbs.
const PLACE: &str = "Which daemon";

/// Which daemon, and what it knows us by.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// The request socket (call, read, cancel, ops)
    #[arg(long, global = true, value_name = "PATH", env = "REGENT_SOCKET", help_heading = PLACE, value_parser = path())]
    pub(crate) socket: Option<PathBuf>,
    /// A file whose first line is the socket's secret; without it the variable REGENT_SECRET is the secret
    #[arg(long, global = true, value_name = "PATH", env = "REGENT_SECRET_FILE", help_heading = PLACE, value_parser = path())]
    pub(crate) secret_file: Option<PathBuf>,
    /// The admin socket (all others); left out: regent-admin/admin.sock in /run, else in $XDG_RUNTIME_DIR
    #[arg(long, global = true, value_name = "PATH", env = "REGENT_ADMIN", help_heading = PLACE, value_parser = path())]
    pub(crate) admin: Option<PathBuf>,
}

/// Empty is as good as not given: that is how a variable is switched off for one command.
fn path() -> ValueParser {
    OsStringValueParser::new().map(PathBuf::from).into()
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Ask for an operation and print its result
    #[command(after_help = CALL_HELP, disable_help_flag = true,
        override_usage = "regent call [OPTIONS] <OP> [KEY=VALUE]...\n       regent call <OP> --help")]
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

    // About what is served.
    /// List what you may ask for, with an example each
    #[command(after_help = table!())]
    Ops(Ops),
    /// Have the daemon read all its files again, and say what changed
    #[command(after_help = table!())]
    Reload(Reload),
    /// Show the daemon as it stands
    #[command(after_help = table!())]
    Status(Status),
    /// Accept plugins, try them, and see what they serve
    Plugin(Plugin),
    /// Explain a refusal, and say what would allow it
    #[command(after_help = table!())]
    Why(Why),
    /// Say everything that is wrong with the configuration and the grants; asks no daemon
    #[command(after_help = table!())]
    Check(Check),

    // About the administrator's own files.
    /// Write what a first daemon needs, and show it: configuration, secret, folders, systemd unit
    #[command(after_help = table!())]
    Init(Init),
    /// Make secrets, and replace those of a socket
    Secret(Secret),
    /// Add sockets, such as for containers
    Socket(Socket),
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
    /// The operation's name, as `regent ops` lists it
    #[arg(value_name = "OP", required_unless_present = "help")]
    pub(crate) op: Option<String>,
    /// Its data as pairs
    #[arg(value_name = "KEY=VALUE", conflicts_with = "data")]
    pub(crate) pairs: Vec<String>,
    /// Its data: JSON, @FILE with JSON in it, or - for standard input
    #[arg(long, value_name = "JSON|@FILE|-", allow_hyphen_values = true)]
    pub(crate) data: Option<String>,
    /// Only say what would run and what it would take; hold and run nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// A name of your own for this deed, 1 to 128 bytes: asked again under it, it is answered again and not done again,
    /// for as long as the daemon keeps results (keep_results)
    #[arg(long, value_name = "KEY", value_parser = key, conflicts_with = "dry_run")]
    pub(crate) key: Option<String>,
    #[command(flatten)]
    pub(crate) patience: Patience,
    /// Print help; behind OP: what this operation takes, if the daemon can be asked
    #[arg(short, long)]
    pub(crate) help: bool,
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

/// Why the value of an option is not taken.
#[derive(Debug)]
enum ValueError {
    NotANumber,
    WaitOutOfRange,
    KeyLength,
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotANumber => "not a whole number",
            Self::WaitOutOfRange => "not within 1 to 3600",
            Self::KeyLength => "not of 1 to 128 bytes",
        })
    }
}

impl std::error::Error for ValueError {}

fn seconds(text: &str) -> Result<Duration, ValueError> {
    let wait = text.parse().map(Duration::from_secs).map_err(|_| ValueError::NotANumber)?;
    if (WAIT_MIN..=WAIT_MAX).contains(&wait) { Ok(wait) } else { Err(ValueError::WaitOutOfRange) }
}

fn key(text: &str) -> Result<String, ValueError> {
    if (1..=ID_MAX).contains(&text.len()) { Ok(text.to_owned()) } else { Err(ValueError::KeyLength) }
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
    fn a_key_has_1_to_128_bytes_and_is_for_deeds() {
        for key in ["k", &"\u{e9}".repeat(64)] {
            assert!(parse(&["call", "open", "--key", key]).is_ok(), "{key}");
        }
        for key in ["", &"k".repeat(129), &"\u{e9}".repeat(65)] {
            assert!(parse(&["call", "open", "--key", key]).is_err(), "{key}");
        }
        assert!(parse(&["call", "open", "--key", "k", "--dry-run"]).is_err());
    }

    #[test]
    fn a_call_needs_its_operation_unless_help_is_all_that_is_asked() {
        assert!(parse(&["call"]).is_err());
        assert!(parse(&["call", "--help"]).is_ok());
        assert!(parse(&["call", "open", "-h"]).is_ok());
    }

    #[test]
    fn no_option_takes_the_secret_itself() {
        assert!(parse(&["call", "whoami", "--secret", "x"]).is_err());
        assert!(parse(&["call", "whoami", "--secret=x"]).is_err());
        assert!(parse(&["call", "whoami", "--secret-file", "x"]).is_ok());
    }

    #[test]
    fn an_empty_place_is_as_good_as_none() {
        assert_eq!(parse(&["call", "whoami", "--secret-file", ""]).unwrap().place.secret_file, Some("".into()));
    }

    #[test]
    fn the_places_stand_before_and_after_the_verb() {
        for words in [["--admin", "/a", "pending"], ["pending", "--admin", "/a"]] {
            assert_eq!(parse(&words).unwrap().place.admin, Some("/a".into()));
        }
    }
}
