//! The one door through which the daemon starts programs: everything goes by the spawner, which was started before any
//! configuration or secret was read.

mod cgroup;
mod command;
mod error;
mod granted;
mod launched;
mod running;
mod spawner;
mod words;

pub use cgroup::{Cgroup, Cgroups, Controllers, Share};
pub use command::{CommandOutcome, CommandRun, What, run_command};
pub use error::{SpawnerError, StartError, Unplanned};
pub use launched::{Launched, launch, launch_confined, launch_for};
pub use running::{Running, SAID_MAX};
pub use spawner::Spawner;
