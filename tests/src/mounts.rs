//! File systems of a test's own: one that can be filled, one that cannot be written.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use rustix::mount::{MountFlags, UnmountFlags, mount, mount_bind, mount_remount, unmount};

/// Something that is mounted over a folder, until this is dropped.
pub struct Mount(PathBuf);

impl Mount {
    /// An empty file system in memory with so much room.
    pub fn small(folder: &Path, kilobytes: u32) -> Self {
        fs::create_dir_all(folder).unwrap();
        let options = std::ffi::CString::new(format!("size={kilobytes}k,mode=0755")).unwrap();
        mount("none", folder, "tmpfs", MountFlags::empty(), Some(options.as_c_str())).unwrap();
        Self(folder.to_path_buf())
    }

    /// The same folder, which nobody can write to by this name.
    pub fn read_only(folder: &Path) -> Self {
        mount_bind(folder, folder).unwrap();
        let mounted = Self(folder.to_path_buf());
        mount_remount(folder, MountFlags::BIND | MountFlags::RDONLY, "").unwrap();
        mounted
    }

    /// Takes all the room that is left.
    pub fn fill(&self) {
        let mut filler = File::options().create(true).append(true).open(self.0.join("filler")).unwrap();
        for size in [4096, 1] {
            while filler.write(&vec![0; size]).is_ok_and(|written| written > 0) {}
        }
    }

    /// Gives it back.
    pub fn make_room(&self) {
        fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _gone = unmount(&self.0, UnmountFlags::DETACH);
    }
}
