//! One control group a run, so that nothing that a command started outlives it, however it detached itself. Only for ending
//! and counting: no controller is enabled for runs.

use std::cell::{Cell, RefCell};
use std::io;
use std::path::PathBuf;
use std::rc::Rc;

use regent_cgroups::end_runs;

use super::cgroup::Cgroup;
use super::controllers::Controllers;

/// The folder of this daemon's runs, which the spawner made.
#[derive(Debug)]
pub struct Cgroups {
    folder: PathBuf,
    /// Beside it, for what is confined.
    confined: Controllers,
    next: Cell<u64>,
    /// Groups that were not empty yet when their run was given up.
    left: Rc<RefCell<Vec<PathBuf>>>,
}

impl Cgroups {
    /// In this folder.
    #[must_use]
    pub fn at(folder: PathBuf) -> Self {
        let confined = Controllers::at(regent_cgroups::confined(&folder));
        Self { folder, confined, next: Cell::new(0), left: Rc::default() }
    }

    /// Ends every run.
    pub fn end_all(&self) {
        let _nobody_is_left_to_tell = end_runs(&[&self.folder]);
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
