//! Descriptors that came from the daemon: what root's commands and groups are given is what it is meant to be, and no
//! other thing that the daemon could open.

use std::os::fd::OwnedFd;

use rustix::fs::{FileType, fstat, fstatfs, major, minor};

/// Of /dev/null, by linux/Documentation/admin-guide/devices.txt.
const NULL: (u32, u32) = (1, 3);

/// Of pipes without a name, by linux/magic.h. One with a name may be init's, and root opens it anew as /dev/stdout.
const PIPEFS: i64 = 0x5049_5045;

pub(super) fn is_pipe(fd: &OwnedFd) -> bool {
    fstatfs(fd).is_ok_and(|system| system.f_type == PIPEFS)
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
