//! What a configuration's names come to on this machine: users and groups as numbers, programs as files that were
//! judged, a granted command with values as the step that would run.
//!
//! Trusted: what the administrator wrote. Not trusted: the values. Whoever asks here acts with its own rights and its
//! own user: the spawner for all that is granted, an administrator's own process for a check or a trial.

#![forbid(unsafe_code)]

// Users and groups, by name or number.
pub mod users;
// A granted command with values in its slots.
mod step;
// A grants file as a whole.
mod judge;
// Where grants files lie.
mod place;
// Whom the daemon becomes.
mod daemon_user;

pub use daemon_user::{DaemonUserError, Ids, daemon_user};
pub use judge::{Findings, judge};
pub use place::{grants_file, grants_folders};
pub use step::SYSTEMD_RUN;
pub use step::{IdentityError, PlannedStep, Unresolved, identity, resolve};
