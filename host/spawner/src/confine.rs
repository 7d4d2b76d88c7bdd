//! Namespaces over an empty root, for programs that get no rights at all. As root every layer is required: one that cannot be
//! had is a program that does not start.

use std::fs;

use regent_spawner::Identity;

use crate::birth::{become_user, no_new_privileges};
use crate::sys::check;

/// User, mounts, network, pids, and what processes share by name.
pub(crate) const NAMESPACES: u64 = (libc::CLONE_NEWUSER
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUTS) as u64;

/// The empty root holds nothing; its limit is for what nobody thought of.
const ROOT: &std::ffi::CStr = c"size=4k,nr_inodes=2,mode=0555";

type Stage = (&'static str, i32);

/// In the parent: the one user that there is in the child's namespace is the one that it will be.
pub(crate) fn map_user(pid: i32, identity: Option<&Identity>) -> Result<(), i32> {
    let identity = identity.ok_or(libc::EINVAL)?;
    let write = |file: &str, id: u32| {
        let written = fs::write(format!("/proc/{pid}/{file}"), format!("{id} {id} 1\n"));
        written.map_err(|why| why.raw_os_error().unwrap_or(libc::EIO))
    };
    write("uid_map", identity.uid)?;
    write("gid_map", identity.gid)
}

/// In the child: the empty root, then no rights, then the user, then a look at what is left.
pub(crate) fn sandbox(identity: Option<&Identity>) -> Result<(), Stage> {
    let identity = identity.ok_or(("user", libc::EINVAL))?;
    empty_root().map_err(|errno| ("mounts", errno))?;
    drop_bounding_set().map_err(|errno| ("capabilities", errno))?;
    become_user(identity)?;
    drop_capabilities().map_err(|errno| ("capabilities", errno))?;
    no_new_privileges().map_err(|errno| ("no new privileges", errno))
}

fn empty_root() -> Result<(), i32> {
    let nothing = std::ptr::null();
    let flags = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC;
    // SAFETY: every text ends with a null and is constant.
    unsafe {
        let private = libc::MS_REC | libc::MS_PRIVATE;
        check(i64::from(libc::mount(c"none".as_ptr(), c"/".as_ptr(), nothing, private, nothing.cast())))?;
        // Over a folder that every system has; it is ours alone to see.
        let (tmpfs, over) = (c"tmpfs".as_ptr(), c"/proc".as_ptr());
        check(i64::from(libc::mount(tmpfs, over, tmpfs, flags, ROOT.as_ptr().cast())))?;
        check(i64::from(libc::chdir(over)))?;
        check(libc::syscall(libc::SYS_pivot_root, c".".as_ptr(), c".".as_ptr()))?;
        check(i64::from(libc::umount2(c".".as_ptr(), libc::MNT_DETACH)))?;
        check(i64::from(libc::chdir(c"/".as_ptr())))?;
        let read_only = flags | libc::MS_REMOUNT | libc::MS_BIND | libc::MS_RDONLY;
        check(i64::from(libc::mount(nothing, c"/".as_ptr(), nothing, read_only, nothing.cast())))?;
    }
    Ok(())
}

fn drop_bounding_set() -> Result<(), i32> {
    for capability in 0..64 {
        // SAFETY: no memory of ours is involved.
        let dropped = check(i64::from(unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) }));
        match dropped {
            Ok(_) => {}
            // The first number that is no capability of this kernel.
            Err(libc::EINVAL) if capability > 0 => return Ok(()),
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
