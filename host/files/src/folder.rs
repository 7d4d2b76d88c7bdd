//! Files that are believed, written: whole or not at all, on the disk before anybody is told, and never through a link.
//!
//! What is written lies beside its place under a name of its own, closed to everybody, until it is complete and has its
//! owner and mode; only then does it get its name. A new file never takes the place of another, and a changed one only
//! of that which was read: what somebody else wrote meanwhile is not lost.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Gid, Mode, OFlags, RenameFlags, Stat, Uid};
use rustix::io::Errno;

use crate::untrusted::Untrusted;
use crate::walk::{failed, judge_file};
use crate::{TEXT_MAX, folder};

/// What a folder on the way to the one that is made may be given to others.
const ON_THE_WAY: u32 = 0o755;

/// A folder that only root or our own user can change, as all above it.
#[derive(Debug)]
pub struct Folder {
    handle: OwnedFd,
    path: PathBuf,
}

/// A file as it stood when it was read: what tells it from another, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    place: (u64, u64),
    changed: (i64, u64),
    size: i64,
    owner: (u32, u32),
    mode: u32,
}

impl Standing {
    fn of(stat: &Stat) -> Self {
        Self {
            place: (stat.st_dev, stat.st_ino),
            changed: (stat.st_ctime, stat.st_ctime_nsec),
            size: stat.st_size,
            owner: (stat.st_uid, stat.st_gid),
            mode: stat.st_mode & 0o777,
        }
    }
}

impl Folder {
    /// Opens and judges it.
    ///
    /// # Errors
    /// [`Untrusted`], naming the part that is wrong.
    pub fn open(path: &Path) -> Result<Self, Untrusted> {
        Ok(Self { handle: folder(path)?, path: path.to_path_buf() })
    }

    /// The same of one that may not be there yet: then it is made, with what is missing above it. Says whether it was.
    ///
    /// # Errors
    /// [`Untrusted`], naming the part that is wrong.
    pub fn make(path: &Path, mode: u32) -> Result<(Self, bool), Untrusted> {
        match Self::open(path) {
            Err(Untrusted::Missing(_)) => {}
            other => return other.map(|folder| (folder, false)),
        }
        let (Some(above), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(Untrusted::Missing(path.to_path_buf()));
        };
        let (above, _) = Self::make(above, ON_THE_WAY)?;
        let said = |errno| failed(path, errno);
        rustix::fs::mkdirat(&above.handle, name, Mode::from_raw_mode(0o700)).map_err(said)?;
        let made = Self::open(path)?;
        rustix::fs::fchmod(&made.handle, Mode::from_raw_mode(mode)).map_err(said)?;
        above.to_disk()?;
        Ok((made, true))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it has something of this name, a link that leads nowhere included.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn has(&self, name: &str) -> Result<bool, Untrusted> {
        match rustix::fs::statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(_) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => Err(failed(&self.path.join(name), errno)),
        }
    }

    /// A file's whole text, at most 1 MiB, and the file as it stands.
    ///
    /// # Errors
    /// [`Untrusted`]; a link is not followed.
    pub fn read(&self, name: &str) -> Result<(String, Standing), Untrusted> {
        let path = self.path.join(name);
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file =
            rustix::fs::openat(&self.handle, name, flags, Mode::empty()).map_err(|errno| failed(&path, errno))?;
        let stat = rustix::fs::fstat(&file).map_err(|errno| failed(&path, errno))?;
        judge_file(&path, &stat)?;
        let mut text = String::new();
        match File::from(file).take(TEXT_MAX + 1).read_to_string(&mut text) {
            Ok(length) if length as u64 <= TEXT_MAX => Ok((text, Standing::of(&stat))),
            Ok(_) => Err(Untrusted::Unsafe(path, format!("longer than {TEXT_MAX} bytes"))),
            Err(why) => Err(Untrusted::Unsafe(path, format!("cannot be read as text: {why}"))),
        }
    }

    /// A new file of our own user's; of this group, or of our own.
    ///
    /// # Errors
    /// [`Untrusted::Failed`] with `EXIST` if the name is taken, and whatever else the kernel says.
    pub fn create(&self, name: &str, mode: u32, group: Option<u32>, content: &[u8]) -> Result<(), Untrusted> {
        let own = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        let half = self.half(name, (own.0, group.unwrap_or(own.1)), mode, content)?;
        self.named(&half, name, RenameFlags::NOREPLACE)
    }

    /// Other content for the file that was read; owner and mode stay.
    ///
    /// # Errors
    /// [`Untrusted::Unsafe`] if it is not as it stood, and whatever the kernel says.
    pub fn replace(&self, name: &str, read: &Standing, content: &[u8]) -> Result<(), Untrusted> {
        let half = self.half(name, read.owner, read.mode, content)?;
        let now = rustix::fs::statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW);
        if now.as_ref().map(Standing::of).ok().as_ref() == Some(read) {
            return self.named(&half, name, RenameFlags::empty());
        }
        self.drop_half(&half);
        let why = "was changed by somebody else meanwhile: it is left as it is now; look at it, and say it again";
        Err(Untrusted::Unsafe(self.path.join(name), why.into()))
    }

    /// Another name for a file, which nothing has yet.
    ///
    /// # Errors
    /// [`Untrusted::Failed`] with `EXIST` if it is taken, and whatever else the kernel says.
    pub fn rename(&self, from: &str, to: &str) -> Result<(), Untrusted> {
        rustix::fs::renameat_with(&self.handle, from, &self.handle, to, RenameFlags::NOREPLACE)
            .map_err(|errno| failed(&self.path.join(if errno == Errno::EXIST { to } else { from }), errno))?;
        self.to_disk()
    }

    /// Takes a file away again.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn remove(&self, name: &str) -> Result<(), Untrusted> {
        rustix::fs::unlinkat(&self.handle, name, AtFlags::empty())
            .map_err(|errno| failed(&self.path.join(name), errno))?;
        self.to_disk()
    }

    /// The content under a name of its own.
    fn half(&self, name: &str, owner: (u32, u32), mode: u32, content: &[u8]) -> Result<String, Untrusted> {
        let said = |errno| failed(&self.path.join(name), errno);
        let mut letters = [0; 8];
        rustix::rand::getrandom(&mut letters, rustix::rand::GetRandomFlags::empty()).map_err(said)?;
        // It begins with a dot, so that no reader of folders takes it for a file of its kind.
        let half = format!(".{name}.{}", hex::encode(letters));
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.handle, &half, flags, Mode::from_raw_mode(0o600)).map_err(said)?;
        self.fill(File::from(file), owner, mode, content).inspect_err(|_| self.drop_half(&half)).map_err(said)?;
        Ok(half)
    }

    fn fill(&self, mut file: File, owner: (u32, u32), mode: u32, content: &[u8]) -> Result<(), Errno> {
        let errno = |why: std::io::Error| Errno::from_io_error(&why).unwrap_or(Errno::IO);
        file.write_all(content).map_err(errno)?;
        rustix::fs::fchown(&file, Some(Uid::from_raw(owner.0)), Some(Gid::from_raw(owner.1)))?;
        rustix::fs::fchmod(&file, Mode::from_raw_mode(mode))?;
        file.sync_all().map_err(errno)
    }

    fn named(&self, half: &str, name: &str, flags: RenameFlags) -> Result<(), Untrusted> {
        rustix::fs::renameat_with(&self.handle, half, &self.handle, name, flags)
            .inspect_err(|_| self.drop_half(half))
            .map_err(|errno| failed(&self.path.join(name), errno))?;
        self.to_disk()
    }

    fn drop_half(&self, half: &str) {
        let _either_way = rustix::fs::unlinkat(&self.handle, half, AtFlags::empty());
    }

    fn to_disk(&self) -> Result<(), Untrusted> {
        rustix::fs::fsync(&self.handle).map_err(|errno| failed(&self.path, errno))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

    use super::*;

    /// A folder, and what is in it.
    fn folder() -> (tempfile::TempDir, Folder) {
        let kept = tempfile::tempdir().unwrap();
        let opened = Folder::open(kept.path()).unwrap();
        (kept, opened)
    }

    fn names(folder: &Folder) -> Vec<String> {
        let entries = fs::read_dir(folder.path()).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn a_new_file_has_the_mode_that_was_said_whatever_the_umask() {
        let (kept, folder) = folder();
        for wanted in [0o600, 0o644, 0o640] {
            let name = format!("{wanted:o}");
            folder.create(&name, wanted, None, b"x").unwrap();
            assert_eq!(mode(&kept.path().join(&name)), wanted);
        }
        assert_eq!(names(&folder).len(), 3, "nothing else is left");
    }

    #[test]
    fn a_new_file_takes_the_place_of_nothing() {
        let (kept, folder) = folder();
        fs::write(kept.path().join("file"), "first").unwrap();
        symlink("nowhere", kept.path().join("link")).unwrap();
        for name in ["file", "link"] {
            let refused = folder.create(name, 0o600, None, b"second");
            assert_eq!(refused, Err(Untrusted::Failed(kept.path().join(name), Errno::EXIST)));
        }
        assert_eq!(fs::read_to_string(kept.path().join("file")).unwrap(), "first");
        assert!(!kept.path().join("nowhere").exists());
        assert_eq!(names(&folder).len(), 2, "what was half written is gone");
    }

    #[test]
    fn a_changed_file_keeps_its_owner_and_mode() {
        let (kept, folder) = folder();
        let path = kept.path().join("file");
        fs::write(&path, "first").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let before = fs::metadata(&path).unwrap();
        let (text, standing) = folder.read("file").unwrap();
        assert_eq!(text, "first");
        folder.replace("file", &standing, b"second").unwrap();
        let after = fs::metadata(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "second");
        assert_eq!((before.uid(), before.gid(), before.mode()), (after.uid(), after.gid(), after.mode()));
        assert_eq!(names(&folder), ["file"]);
    }

    #[test]
    fn what_somebody_else_wrote_meanwhile_is_not_lost() {
        let (kept, folder) = folder();
        let path = kept.path().join("file");
        fs::write(&path, "first").unwrap();
        let (_, standing) = folder.read("file").unwrap();
        fs::write(&path, "theirs").unwrap();
        assert!(matches!(folder.replace("file", &standing, b"ours"), Err(Untrusted::Unsafe(..))));
        assert_eq!(fs::read_to_string(&path).unwrap(), "theirs");
        fs::remove_file(&path).unwrap();
        assert!(folder.replace("file", &standing, b"ours").is_err());
        assert!(names(&folder).is_empty());
    }

    #[test]
    fn no_link_is_read_through_or_written_through() {
        let (kept, folder) = folder();
        fs::write(kept.path().join("file"), "first").unwrap();
        symlink("file", kept.path().join("link")).unwrap();
        assert!(matches!(folder.read("link"), Err(Untrusted::Unsafe(..))));
        let (_, standing) = folder.read("file").unwrap();
        assert!(folder.replace("link", &standing, b"second").is_err());
        assert_eq!(fs::read_to_string(kept.path().join("file")).unwrap(), "first");
    }

    #[test]
    fn a_folder_is_made_with_what_is_missing_above_it_and_left_as_it_is_if_it_is_there() {
        let kept = tempfile::tempdir().unwrap();
        let path = kept.path().join("a/b");
        let (_, made) = Folder::make(&path, 0o700).unwrap();
        assert!(made);
        assert_eq!((mode(&path), mode(&kept.path().join("a"))), (0o700, 0o755));
        let (folder, made) = Folder::make(&path, 0o755).unwrap();
        assert!(!made);
        assert_eq!((folder.path(), mode(&path)), (path.as_path(), 0o700));
    }

    #[test]
    fn nothing_is_written_where_others_could_change_it() {
        let kept = tempfile::tempdir().unwrap();
        let path = kept.path().join("open");
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(matches!(Folder::open(&path), Err(Untrusted::Unsafe(..))));
        assert!(matches!(Folder::make(&path.join("below"), 0o755), Err(Untrusted::Unsafe(..))));
    }

    #[test]
    fn a_file_gets_another_name_only_if_nothing_has_it() {
        let (kept, folder) = folder();
        fs::write(kept.path().join("a"), "a").unwrap();
        folder.rename("a", "b").unwrap();
        fs::write(kept.path().join("a"), "other").unwrap();
        assert_eq!(folder.rename("a", "b"), Err(Untrusted::Failed(kept.path().join("b"), Errno::EXIST)));
        assert_eq!(fs::read_to_string(kept.path().join("b")).unwrap(), "a");
        assert_eq!(folder.rename("c", "d"), Err(Untrusted::Missing(kept.path().join("c"))));
    }
}
