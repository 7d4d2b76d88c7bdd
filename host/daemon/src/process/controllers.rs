//! Control groups for what is confined, with a limit of memory, of processes and a share of the processor, where the controllers
//! of cgroup v2 are free. Where they are not (version 1 has them, or nobody delegated them) the limits by rlimit hold alone.

use std::cell::{Cell, RefCell};
use std::fs;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;

use regent_cgroups::CONTROLLERS;

use super::cgroup::Cgroup;

/// What one confined process may use.
#[derive(Debug, Clone, Copy)]
pub struct Share {
    /// Bytes of memory, of all kinds.
    pub memory: u64,
    /// Tasks: threads count.
    pub tasks: u32,
    /// Its weight among others when the processor is wanted by more than there are; theirs is 100.
    pub weight: u32,
}

/// Where confined processes are born.
#[derive(Debug)]
pub struct Controllers {
    folder: PathBuf,
    /// Those that could be had.
    found: Vec<&'static str>,
    next: Cell<u64>,
    left: Rc<RefCell<Vec<PathBuf>>>,
}

impl Controllers {
    /// In this folder.
    #[must_use]
    pub fn at(folder: PathBuf) -> Self {
        let found = regent_cgroups::found(&folder);
        Self { folder, found, next: Cell::new(0), left: Rc::default() }
    }

    /// What could not be had, and what that means; `None` if nothing.
    #[must_use]
    pub fn lacks(&self) -> Option<String> {
        let missing: Vec<_> = CONTROLLERS.into_iter().filter(|controller| !self.found.contains(controller)).collect();
        let only = "of that a sandbox has only the limits of its own process and user";
        (!missing.is_empty()).then(|| format!("cgroup v2 has no free controller {}: {only}", missing.join(", ")))
    }

    /// A group for one process, with its share; `None` where there is no controller to hold it to that.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn group(&self, share: Share) -> io::Result<Option<Cgroup>> {
        if self.found.is_empty() {
            return Ok(None);
        }
        let number = self.next.replace(self.next.get() + 1);
        let group = Cgroup::make(self.folder.join(format!("confined-{number}")), &self.left)?;
        for controller in &self.found {
            for (file, value) in share.of(controller) {
                fs::write(group.folder().join(file), value)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_controller_that_there_is_holds_a_process_to_its_share() {
        // It looks like a group. That a kernel holds a process to this is no test's: `docs/confinement.md` says where it was seen.
        let own = tempfile::tempdir().unwrap();
        fs::write(own.path().join("cgroup.subtree_control"), "memory cpu pids\n").unwrap();
        let controllers = Controllers::at(own.path().into());
        assert_eq!(controllers.lacks(), None);
        let group = controllers.group(Share { memory: 1 << 29, tasks: 32, weight: 50 }).unwrap().unwrap();
        let written = |file: &str| fs::read_to_string(group.folder().join(file)).unwrap();
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
