//! Control groups. One a run, so that nothing that a command started outlives it, however it detached itself: only for
//! ending and counting. And one for each confined process, with a limit of memory, of processes and a share of the
//! processor, where the controllers of cgroup v2 are free. Where they are not (version 1 has them, or nobody delegated
//! them) the limits by rlimit hold alone.

use std::cell::{Cell, RefCell};
use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::rc::Rc;

use regent_cgroups::{CONTROLLERS, GONE_WITHIN, LOOK_EVERY, end_runs, is_populated, remove};
use tokio::time::{sleep, timeout};

/// The groups of this daemon's runs and of what it confines.
#[derive(Debug)]
pub struct Cgroups {
    runs: Numbered,
    confined: Controllers,
}

/// Where confined processes are born.
#[derive(Debug)]
pub struct Controllers {
    groups: Numbered,
    /// Those that could be had.
    found: Vec<&'static str>,
}

#[derive(Debug)]
struct Numbered {
    folder: PathBuf,
    next: Cell<u64>,
    /// Groups that were not empty yet when they were given up.
    left: Rc<RefCell<Vec<PathBuf>>>,
}

/// The group of one run, or of one confined process.
#[derive(Debug)]
pub struct Cgroup {
    folder: PathBuf,
    /// For whoever is to be born in it.
    pub(crate) handle: File,
    left: Rc<RefCell<Vec<PathBuf>>>,
}

/// What one confined process may use.
#[derive(Debug, Clone, Copy)]
pub struct Share {
    /// Bytes of memory, of all kinds.
    pub memory: u64,
    pub tasks: u32,
    /// Its weight among others when the processor is wanted by more than there are; theirs is 100.
    pub weight: u32,
}

impl Numbered {
    fn at(folder: PathBuf) -> Self {
        Self { folder, next: Cell::new(0), left: Rc::default() }
    }

    /// A fresh one; removes meanwhile what was left behind.
    fn make(&self, kind: &str) -> io::Result<Cgroup> {
        self.left.borrow_mut().retain(|folder| remove(folder).is_err());
        let number = self.next.replace(self.next.get() + 1);
        let folder = self.folder.join(format!("{kind}-{number}"));
        fs::create_dir(&folder)?;
        let handle = File::open(&folder)?;
        Ok(Cgroup { folder, handle, left: Rc::clone(&self.left) })
    }
}

impl Cgroups {
    /// In this folder, which the spawner made, and beside it for what is confined.
    pub fn at(folder: PathBuf) -> Self {
        let confined = Controllers::at(regent_cgroups::confined(&folder));
        Self { runs: Numbered::at(folder), confined }
    }

    pub fn end_all(&self) {
        let _nobody_is_left_to_tell = end_runs(&[&self.runs.folder]);
    }

    pub fn run(&self) -> io::Result<Cgroup> {
        self.runs.make("run")
    }

    /// Where confined processes are held to their share.
    pub fn confined(&self) -> &Controllers {
        &self.confined
    }
}

impl Controllers {
    pub fn at(folder: PathBuf) -> Self {
        let found = regent_cgroups::found(&folder);
        Self { groups: Numbered::at(folder), found }
    }

    /// What could not be had, and what that means; `None` if nothing.
    pub fn lacks(&self) -> Option<String> {
        let missing: Vec<_> = CONTROLLERS.into_iter().filter(|controller| !self.found.contains(controller)).collect();
        let only = "of that a sandbox has only the limits of its own process and user";
        (!missing.is_empty()).then(|| format!("cgroup v2 has no free controller {}: {only}", missing.join(", ")))
    }

    /// A group for one process, with its share; `None` where there is no controller to hold it to that.
    pub fn group(&self, share: Share) -> io::Result<Option<Cgroup>> {
        if self.found.is_empty() {
            return Ok(None);
        }
        let group = self.groups.make("confined")?;
        for controller in &self.found {
            for (file, value) in share.of(controller) {
                fs::write(group.folder.join(file), value)?;
            }
        }
        Ok(Some(group))
    }
}

impl Share {
    fn of(self, controller: &str) -> Vec<(&'static str, String)> {
        match controller {
            // What does not fit ends the process; none of it goes to a disk.
            "memory" => vec![("memory.max", self.memory.to_string()), ("memory.swap.max", "0".into())],
            "pids" => vec![("pids.max", self.tasks.to_string())],
            _ => vec![("cpu.weight", self.weight.to_string())],
        }
    }
}

impl Cgroup {
    /// Kills whatever is still in it; when this returns it is empty, or the kernel does not let go of something.
    pub async fn end(&self) {
        if !is_populated(&self.folder) {
            return;
        }
        self.kill();
        let empty = async {
            while is_populated(&self.folder) {
                sleep(LOOK_EVERY).await;
            }
        };
        if timeout(GONE_WITHIN, empty).await.is_err() {
            crate::error!("{}: something in it does not end", self.folder.display());
        }
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_controller_that_there_is_holds_a_process_to_its_share() {
        // It looks like a group. That a kernel holds a process to this is no test's: `docs/confinement.md` says where
        // it was seen.
        let own = tempfile::tempdir().unwrap();
        fs::write(own.path().join("cgroup.subtree_control"), "memory cpu pids\n").unwrap();
        let controllers = Controllers::at(own.path().into());
        assert_eq!(controllers.lacks(), None);
        let group = controllers.group(Share { memory: 1 << 29, tasks: 32, weight: 50 }).unwrap().unwrap();
        let written = |file: &str| fs::read_to_string(group.folder.join(file)).unwrap();
        assert_eq!(written("memory.max"), "536870912");
        assert_eq!(written("memory.swap.max"), "0");
        assert_eq!(written("pids.max"), "32");
        assert_eq!(written("cpu.weight"), "50");
    }

    #[test]
    fn where_none_is_free_there_is_no_group_and_that_is_said() {
        let own = tempfile::tempdir().unwrap();
        let controllers = Controllers::at(own.path().into());
        assert!(controllers.group(Share { memory: 1, tasks: 1, weight: 1 }).unwrap().is_none());
        assert!(controllers.lacks().unwrap().starts_with("cgroup v2 has no free controller memory, cpu, pids: "));
    }
}
