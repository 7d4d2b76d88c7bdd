//! The original service under Python, in the private folder.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;

use regent_build::Result;

use super::ground::{Ground, until};
use super::regentd::SECRET;

/// It ends by itself after so many seconds, whatever becomes of the bench.
const LONGEST: u32 = 20 * 60;

pub(super) struct Original {
    ground: Rc<Ground>,
    pid: u32,
}

impl Original {
    /// Starts it, and returns when it listens.
    pub(super) fn start(ground: &Rc<Ground>, python: &Path) -> Result<Self> {
        let mut command = Command::new(python);
        command.arg(super::script("original.py")).arg(socket(ground)).args([SECRET, &LONGEST.to_string()]);
        let original = Self { ground: Rc::clone(ground), pid: ground.start(&mut command)? };
        until("the original listens", || original.socket().exists())?;
        Ok(original)
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    pub(super) fn socket(&self) -> PathBuf {
        socket(&self.ground)
    }
}

impl Drop for Original {
    fn drop(&mut self) {
        self.ground.end(self.pid);
        // The next one listens there, too.
        let _ = std::fs::remove_file(self.socket());
    }
}

fn socket(ground: &Ground) -> PathBuf {
    ground.folder().join("original.sock")
}
