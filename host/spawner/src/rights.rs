//! What a process may: its user and groups, its capabilities, and whether it may gain more.

use regent_spawner::{FailedStage, Identity, Stage};

use crate::sys::check;

/// Groups, group, user, and a look whether the kernel agrees.
pub(crate) fn become_user(identity: &Identity) -> Result<(), FailedStage> {
    let Identity { uid, gid, groups } = identity;
    // SAFETY: the list and its length are of one vector, and the six numbers that are asked for are ours.
    unsafe {
        check(i64::from(libc::setgroups(groups.len(), groups.as_ptr()))).map_err(|errno| (Stage::Groups, errno))?;
        check(i64::from(libc::setresgid(*gid, *gid, *gid))).map_err(|errno| (Stage::Groups, errno))?;
        check(i64::from(libc::setresuid(*uid, *uid, *uid))).map_err(|errno| (Stage::User, errno))?;
        let (mut users, mut groups) = ([!*uid; 3], [!*gid; 3]);
        let ([real, effective, saved], [real_group, effective_group, saved_group]) = (&mut users, &mut groups);
        check(i64::from(libc::getresuid(real, effective, saved))).map_err(|errno| (Stage::User, errno))?;
        let found = libc::getresgid(real_group, effective_group, saved_group);
        check(i64::from(found)).map_err(|errno| (Stage::Groups, errno))?;
        if users != [*uid; 3] || groups != [*gid; 3] {
            return Err((Stage::User, libc::EPERM));
        }
    }
    Ok(())
}

/// Nothing that is executed from here on gains rights.
pub(crate) fn no_new_privileges() -> Result<(), i32> {
    // SAFETY: no memory of ours is involved.
    check(i64::from(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) })).map(drop)
}

/// Every kernel that has namespaces knows so many capabilities: CAP_AUDIT_READ, of Linux 3.16.
const LAST_OF_OLD: u64 = 37;

pub(crate) fn drop_bounding_set() -> Result<(), i32> {
    drop_from_bounding_set(!0)
}

/// Those of these bits that the kernel knows.
pub(crate) fn drop_from_bounding_set(gone: u64) -> Result<(), i32> {
    for capability in (0..64).filter(|capability| gone & (1 << capability) != 0) {
        // SAFETY: no memory of ours is involved.
        let dropped = check(i64::from(unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) }));
        match dropped {
            Ok(_) => {}
            // The first number that is no capability of this kernel.
            Err(libc::EINVAL) if capability > LAST_OF_OLD => return Ok(()),
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

#[repr(C)]
struct Header {
    version: u32,
    pid: i32,
}

#[repr(C)]
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Sets {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// Version 3 of the kernel's interface: two words of 32 bits a set.
const VERSION: u32 = 0x2008_0522;

/// None of what the daemon's own start may have set aside: root is root, and other users are not.
pub(crate) fn plain_capabilities() -> Result<(), i32> {
    // SAFETY: no memory of ours is involved.
    unsafe {
        if check(i64::from(libc::prctl(libc::PR_GET_SECUREBITS, 0, 0, 0, 0)))? != 0 {
            check(i64::from(libc::prctl(libc::PR_SET_SECUREBITS, 0, 0, 0, 0)))?;
        }
        check(i64::from(libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0))).map(drop)
    }
}

/// No more than these, whatever is executed; and they outlive a change of user.
pub(crate) fn bound_to(some: u64) -> Result<(), i32> {
    drop_from_bounding_set(!some)?;
    // SAFETY: no memory of ours is involved.
    check(i64::from(unsafe { libc::prctl(libc::PR_SET_KEEPCAPS, 1, 0, 0, 0) })).map(drop)
}

/// What this process may have: where root is not all of root, less than all.
pub(crate) fn permitted() -> Result<u64, i32> {
    let mut header = Header { version: VERSION, pid: 0 };
    let mut sets = [Sets::default(); 2];
    // SAFETY: both are laid out as the kernel wants them, for this version.
    unsafe { check(libc::syscall(libc::SYS_capget, &raw mut header, sets.as_mut_ptr()))? };
    let [low, high] = sets.map(|half| u64::from(half.permitted));
    Ok(high << 32 | low)
}

/// Just these, across the exec too: a user that is not root has them only as ambient ones.
pub(crate) fn keep_capabilities(some: u64, ambient: bool) -> Result<(), i32> {
    let mut header = Header { version: VERSION, pid: 0 };
    let halves = some.to_le_bytes();
    let [a, b, c, d, e, f, g, h] = halves;
    let sets = [[a, b, c, d], [e, f, g, h]].map(|half| {
        let half = u32::from_le_bytes(half);
        Sets { effective: half, permitted: half, inheritable: if ambient { half } else { 0 } }
    });
    // SAFETY: both are laid out as the kernel wants them, for this version.
    unsafe { check(libc::syscall(libc::SYS_capset, &raw mut header, sets.as_ptr()))? };
    for capability in (0..64_u64).filter(|capability| ambient && some & (1 << capability) != 0) {
        // SAFETY: no memory of ours is involved.
        check(i64::from(unsafe { libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_RAISE, capability, 0, 0) }))?;
    }
    Ok(())
}

/// Empties what a process has and what it could hand on, and looks whether the kernel agrees.
pub(crate) fn drop_capabilities() -> Result<(), i32> {
    let mut header = Header { version: VERSION, pid: 0 };
    let mut sets = [Sets::default(); 2];
    // SAFETY: both are laid out as the kernel wants them, for this version.
    unsafe {
        check(i64::from(libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)))?;
        check(libc::syscall(libc::SYS_capset, &raw mut header, sets.as_ptr()))?;
        check(libc::syscall(libc::SYS_capget, &raw mut header, sets.as_mut_ptr()))?;
    }
    if sets == [Sets::default(); 2] { Ok(()) } else { Err(libc::EPERM) }
}
