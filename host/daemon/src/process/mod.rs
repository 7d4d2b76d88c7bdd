//! The one door through which the daemon starts programs: everything goes by the spawner, which was started before any
//! configuration or secret was read.

// Why it did not do what it was asked.
mod error;
// Words and descriptors of its socket.
mod words;
// The spawner, started.
mod launched;
// The spawner, asked.
mod spawner;
// A program that it started.
mod running;
// What is granted, asked of it.
mod granted;
// A control group for each run and each confined process, where cgroup v2 is.
mod cgroup;
// A granted command, from start to the end of all that it started.
mod command;

pub use cgroup::{Cgroup, Cgroups, Controllers, Share};
pub use command::{CommandOutcome, CommandRun, What, run_command};
pub use error::{SpawnerError, StartError, Unplanned};
pub use launched::{Launched, launch, launch_confined, launch_for};
pub use running::Running;
pub use spawner::Spawner;
