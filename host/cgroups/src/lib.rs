//! Where runs and sandboxes have control groups of cgroup v2 (cgroups(7)), wherever that is mounted: two folders in the
//! group that the daemon was started in. One is for runs, one group each, only for ending and counting; the other for
//! what is confined, with the controllers that are free.
//!
//! Made, cleared and removed with the rights of whoever started the daemon; what is made in them is the daemon's own.

#![forbid(unsafe_code)]

// Controllers, as far as they are free.
mod controllers;

use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, CWD, Gid, Mode, OFlags, Uid, fstat, statat};

pub use controllers::{CONTROLLERS, found};

/// A killed process needs a moment to be gone.
pub const GONE_WITHIN: Duration = Duration::from_secs(2);
/// Between two looks.
pub const LOOK_EVERY: Duration = Duration::from_micros(200);

/// Both folders of one daemon.
#[derive(Debug)]
pub struct Groups {
    mount: PathBuf,
    runs: PathBuf,
    confined: PathBuf,
    /// Of both: a name can be made to lead elsewhere for who looks from another mount namespace.
    handles: [OwnedFd; 2],
}

/// The folder for what is confined, beside that of runs: controllers cost each group that has them, and runs have none.
#[must_use]
pub fn confined(runs: &Path) -> PathBuf {
    let name = runs.file_name().unwrap_or_default().to_string_lossy();
    runs.with_file_name(format!("{name}-confined"))
}

impl Groups {
    /// Makes them, by this name, below the process' own group; `None` where there is no cgroup v2, or none that it may
    /// use.
    ///
    /// # Errors
    /// What the kernel says of a group that should be ours.
    pub fn open(name: &str) -> io::Result<Option<Self>> {
        let mounts = fs::read_to_string("/proc/self/mountinfo")?;
        let own = fs::read_to_string("/proc/self/cgroup")?;
        let (Some(mount), Some(path)) = (mount_point(&mounts), own.lines().find_map(|line| line.strip_prefix("0::")))
        else {
            return Ok(None);
        };
        let runs = mount.join(path.trim_start_matches('/')).join(name);
        match fs::create_dir(&runs) {
            Err(why) if why.kind() == io::ErrorKind::AlreadyExists => {}
            // Not delegated, read-only, or of another namespace: as good as none.
            Err(_) => return Ok(None),
            Ok(()) => {}
        }
        if !runs.join("cgroup.kill").exists() {
            fs::remove_dir(&runs)?;
            return Ok(None);
        }
        let confined = confined(&runs);
        controllers::open(&confined)?;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let open = |folder: &Path| rustix::fs::open(folder, flags, Mode::empty());
        let handles = [open(&runs)?, open(&confined)?];
        Ok(Some(Self { mount, runs, confined, handles }))
    }

    /// The folder for runs.
    #[must_use]
    pub fn runs(&self) -> &Path {
        &self.runs
    }

    /// Whether this is a group that stands directly in the folder for runs.
    #[must_use]
    pub fn is_of_a_run(&self, group: impl AsFd) -> bool {
        is_in(&self.handles[0], group)
    }

    /// The same of the folder for what is confined.
    #[must_use]
    pub fn is_of_the_confined(&self, group: impl AsFd) -> bool {
        is_in(&self.handles[1], group)
    }

    /// Ends what a predecessor of this name left, which was this user's, wherever it was started, and says how many
    /// runs that were. What does not end is waited for once, for [`GONE_WITHIN`].
    ///
    /// # Errors
    /// What the kernel says.
    pub fn clear(&self, daemon: u32) -> io::Result<usize> {
        // What was confined ended with the predecessor's spawner, or ends now; it left nothing undone.
        end_runs(&[self.confined()])?;
        let elsewhere = self.elsewhere(daemon);
        let mut ended = end_runs(&[self.runs()])?;
        // One that a service manager has removed meanwhile holds nothing.
        let there: Vec<_> = elsewhere.iter().map(PathBuf::as_path).filter(|folder| folder.exists()).collect();
        ended += end_runs(&there).unwrap_or_default();
        for folder in elsewhere {
            let _not_empty = fs::remove_dir(&folder);
        }
        Ok(ended)
    }

    /// The folders of this name in other groups than the daemon's own: it may have been started in a session before,
    /// and in a service now. Who else knows the name may make such a folder too, and cannot make it root's.
    fn elsewhere(&self, daemon: u32) -> Vec<PathBuf> {
        let ours = |folder: &Path| folder.symlink_metadata().is_ok_and(|stat| [0, daemon].contains(&stat.uid()));
        let (mut found, mut ahead) = (Vec::new(), vec![self.mount.clone()]);
        while let Some(folder) = ahead.pop() {
            // What has gone meanwhile held nothing.
            for inner in folders(&folder).unwrap_or_default() {
                let own = [&self.runs, &self.confined];
                let is = |own: &PathBuf| inner.file_name() == own.file_name();
                match own.into_iter().any(is) {
                    true if !own.contains(&&inner) && ours(&inner) => found.push(inner),
                    true => {}
                    false => ahead.push(inner),
                }
            }
        }
        found
    }

    /// The folder for what is confined.
    #[must_use]
    pub fn confined(&self) -> &Path {
        &self.confined
    }

    /// Lets this user make groups in both folders.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn hand_over(&self, uid: u32, gid: u32) -> io::Result<()> {
        let (uid, gid) = (Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)));
        for folder in [&self.runs, &self.confined] {
            rustix::fs::chownat(CWD, folder, uid, gid, AtFlags::SYMLINK_NOFOLLOW)?;
        }
        Ok(())
    }

    /// Ends whatever is in them, and removes them.
    pub fn remove(&self) {
        for folder in [&self.confined, &self.runs] {
            let _the_next_start_does = end_runs(&[folder]).and_then(|_| fs::remove_dir(folder));
        }
    }
}

/// Ends every group in these folders, and says in how many something still ran. All are killed before any is waited
/// for, and what does not end, such as threads, which cannot be killed so, keeps nobody longer than [`GONE_WITHIN`]: it
/// is the daemon's own user who makes them.
///
/// # Errors
/// What the kernel says of a folder.
pub fn end_runs(of: &[&Path]) -> io::Result<usize> {
    let mut groups = Vec::new();
    for folder in of {
        groups.extend(folders(folder)?);
    }
    let populated: Vec<_> = groups.iter().filter(|group| is_populated(group)).collect();
    for group in &populated {
        let _a_threaded_one_has_none = fs::write(group.join("cgroup.kill"), "1");
    }
    let begin = Instant::now();
    while populated.iter().any(|group| is_populated(group)) && begin.elapsed() < GONE_WITHIN {
        std::thread::sleep(LOOK_EVERY);
    }
    for group in &groups {
        let _stays = remove(group);
    }
    Ok(populated.len())
}

/// Whether a group stands directly in this one: what has its last name there is the very same folder.
fn is_in(folder: &OwnedFd, group: impl AsFd) -> bool {
    let path = fs::read_link(format!("/proc/self/fd/{}", group.as_fd().as_raw_fd()));
    let Some(name) = path.ok().and_then(|path| path.file_name().map(ToOwned::to_owned)) else { return false };
    match (statat(folder, name, AtFlags::SYMLINK_NOFOLLOW), fstat(group)) {
        (Ok(there), Ok(here)) => (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino),
        _ => false,
    }
}

/// The groups in a group.
fn folders(of: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(of)?.flatten();
    Ok(entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path()).collect())
}

/// Removes a group with those that its processes made in it; nothing, unless all of them are empty of processes.
///
/// # Errors
/// What the kernel says.
pub fn remove(folder: &Path) -> io::Result<()> {
    let Err(why) = fs::remove_dir(folder) else { return Ok(()) };
    if is_populated(folder) {
        return Err(why);
    }
    for inner in folders(folder)? {
        remove(&inner)?;
    }
    fs::remove_dir(folder)
}

/// Whether a process is in a group, or in one below it.
#[must_use]
pub fn is_populated(folder: &Path) -> bool {
    fs::read_to_string(folder.join("cgroup.events")).is_ok_and(|events| events.contains("populated 1"))
}

/// Where cgroup v2 is mounted: the fifth field of the first line whose file system, after the dash, it is.
fn mount_point(mountinfo: &str) -> Option<PathBuf> {
    let line =
        mountinfo.lines().find(|line| line.split(" - ").nth(1).is_some_and(|rest| rest.starts_with("cgroup2 ")))?;
    line.split(' ').nth(4).map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cgroup_v2_is_found_wherever_it_is_mounted() {
        let hybrid = "24 1 0:20 / /sys rw shared:1 - sysfs sysfs rw\n\
                      31 24 0:27 / /sys/fs/cgroup/unified rw,nosuid shared:9 - cgroup2 cgroup2 rw\n";
        assert_eq!(mount_point(hybrid), Some("/sys/fs/cgroup/unified".into()));
        let unified = "31 24 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n";
        assert_eq!(mount_point(unified), Some("/sys/fs/cgroup".into()));
        assert_eq!(mount_point("31 24 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"), None);
    }
}
