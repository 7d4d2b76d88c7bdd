//! Descriptors that came from the daemon: what root's commands and groups are given is what it is meant to be, and no other thing
//! that the daemon could open.

use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::Path;

use rustix::fs::{FileType, fstat, major, minor};

/// Of /dev/null, by linux/Documentation/admin-guide/devices.txt.
const NULL: (u32, u32) = (1, 3);

pub(super) fn is_pipe(fd: &OwnedFd) -> bool {
    fstat(fd).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Fifo)
}

/// The request's data where the grant says so; else nothing, as in /dev/null.
pub(super) fn is_input(fd: &OwnedFd, stdin_data: bool) -> bool {
    if stdin_data {
        return is_pipe(fd);
    }
    fstat(fd).is_ok_and(|stat| {
        let device = (major(stat.st_rdev), minor(stat.st_rdev));
        FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice && device == NULL
    })
}

/// Whether it is directly in this folder, by the kernel's name for it.
pub(super) fn is_below(fd: &OwnedFd, folder: &Path) -> bool {
    let name = std::fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd()));
    name.is_ok_and(|name| name.parent() == Some(folder))
}
