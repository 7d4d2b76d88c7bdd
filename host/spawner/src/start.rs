//! Starts a program: the clone, and what its parent does for the child.

use std::os::fd::{AsRawFd as _, OwnedFd};

use regent_lane::Layer;
use regent_spawner::{Confinement, Descent, FailedStage, Stage, Start};

use crate::birth::{ABOVE_ALL, Birth};
use crate::confine::{self, Outside};

use crate::{sweep, sys};

/// A child on its way to its exec.
pub(crate) struct Cloned {
    pub(crate) pid: i32,
    /// Where it says what stopped it; closed by its exec.
    pub(crate) failure: OwnedFd,
    /// Where its reaper says with which status it ended, if what it left is to live on.
    pub(crate) leaves: Option<OwnedFd>,
}

/// Starts a program.
///
/// # Errors
/// The stage and errno of what failed before the clone.
pub(crate) fn start(start: &Start, fds: Vec<OwnedFd>) -> Result<Cloned, FailedStage> {
    let (read, write) = sys::pipe().map_err(|errno| (Stage::Descriptors, errno))?;
    // Above every place that a child's descriptors can have.
    let write = sys::moved(write, ABOVE_ALL).map_err(|errno| (Stage::Descriptors, errno))?;
    let birth = Birth::new(start, fds, write)?;
    if let Confinement::Sandbox(layers) = &start.confinement {
        return confined(birth, layers, read);
    }
    match &start.descent {
        Descent::Sweep => reaped(birth, read, None),
        Descent::Leave { after } => reaped(birth, read, Some(after)),
        Descent::Alone { .. } | Descent::Cgroup => match clone(0, birth.cgroup.as_ref())? {
            Some(pid) => Ok(Cloned { pid, failure: read, leaves: None }),
            None => {
                drop(read);
                birth.exec(None)
            }
        },
    }
}

fn clone(flags: u64, cgroup: Option<&OwnedFd>) -> Result<Option<i32>, FailedStage> {
    sys::clone(flags, cgroup).map_err(|errno| (Stage::Fork, errno))
}

/// With a process between, which lets what the command leaves live on after these statuses.
fn reaped(birth: Birth<'_>, failure: OwnedFd, after: Option<&[i32]>) -> Result<Cloned, FailedStage> {
    let pipe = after.map(|_| sys::pipe()).transpose().map_err(|errno| (Stage::Descriptors, errno))?;
    let (leaves, says) = pipe.unzip();
    match clone(0, None)? {
        Some(pid) => Ok(Cloned { pid, failure, leaves }),
        None => {
            drop((failure, leaves));
            sweep::reaper(birth, after.zip(says))
        }
    }
}

/// In namespaces: the child waits until the one user that it can be is known in its own.
fn confined(birth: Birth<'_>, layers: &[Layer], failure: OwnedFd) -> Result<Cloned, FailedStage> {
    // A pid namespace leaves nothing to sweep, and a reaper between would not be in it.
    if !matches!(birth.start.descent, Descent::Alone { .. }) {
        return Err((Stage::Fork, libc::EINVAL));
    }
    // SAFETY: no memory of ours is involved.
    if birth.start.identity.is_none() && unsafe { libc::geteuid() } == 0 {
        return Err((Stage::User, libc::EINVAL));
    }
    let outside = Outside::of(layers).map_err(|errno| (Stage::Namespaces, errno))?;
    let (go_read, go_write) = sys::pipe().map_err(|errno| (Stage::Descriptors, errno))?;
    let cloned = sys::clone(confine::flags(layers), birth.cgroup.as_ref());
    match cloned.map_err(|errno| (Stage::Namespaces, errno))? {
        Some(pid) => {
            if layers.contains(&Layer::UserNamespace) {
                confine::map_user(pid, birth.start.identity.as_ref()).map_err(|errno| {
                    sys::kill(pid, libc::SIGKILL);
                    (Stage::UserMap, errno)
                })?;
            }
            drop(go_write);
            Ok(Cloned { pid, failure, leaves: None })
        }
        None => {
            drop(failure);
            // Its end tells that the map is written, or that nobody will.
            drop(go_write);
            sys::poll(&[go_read.as_raw_fd()]);
            birth.exec(Some(&outside))
        }
    }
}
