//! What a start needs root for: a state folder and an audit log that are the daemon's user's, and control groups.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

use regent_cgroups::{GONE_WITHIN, Groups};
use regent_grants::Config;
use regent_spawner::{Ids, Ready};
use rustix::fs::{AtFlags, FileType, FlockOperation, Gid, Mode, OFlags, Uid};

use super::listen::own_folder;
use crate::sys::{ALL_GONE_WITHIN, is_root};

/// Folders in the state folder are not nested deeper than this.
const DEPTH: usize = 4;
/// A spawner outlives its daemon by what it takes to end everything that was started, and what stands in both control groups.
const PREDECESSOR_ENDS_WITHIN: Duration = ALL_GONE_WITHIN.saturating_add(GONE_WITHIN).saturating_add(GONE_WITHIN);

/// All of it.
pub(super) fn prepare(config: &Config) -> Result<(Ready, Kept), String> {
    let user = if is_root() { regent_resolve::daemon_user(config).map_err(|error| error.to_string())? } else { None };
    let state = state(&config.state, user.as_ref())?;
    lock(&state, &config.state)?;
    if let Some(user) = &user {
        audit(&config.audit, user)?;
    }
    let groups = Groups::open(&name_of(&state)?).map_err(|why| format!("cgroup v2: {why}"))?;
    let mut ended = 0;
    if let Some(groups) = &groups {
        let daemon = user.as_ref().map_or_else(|| rustix::process::geteuid().as_raw(), |(uid, ..)| *uid);
        ended = groups.clear(daemon).map_err(|why| format!("cgroup v2: {why}"))?;
        if let Some((uid, gid, _)) = &user {
            groups.hand_over(*uid, *gid).map_err(|why| format!("cgroup v2: {why}"))?;
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
fn lock(state: &OwnedFd, path: &Path) -> Result<(), String> {
    let begin = Instant::now();
    while rustix::fs::flock(state, FlockOperation::NonBlockingLockExclusive).is_err() {
        if begin.elapsed() > PREDECESSOR_ENDS_WITHIN {
            return Err(format!("{}: another daemon runs over this state folder", path.display()));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// The state folder, made if it is not there. It is the daemon's alone; one that was root's becomes so with all that is in it.
fn state(path: &Path, user: Option<&Ids>) -> Result<OwnedFd, String> {
    let said = |why: &dyn std::fmt::Display| format!("{}: {why}", path.display());
    let parent = path.parent().ok_or_else(|| said(&"has no folder above it"))?;
    regent_files::folder(parent).map_err(|why| why.to_string())?;
    own_folder(path, 0o700).map_err(|why| said(&why))?;
    let Some((uid, gid, _)) = user else {
        return regent_files::folder(path).map_err(|why| why.to_string());
    };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = rustix::fs::open(path, flags, Mode::empty()).map_err(|why| said(&why))?;
    let stat = rustix::fs::fstat(&folder).map_err(|why| said(&why))?;
    if stat.st_mode & 0o022 != 0 {
        return Err(said(&format!("can be written by others (mode {:04o}): chmod go-w", stat.st_mode & 0o7777)));
    }
    match stat.st_uid {
        // Nobody but root can have put a name there that leads elsewhere.
        0 => hand_over(&folder, *uid, *gid, DEPTH).map_err(|why| said(&why))?,
        owner if owner == *uid => {}
        owner => {
            let path = path.display();
            return Err(said(&format!(
                "belongs to uid {owner}, and the daemon is to be uid {uid} (daemon_user): chown -R {uid}:{gid} {path}"
            )));
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
        // What is not root's was put there by somebody else; and a file of several names may be another's by one of them.
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

/// The audit log in a folder of root's: made if it is not there, and the daemon's own. In a folder that is not root's alone, such
/// as the state folder, root touches nothing: the daemon makes it there, if it may.
fn audit(path: &Path, (uid, gid, _): &Ids) -> Result<(), String> {
    let said = |why: &dyn std::fmt::Display| format!("{}: {why}", path.display());
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return Err(said(&"is no file")) };
    let Ok(folder) = regent_files::folder(folder) else { return Ok(()) };
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::openat(&folder, name, flags, Mode::RUSR | Mode::WUSR).map_err(|why| said(&why))?;
    let stat = rustix::fs::fstat(&file).map_err(|why| said(&why))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile || stat.st_nlink != 1 {
        return Err(said(&"is not the daemon's own file: move it away"));
    }
    if ![0, *uid].contains(&stat.st_uid) {
        let owner = stat.st_uid;
        let cure = format!("chown {uid}:{gid} {}", path.display());
        return Err(said(&format!("belongs to uid {owner}, and the daemon is to be uid {uid} (daemon_user): {cure}")));
    }
    rustix::fs::fchown(&file, Some(Uid::from_raw(*uid)), Some(Gid::from_raw(*gid))).map_err(|why| said(&why))?;
    // Its name is on the disk before anything stands in it.
    rustix::fs::fsync(&folder).map_err(|why| said(&why))
}

/// What the control groups are called by: the folder that stands for this daemon, wherever it is found again. A copy is another.
fn name_of(state: &OwnedFd) -> Result<String, String> {
    let stat = rustix::fs::fstat(state).map_err(|why| why.to_string())?;
    Ok(format!("regent-{:x}-{:x}", stat.st_dev, stat.st_ino))
}
