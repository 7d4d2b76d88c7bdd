//! What is typed about the administrator's own files. What writes a file can show it instead (`--print`).

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::ending::table;

/// Where the configuration is.
#[derive(Debug, Args)]
pub(crate) struct ConfigFile {
    /// The configuration
    #[arg(long, value_name = "FILE", env = "REGENT_CONFIG", default_value = "/etc/regent/regent.toml")]
    pub(crate) config: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// For a daemon of your own, without root: below $XDG_CONFIG_HOME, $XDG_STATE_HOME and $XDG_RUNTIME_DIR
    #[arg(long, conflicts_with = "prefix")]
    pub(crate) user: bool,
    /// Everything below this folder instead of /, the files' own paths too: to try it, or to test it
    #[arg(long, value_name = "DIR")]
    pub(crate) prefix: Option<PathBuf>,
    /// Show what would be written, and write nothing
    #[arg(long)]
    pub(crate) print: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Secret {
    #[command(subcommand)]
    pub(crate) verb: SecretVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SecretVerb {
    /// Print a fresh secret, or write it into a new file that only you can read
    #[command(after_help = table!())]
    New(SecretNew),
    /// Give a socket a fresh secret beside its old ones; once every client has it, --finish drops the old ones
    #[command(after_help = table!())]
    Rotate(SecretRotate),
}

#[derive(Debug, Args)]
pub(crate) struct SecretNew {
    /// The file, which must not be there yet
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct SecretRotate {
    /// The socket's name in the configuration
    #[arg(value_name = "SOCKET")]
    pub(crate) name: String,
    /// Keep only the first secret, which is the newest
    #[arg(long, conflicts_with = "show")]
    pub(crate) finish: bool,
    /// Print the fresh secret, which else is only in the file
    #[arg(long)]
    pub(crate) show: bool,
    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct Socket {
    #[command(subcommand)]
    pub(crate) verb: SocketVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SocketVerb {
    /// Add a socket with a secret of its own, such as for a container, and say how to mount it there
    #[command(after_help = table!())]
    Add(SocketAdd),
}

#[derive(Debug, Args)]
pub(crate) struct SocketAdd {
    /// Its name: letters, digits, - and _
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// What may be asked on it
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', required = true)]
    pub(crate) operations: Vec<String>,
    /// Who may connect besides root, by name or number; left out: nobody
    #[arg(long, value_name = "GROUP")]
    pub(crate) group: Option<String>,
    /// The socket's permissions [default: 0660]
    #[arg(long, value_name = "MODE")]
    pub(crate) mode: Option<String>,
    /// The peers' uids mean users of this machine: for programs beside the daemon, not for containers
    #[arg(long)]
    pub(crate) trust_peer_uid: bool,
    #[command(flatten)]
    pub(crate) config: ConfigFile,
    /// Show what would be written, and write nothing
    #[arg(long)]
    pub(crate) print: bool,
}
