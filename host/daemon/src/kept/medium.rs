//! A file as the store and the audit log see it: redb's own words for storage, so that the tests can put a disk that
//! loses power under both.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use redb::StorageBackend;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
#[derive(Debug)]
pub struct OnDisk(File);

impl OnDisk {
    /// Opens the daemon's own file, or makes it (mode 0600, whatever the folder's mode) and makes its name durable.
    ///
    /// # Errors
    /// What the kernel says; also a link or a file with another owner, which the daemon did not make.
    pub fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let (file, made) = match rustix::fs::open(path, flags, Mode::empty()) {
            Err(Errno::NOENT) => (rustix::fs::open(path, flags | OFlags::CREATE, Mode::RUSR | Mode::WUSR)?, true),
            opened => (opened?, false),
        };
        let stat = rustix::fs::fstat(&file)?;
        if stat.st_uid != rustix::process::geteuid().as_raw() || stat.st_nlink != 1 {
            return Err(io::Error::other("is not the daemon's own file: move it away"));
        }
        rustix::fs::fchmod(&file, Mode::RUSR | Mode::WUSR)?;
        match path.parent().map(File::open) {
            Some(Ok(folder)) => folder.sync_all()?,
            Some(Err(why)) if made => return Err(why),
            // A folder of root's, who made the file, and synced it.
            _ => {}
        }
        Ok(Self(File::from(file)))
    }
}

impl StorageBackend for OnDisk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(out, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write_all_at(data, offset)
    }
}
