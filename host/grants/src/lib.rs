//! What an administrator wrote, as types: regent.toml, grants files, slots, and the rendering of argument lists.
//!
//! Text goes in, and either a value whose every part is right comes out, or all mistakes at once, each with its place and what
//! to write instead. Nothing here opens a file, knows a user's number or looks at a clock; the daemon, the command line and the
//! fake host of the SDK all use this one checker.
#![forbid(unsafe_code)]

// Places, mistakes, and a table whose every key is taken or named.
mod mistake;
mod table;
// What may be written for a time, a mode, a name.
mod value;
// regent.toml.
mod config;
mod people;
// A grants file: operations, and the commands with their slots.
mod grants;
mod operation;
mod command;
mod template;
mod slot;
// Which addresses are public.
pub mod addresses;
// Steps of authorisation.
mod step;

pub use command::{Command, OUTPUT_MAX, RenderError, Rendered, TIMEOUT_DEFAULT};
pub use config::{Admin, Config, SandboxUids, Secret, SecretSource, Socket, Visible, weak_secret};
pub use grants::Grants;
pub use mistake::{Checked, Mistake, Mistakes};
pub use operation::{DEADLINE_DEFAULT, Operation, Principal};
pub use people::Person;
pub use step::{Step, combine};
