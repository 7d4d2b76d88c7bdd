//! What a start needs root for: a state folder and an audit log that are the daemon's user's, and control groups.

use std::fmt;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use regent_cgroups::{GONE_WITHIN, Groups};
use regent_files::Untrusted;
use regent_grants::Config;
use regent_spawner::{Ids, Ready};
use rustix::fs::{AtFlags, FileType, FlockOperation, Gid, Mode, OFlags, Uid};
use rustix::io::Errno;

use super::listen::own_folder;
use super::privileges::PrivilegesError;
use crate::sys::{ALL_GONE_WITHIN, is_root};

/// Folders in the state folder are not nested deeper than this.
const DEPTH: usize = 4;
/// A spawner outlives its daemon by what it takes to end everything that was started, and what stands in both control
/// groups.
const PREDECESSOR_ENDS_WITHIN: Duration = ALL_GONE_WITHIN.saturating_add(GONE_WITHIN).saturating_add(GONE_WITHIN);

/// Why a daemon cannot start, for the administrator.
pub(crate) enum PrepareError {
    DaemonUser(String),
    Folder(Untrusted),
    StateFolder(Errno),
    Cgroups(io::Error),
    Privileges(PrivilegesError),
    /// Of the state folder or the audit log.
    Path(PathBuf, PathError),
}

/// What is wrong with a path that is to be the daemon's.
pub(crate) enum PathError {
    NoParent,
    NotAFile,
    Locked,
    /// Its mode.
    Writable(u32),
    Owner {
        owner: u32,
        wanted: u32,
        cure: String,
    },
    Foreign,
    System(io::Error),
}

impl fmt::Display for PrepareError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DaemonUser(error) => f.write_str(error),
            Self::Folder(error) => error.fmt(f),
            Self::StateFolder(errno) => errno.fmt(f),
            Self::Cgroups(error) => write!(f, "cgroup v2: {error}"),
            Self::Privileges(error) => error.fmt(f),
            Self::Path(path, error) => write!(f, "{}: {error}", path.display()),
        }
    }
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoParent => f.write_str("has no folder above it"),
            Self::NotAFile => f.write_str("is no file"),
            Self::Locked => f.write_str("another daemon runs over this state folder"),
            Self::Writable(mode) => write!(f, "can be written by others (mode {mode:04o}): chmod go-w"),
            Self::Owner { owner, wanted, cure } => {
                write!(f, "belongs to uid {owner}, and the daemon is to be uid {wanted} (daemon_user): {cure}")
            }
            Self::Foreign => f.write_str("is not the daemon's own file: move it away"),
            Self::System(error) => error.fmt(f),
        }
    }
}

impl From<PrivilegesError> for PrepareError {
    fn from(error: PrivilegesError) -> Self {
        Self::Privileges(error)
    }
}

impl From<io::Error> for PathError {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

impl From<Errno> for PathError {
    fn from(errno: Errno) -> Self {
        Self::System(errno.into())
    }
}

/// All of it.
pub(super) fn prepare(config: &Config) -> Result<(Ready, Kept), PrepareError> {
    let user = if is_root() { regent_resolve::daemon_user(config) } else { Ok(None) };
    let user = user.map_err(|error| PrepareError::DaemonUser(error.to_string()))?;
    let state = state(&config.state, user.as_ref())?;
    lock(&state, &config.state)?;
    if let Some(user) = &user {
        audit(&config.audit, user)?;
    }
    let groups = Groups::open(&name_of(&state)?).map_err(PrepareError::Cgroups)?;
    let mut ended = 0;
    if let Some(groups) = &groups {
        let daemon = user.as_ref().map_or_else(|| rustix::process::geteuid().as_raw(), |(uid, ..)| *uid);
        ended = groups.clear(daemon).map_err(PrepareError::Cgroups)?;
        if let Some((uid, gid, _)) = &user {
            groups.hand_over(*uid, *gid).map_err(PrepareError::Cgroups)?;
        }
    }
    let runs = groups.as_ref().map(|groups| groups.runs().to_path_buf());
    Ok((Ready { root: is_root(), user, groups: runs, ended }, Kept { groups, _lock: state }))
}

/// What is this daemon's until it has ended, with all that it started.
pub(super) struct Kept {
    pub(super) groups: Option<Groups>,
    /// The state folder: two over one would take one hold twice.
    _lock: OwnedFd,
}

/// Waits for a predecessor that is about to be gone, and for no other.
fn lock(state: &OwnedFd, path: &Path) -> Result<(), PrepareError> {
    let begin = Instant::now();
    while rustix::fs::flock(state, FlockOperation::NonBlockingLockExclusive).is_err() {
        if begin.elapsed() > PREDECESSOR_ENDS_WITHIN {
            return Err(PrepareError::Path(path.to_path_buf(), PathError::Locked));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// The state folder, made if it is not there. It is the daemon's alone; one that was root's becomes so with all that is
/// in it.
fn state(path: &Path, user: Option<&Ids>) -> Result<OwnedFd, PrepareError> {
    let at = |error| PrepareError::Path(path.to_path_buf(), error);
    let parent = path.parent().ok_or_else(|| at(PathError::NoParent))?;
    regent_files::folder(parent).map_err(PrepareError::Folder)?;
    own_folder(path, 0o700).map_err(|error| at(error.into()))?;
    let Some((uid, gid, _)) = user else {
        return regent_files::folder(path).map_err(PrepareError::Folder);
    };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = rustix::fs::open(path, flags, Mode::empty()).map_err(|errno| at(errno.into()))?;
    let stat = rustix::fs::fstat(&folder).map_err(|errno| at(errno.into()))?;
    if stat.st_mode & 0o022 != 0 {
        return Err(at(PathError::Writable(stat.st_mode & 0o7777)));
    }
    match stat.st_uid {
        // Nobody but root can have put a name there that leads elsewhere.
        0 => hand_over(&folder, *uid, *gid, DEPTH).map_err(|error| at(error.into()))?,
        owner if owner == *uid => {}
        owner => {
            let cure = format!("chown -R {uid}:{gid} {}", path.display());
            return Err(at(PathError::Owner { owner, wanted: *uid, cure }));
        }
    }
    Ok(folder)
}

/// What is in a folder first, and then the folder.
fn hand_over(folder: &OwnedFd, uid: u32, gid: u32, depth: usize) -> io::Result<()> {
    let (owner, group) = (Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)));
    for entry in rustix::fs::Dir::read_from(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if [c".", c".."].contains(&name) {
            continue;
        }
        let stat = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
        // What is not root's was put there by somebody else; and a file of several names may be another's by one of
        // them.
        let folder_itself = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
        if stat.st_uid != 0 || !(folder_itself || stat.st_nlink == 1) {
            continue;
        }
        if folder_itself && depth > 0 {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let inner = rustix::fs::openat(folder, name, flags, Mode::empty())?;
            hand_over(&inner, uid, gid, depth - 1)?;
        } else {
            rustix::fs::chownat(folder, name, owner, group, AtFlags::SYMLINK_NOFOLLOW)?;
        }
    }
    rustix::fs::fchown(folder.as_fd(), owner, group)?;
    Ok(())
}

/// The audit log in a folder of root's: made if it is not there, and the daemon's own. In a folder that is not root's
/// alone, such as the state folder, root touches nothing: the daemon makes it there, if it may.
fn audit(path: &Path, (uid, gid, _): &Ids) -> Result<(), PrepareError> {
    let at = |error| PrepareError::Path(path.to_path_buf(), error);
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return Err(at(PathError::NotAFile)) };
    let Ok(folder) = regent_files::folder(folder) else { return Ok(()) };
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::openat(&folder, name, flags, Mode::RUSR | Mode::WUSR).map_err(|errno| at(errno.into()))?;
    let stat = rustix::fs::fstat(&file).map_err(|errno| at(errno.into()))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile || stat.st_nlink != 1 {
        return Err(at(PathError::Foreign));
    }
    if ![0, *uid].contains(&stat.st_uid) {
        let owner = stat.st_uid;
        let cure = format!("chown {uid}:{gid} {}", path.display());
        return Err(at(PathError::Owner { owner, wanted: *uid, cure }));
    }
    rustix::fs::fchown(&file, Some(Uid::from_raw(*uid)), Some(Gid::from_raw(*gid)))
        .map_err(|errno| at(errno.into()))?;
    // Its name is on the disk before anything stands in it.
    rustix::fs::fsync(&folder).map_err(|errno| at(errno.into()))
}

/// What the control groups are called by: the folder that stands for this daemon, wherever it is found again. A copy is
/// another.
fn name_of(state: &OwnedFd) -> Result<String, PrepareError> {
    let stat = rustix::fs::fstat(state).map_err(PrepareError::StateFolder)?;
    Ok(format!("regent-{:x}-{:x}", stat.st_dev, stat.st_ino))
}
