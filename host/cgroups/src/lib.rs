//! Where runs and sandboxes have control groups of cgroup v2 (cgroups(7)), wherever that is mounted: two folders in the group
//! that the daemon was started in. One is for runs, one group each, only for ending and counting; the other for what is confined,
//! with the controllers that are free.
//!
//! Made, cleared and removed with the rights of whoever started the daemon; what is made in them is the daemon's own.

#![forbid(unsafe_code)]

// Controllers, as far as they are free.
mod controllers;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, CWD, Gid, Uid};

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
}

/// The folder for what is confined, beside that of runs: controllers cost each group that has them, and runs have none.
#[must_use]
pub fn confined(runs: &Path) -> PathBuf {
    let name = runs.file_name().unwrap_or_default().to_string_lossy();
    runs.with_file_name(format!("{name}-confined"))
}

impl Groups {
    /// Makes them, by this name, below the process' own group; `None` where there is no cgroup v2, or none that it may use.
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
        Ok(Some(Self { mount, runs, confined }))
    }

    /// The folder for runs.
    #[must_use]
    pub fn runs(&self) -> &Path {
        &self.runs
    }

    /// Ends what a predecessor of this name left, wherever it was started, and says how many runs that were.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn clear(&self) -> io::Result<usize> {
        let mut ended = end_runs(&self.runs)?;
        // What was confined ended with the predecessor's spawner, or ends now; it left nothing undone.
        end_runs(&self.confined)?;
        // What stands elsewhere may be anybody's who knows the name, and is no reason not to start.
        for folder in self.elsewhere() {
            ended += end_runs(&folder).unwrap_or_default();
            let _not_empty = fs::remove_dir(&folder);
        }
        Ok(ended)
    }

    /// The folders of this name in other groups than the daemon's own: it may have been started in a session before, and in a
    /// service now.
    fn elsewhere(&self) -> Vec<PathBuf> {
        let (mut found, mut ahead) = (Vec::new(), vec![self.mount.clone()]);
        while let Some(folder) = ahead.pop() {
            // What has gone meanwhile held nothing.
            for inner in folders(&folder).unwrap_or_default() {
                let own = [&self.runs, &self.confined];
                let is = |own: &PathBuf| inner.file_name() == own.file_name();
                match own.into_iter().any(is) {
                    true if !own.contains(&&inner) => found.push(inner),
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
            let _the_next_start_does = end_runs(folder).and_then(|_| fs::remove_dir(folder));
        }
    }
}

/// Ends every group in a folder, and says in how many something still ran. One that cannot be ended keeps no other from it: it is
/// the daemon's own user who makes them.
///
/// # Errors
/// What the kernel says of the folder.
pub fn end_runs(of: &Path) -> io::Result<usize> {
    let mut ended = 0;
    for folder in folders(of)? {
        let populated = is_populated(&folder);
        let _a_threaded_one_has_none = fs::write(folder.join("cgroup.kill"), "1");
        let begin = Instant::now();
        while is_populated(&folder) && begin.elapsed() < GONE_WITHIN {
            std::thread::sleep(LOOK_EVERY);
        }
        let _stays = remove(&folder);
        ended += usize::from(populated);
    }
    Ok(ended)
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
