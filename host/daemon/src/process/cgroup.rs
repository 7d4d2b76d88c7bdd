//! A control group of one run or one confined process. Only for ending and counting, unless its maker sets limits.

use std::cell::RefCell;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use regent_cgroups::{GONE_WITHIN, LOOK_EVERY, is_populated, remove};

/// The group of one run.
#[derive(Debug)]
pub struct Cgroup {
    folder: PathBuf,
    handle: File,
    left: Rc<RefCell<Vec<PathBuf>>>,
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
