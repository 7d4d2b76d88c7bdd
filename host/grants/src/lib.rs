//! What an administrator wrote, as types that cannot be wrong: regent.toml and the grants files.
//!
//! Trusted: the files, which root wrote; the daemon judges who could change them. Not trusted: the values that a plugin
//! gives to the slots of a command, and what its `authorise` returns. Nothing here reads a file, asks the clock or
//! knows this machine's users.
//!
//! Invariants: a file with a mistake yields no value; a [`Rendered`] command line comes from values that were parsed
//! into their slots' types and written again from those, so that no client's spelling ever reaches an argument list.

#![forbid(unsafe_code)]

// What is wrong, with its line.
mod mistake;
// A TOML file being read.
mod sheet;
// regent.toml.
mod config;
// NAME.toml: operations and commands.
mod grants;
// The types of a command's slots.
mod slot;
// What runs plugins' code.
mod engine;
// What of root's rights a command has.
mod capability;
// Which addresses are public.
pub mod addresses;
// Times as people write them.
mod duration;
// "Did you mean".
mod nearest;
// What to write to allow what a plugin planned.
mod advice;

#[cfg(test)]
mod tests;

use std::time::Duration;

pub use advice::grant_lines;
pub use capability::Capabilities;
pub use config::{Admin, Config, Person, Recycle, SandboxUids, Secret, SecretSource, Socket, Visible, weak_secret};
pub use engine::Engine;
pub use grants::{
    Command, Grants, Operation, Principal, RenderError, Rendered, ReplyForm, Run, Step, StepError, Unpinned, Via,
    combine, operation_at,
};
pub use mistake::{Checked, Mistake, Mistakes};
pub use nearest::nearest;
pub use sheet::words::is_name;
pub use slot::{Below, Instead, Param};

/// A whole immediate operation whose table has no `deadline`: the Python client gives up after 5 s of silence.
pub const DEADLINE_DEFAULT: Duration = Duration::from_millis(4500);

/// Whom a daemon that root starts becomes if nobody says: a uid, and a gid, that no user of a machine has. Sandboxes
/// have those that follow it.
pub const DAEMON_USER: u32 = 1_899_999_999;

/// A command whose table has no `timeout`.
pub const TIMEOUT_DEFAULT: Duration = Duration::from_secs(3);
