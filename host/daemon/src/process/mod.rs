//! The one door through which the daemon starts programs: everything goes by the spawner, which was started before any
//! configuration or secret was read.

// The spawner itself, and the words to it.
mod spawner;
// One control group a run, where cgroup v2 is.
mod cgroup;
// What is confined, held to its share of the machine.
mod controllers;
// A granted command, from start to the end of all that it started.
mod command;

pub use cgroup::{Cgroup, Cgroups};
pub use command::{CommandOutcome, CommandRun, run_command};
pub use controllers::{Controllers, Share};
pub use spawner::{Running, Spawner, SpawnerSocket, StartError, launch};
