//! Namespaces over an empty root, for programs that get no rights at all. Which of them is the daemon's to say, which
//! has tried what this machine gives; each that it says is asked for and looked at, and one that is not there is a
//! program that does not start.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use regent_lane::{HOST_NAME, Layer};
use regent_spawner::{FailedStage, Identity, Stage};

use crate::rights::{become_user, drop_bounding_set, drop_capabilities, no_new_privileges};

use crate::sys::check;

/// The empty root holds nothing; its limit is for what nobody thought of.
const ROOT: &std::ffi::CStr = c"size=4k,nr_inodes=2,mode=0555";

/// For clone(2).
pub(crate) fn flags(layers: &[Layer]) -> u64 {
    layers
        .iter()
        .filter_map(|layer| kind(*layer))
        .map(|(_, flag)| u64::from(flag.cast_unsigned()))
        .fold(0, |all, flag| all | flag)
}

/// Its name below /proc/PID/ns, and its flag; `None` for what is no namespace.
fn kind(layer: Layer) -> Option<(&'static str, i32)> {
    Some(match layer {
        Layer::UserNamespace => ("user", libc::CLONE_NEWUSER),
        Layer::MountNamespace => ("mnt", libc::CLONE_NEWNS),
        Layer::PidNamespace => ("pid", libc::CLONE_NEWPID),
        Layer::NetworkNamespace => ("net", libc::CLONE_NEWNET),
        Layer::IpcNamespace => ("ipc", libc::CLONE_NEWIPC),
        Layer::UtsNamespace => ("uts", libc::CLONE_NEWUTS),
        Layer::CgroupNamespace => ("cgroup", libc::CLONE_NEWCGROUP),
        Layer::Landlock | Layer::Seccomp => return None,
    })
}

/// The spawner's own namespaces of the kinds that are to be left, by which the child sees that it has others.
#[derive(Debug)]
pub(crate) struct Outside(Vec<(Layer, u64)>);

impl Outside {
    /// Before the clone.
    pub(crate) fn of(layers: &[Layer]) -> Result<Self, i32> {
        layers.iter().map(|layer| Ok((*layer, identity_of(*layer)?))).collect::<Result<_, _>>().map(Self)
    }

    /// In the child: none of them is its own any more.
    fn is_left(&self) -> Result<(), i32> {
        for (layer, outside) in &self.0 {
            if kind(*layer).is_some() && identity_of(*layer)? == *outside {
                return Err(libc::EPERM);
            }
        }
        Ok(())
    }

    fn has(&self, layer: Layer) -> bool {
        self.0.iter().any(|(left, _)| *left == layer)
    }
}

/// What a namespace of this process is told apart by; nought for what is none.
fn identity_of(layer: Layer) -> Result<u64, i32> {
    let Some((name, _)) = kind(layer) else { return Ok(0) };
    let found = fs::metadata(format!("/proc/self/ns/{name}"));
    found.map(|found| found.ino()).map_err(|why| why.raw_os_error().unwrap_or(libc::EIO))
}

/// In the parent: the one user that there is in the child's namespace is the one that it will be, or that this process
/// is.
pub(crate) fn map_user(pid: i32, identity: Option<&Identity>) -> Result<(), i32> {
    let write = |file: &str, text: &str| {
        let written = fs::write(format!("/proc/{pid}/{file}"), text);
        written.map_err(|why| why.raw_os_error().unwrap_or(libc::EIO))
    };
    // SAFETY: no memory of ours is involved.
    let own = unsafe { (libc::geteuid(), libc::getegid()) };
    let (uid, gid) = identity.map_or(own, |identity| (identity.uid, identity.gid));
    if identity.is_none() {
        // Or a user that is none of root's could leave a group that it is kept in to be kept out.
        write("setgroups", "deny")?;
    }
    write("uid_map", &format!("{uid} {uid} 1\n"))?;
    write("gid_map", &format!("{gid} {gid} 1\n"))
}

/// In the child: the empty root, then no rights, then the user, then a look at what is left.
pub(crate) fn sandbox(identity: Option<&Identity>, outside: &Outside) -> Result<(), FailedStage> {
    outside.is_left().map_err(|errno| (Stage::Namespaces, errno))?;
    if outside.has(Layer::UtsNamespace) {
        name_host().map_err(|errno| (Stage::HostName, errno))?;
    }
    if outside.has(Layer::MountNamespace) {
        empty_root().map_err(|errno| (Stage::Mounts, errno))?;
    } else {
        // SAFETY: the text ends with a null and is constant.
        check(i64::from(unsafe { libc::chdir(c"/".as_ptr()) })).map_err(|errno| (Stage::Folder, errno))?;
    }
    // An ordinary user has a bounding set that it may not empty, and nothing that it bounds.
    if identity.is_some() || outside.has(Layer::UserNamespace) {
        drop_bounding_set().map_err(|errno| (Stage::Capabilities, errno))?;
    }
    if let Some(identity) = identity {
        become_user(identity)?;
    }
    drop_capabilities().map_err(|errno| (Stage::Capabilities, errno))?;
    no_new_privileges().map_err(|errno| (Stage::NoNewPrivileges, errno))
}

fn name_host() -> Result<(), i32> {
    // SAFETY: the text is as long as we say.
    check(i64::from(unsafe { libc::sethostname(HOST_NAME.as_ptr().cast(), HOST_NAME.len()) })).map(drop)
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
