//! One control group a run, so that nothing that a command started outlives it, however it detached itself. Only for ending
//! and counting: no controller is enabled for runs. cgroup v2 is found wherever it is mounted.

use std::cell::{Cell, RefCell};
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use super::controllers::Controllers;

/// A killed process needs a moment to be gone.
const GONE_WITHIN: Duration = Duration::from_secs(2);
/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_micros(200);

/// The folder of this instance's runs.
#[derive(Debug)]
pub struct Cgroups {
    mount: PathBuf,
    folder: PathBuf,
    /// Beside it, for what is confined: controllers cost each group that has them, and runs have none.
    confined: Controllers,
    next: Cell<u64>,
    /// Groups that were not empty yet when their run was given up.
    left: Rc<RefCell<Vec<PathBuf>>>,
}

/// The group of one run.
#[derive(Debug)]
pub struct Cgroup {
    folder: PathBuf,
    handle: File,
    left: Rc<RefCell<Vec<PathBuf>>>,
}

impl Cgroups {
    /// Below the daemon's own group; `None` where there is no cgroup v2, or none that it may use.
    ///
    /// # Errors
    /// What the kernel says of a group that should be ours.
    pub fn open(instance: &str) -> io::Result<Option<Self>> {
        let mounts = fs::read_to_string("/proc/self/mountinfo")?;
        let own = fs::read_to_string("/proc/self/cgroup")?;
        let (Some(mount), Some(path)) = (mount_point(&mounts), own.lines().find_map(|line| line.strip_prefix("0::")))
        else {
            return Ok(None);
        };
        let folder = mount.join(path.trim_start_matches('/')).join(format!("regent-{instance}"));
        match fs::create_dir(&folder) {
            Err(why) if why.kind() == io::ErrorKind::AlreadyExists => {}
            // Not delegated, read-only, or of another namespace: as good as none.
            Err(_) => return Ok(None),
            Ok(()) => {}
        }
        if !folder.join("cgroup.kill").exists() {
            fs::remove_dir(&folder)?;
            return Ok(None);
        }
        let confined = Controllers::open(folder.with_file_name(format!("regent-{instance}-confined")))?;
        Ok(Some(Self { mount, folder, confined, next: Cell::new(0), left: Rc::default() }))
    }

    /// Ends what a predecessor of this instance left, wherever it was started, and says how many runs that were.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn clear(&self) -> io::Result<usize> {
        let mut ended = end_runs(&self.folder)?;
        // What was confined ended with the predecessor's spawner, or ends now; it left nothing undone.
        end_runs(self.confined.folder())?;
        for folder in self.elsewhere() {
            ended += end_runs(&folder)?;
            fs::remove_dir(&folder)?;
        }
        Ok(ended)
    }

    /// This instance's folders in other groups than the daemon's own: it may have been started in a session before, and in a
    /// service now.
    fn elsewhere(&self) -> Vec<PathBuf> {
        let (mut found, mut ahead) = (Vec::new(), vec![self.mount.clone()]);
        while let Some(folder) = ahead.pop() {
            // What has gone meanwhile held nothing.
            for inner in folders(&folder).unwrap_or_default() {
                let is = |own: &Path| inner.file_name() == own.file_name();
                let own = [self.folder.as_path(), self.confined.folder()];
                match own.into_iter().any(is) {
                    true if !own.contains(&inner.as_path()) => found.push(inner),
                    true => {}
                    false => ahead.push(inner),
                }
            }
        }
        found
    }

    /// A group for one run.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn run(&self) -> io::Result<Cgroup> {
        let number = self.next.replace(self.next.get() + 1);
        Cgroup::make(self.folder.join(format!("run-{number}")), &self.left)
    }

    /// Where confined processes are held to their share.
    #[must_use]
    pub fn confined(&self) -> &Controllers {
        &self.confined
    }
}

impl Drop for Cgroups {
    /// What still runs when the daemon ends has had its time; what is killed needs a moment to be gone.
    fn drop(&mut self) {
        for folder in [self.confined.folder(), &self.folder] {
            let _the_next_start_does = end_runs(folder).and_then(|_| fs::remove_dir(folder));
        }
    }
}

impl Cgroup {
    /// A fresh one; removes meanwhile what was left behind.
    pub(super) fn make(folder: PathBuf, left: &Rc<RefCell<Vec<PathBuf>>>) -> io::Result<Self> {
        left.borrow_mut().retain(|folder| remove(folder).is_err());
        fs::create_dir(&folder)?;
        let handle = File::open(&folder)?;
        Ok(Self { folder, handle, left: Rc::clone(left) })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// For whoever is to be born in it.
    #[must_use]
    pub fn handle(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }

    /// Kills whatever is still in it; when this returns it is empty, or the kernel does not let go of something.
    pub async fn end(&self) {
        if !is_populated(&self.folder) {
            return;
        }
        self.kill();
        let begin = std::time::Instant::now();
        while is_populated(&self.folder) {
            if begin.elapsed() > GONE_WITHIN {
                crate::error!("{}: something in it does not end", self.folder.display());
                return;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Kills whatever is in it, and does not wait.
    pub fn kill(&self) {
        let _gone = fs::write(self.folder.join("cgroup.kill"), "1");
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        if remove(&self.folder).is_err() {
            self.kill();
            self.left.borrow_mut().push(self.folder.clone());
        }
    }
}

/// Ends every run of an instance's folder, and says in how many something still ran.
fn end_runs(of: &Path) -> io::Result<usize> {
    let mut ended = 0;
    for folder in folders(of)? {
        let populated = is_populated(&folder);
        fs::write(folder.join("cgroup.kill"), "1")?;
        let begin = std::time::Instant::now();
        while is_populated(&folder) && begin.elapsed() < GONE_WITHIN {
            std::thread::sleep(LOOK_EVERY);
        }
        remove(&folder)?;
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
fn remove(folder: &Path) -> io::Result<()> {
    let Err(why) = fs::remove_dir(folder) else { return Ok(()) };
    if is_populated(folder) {
        return Err(why);
    }
    for inner in folders(folder)? {
        remove(&inner)?;
    }
    fs::remove_dir(folder)
}

fn is_populated(folder: &Path) -> bool {
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
