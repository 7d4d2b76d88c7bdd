//! The one door to files whose content the daemon believes: configuration, grants, secrets, modules, programs.
//!
//! A path is walked part by part on open handles, symbolic links included, and each part is judged by what its handle
//! says: owned by root (or the daemon's own user) and writable by nobody else. A root-owned sticky folder such as /tmp
//! is as good, for in it nobody can replace what is another's. What was judged is what is read or executed: nothing is
//! opened twice.

#![forbid(unsafe_code)]

// What a caller names, below a folder of the administrator's.
mod below;
// Files of this kind, written.
mod folder;
// Written in a folder of the process' own.
mod own;
// A path, part by part.
mod walk;
// Why a path is not to be trusted.
mod untrusted;

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, Stat};

pub use below::{NotBelow, below};
pub use folder::{Folder, Standing};
pub use own::{own_folder, replace};
pub use untrusted::Untrusted;
use walk::{End, Walk, failed, judge_file};

/// The largest configuration, grants or secret file.
const TEXT_MAX: u64 = 1 << 20;

/// A regular file, open for reading, that only root or the daemon's user can have written. It says nothing of the
/// content.
#[derive(Debug)]
pub struct Trusted {
    file: File,
    path: PathBuf,
    mode: u32,
    group: u32,
    size: u64,
}

/// A program that may be started by its handle: regular, executable, and judged like every trusted file.
#[derive(Debug)]
pub struct Program {
    handle: OwnedFd,
    path: PathBuf,
}

impl Trusted {
    /// Opens and judges `path`; links on the way are followed and judged too.
    ///
    /// # Errors
    /// [`Untrusted`], naming the part that is wrong.
    pub fn open(path: &Path) -> Result<Self, Untrusted> {
        Self::from_walked(Walk::to(path, true)?)
    }

    /// As [`open`](Self::open), but the last part must not be a link: what drops into a folder is itself.
    ///
    /// # Errors
    /// [`Untrusted`], naming the part that is wrong.
    pub fn open_itself(path: &Path) -> Result<Self, Untrusted> {
        Self::from_walked(Walk::to(path, false)?)
    }

    /// What somebody with more rights opened and judged at this path, and handed over.
    ///
    /// # Errors
    /// [`Untrusted::Failed`]: what the kernel says.
    pub fn received(file: OwnedFd, path: &Path) -> Result<Self, Untrusted> {
        let stat = rustix::fs::fstat(&file).map_err(|errno| failed(path, errno))?;
        Ok(Self::of(File::from(file), path.into(), &stat))
    }

    fn of(file: File, path: PathBuf, stat: &Stat) -> Self {
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        Self { file, path, mode: stat.st_mode & 0o7777, group: stat.st_gid, size }
    }

    fn from_walked(end: End) -> Result<Self, Untrusted> {
        let End { folder, name, path } = end;
        // NONBLOCK: opening a FIFO must not wait for a writer.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&folder, &name, flags, Mode::empty()).map_err(|errno| failed(&path, errno))?;
        let stat = rustix::fs::fstat(&file).map_err(|errno| failed(&path, errno))?;
        judge_file(&path, &stat)?;
        Ok(Self::of(File::from(file), path, &stat))
    }

    /// The path with every link resolved.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether group or others may read it: too many for a secret.
    #[must_use]
    pub fn readable_by_others(&self) -> bool {
        self.mode & 0o044 != 0
    }

    /// Whether everybody may.
    #[must_use]
    pub fn readable_by_all(&self) -> bool {
        self.mode & 0o004 != 0
    }

    /// Whether group or others may read it, but for a group that is meant to.
    #[must_use]
    pub fn readable_by_others_than(&self, group: Option<u32>) -> bool {
        self.mode & 0o004 != 0 || (self.mode & 0o040 != 0 && group != Some(self.group))
    }

    /// Bytes, as the handle said when it was opened.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The handle, for reading once.
    #[must_use]
    pub fn into_file(self) -> File {
        self.file
    }

    /// The whole content as text, at most 1 MiB.
    ///
    /// # Errors
    /// [`Untrusted::Unsafe`] if it is too long or not UTF-8.
    pub fn text(self) -> Result<String, Untrusted> {
        self.read()
    }

    /// The same, and the handle stands at the beginning again.
    ///
    /// # Errors
    /// As of [`text`](Self::text).
    pub fn look(&self) -> Result<String, Untrusted> {
        let text = self.read();
        (&self.file).rewind().map_err(|why| self.unreadable(&why))?;
        text
    }

    fn read(&self) -> Result<String, Untrusted> {
        let mut text = String::new();
        match (&self.file).take(TEXT_MAX + 1).read_to_string(&mut text) {
            Ok(length) if length as u64 <= TEXT_MAX => Ok(text),
            Ok(_) => Err(Untrusted::Unsafe(self.path.clone(), format!("longer than {TEXT_MAX} bytes"))),
            Err(why) => Err(self.unreadable(&why)),
        }
    }

    fn unreadable(&self, why: &std::io::Error) -> Untrusted {
        Untrusted::Unsafe(self.path.clone(), format!("cannot be read as text: {why}"))
    }
}

impl Program {
    /// Opens and judges `path` as a program to start.
    ///
    /// # Errors
    /// [`Untrusted`], naming the part that is wrong.
    pub fn open(path: &Path) -> Result<Self, Untrusted> {
        let End { folder, name, path } = Walk::to(path, true)?;
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let handle = rustix::fs::openat(&folder, &name, flags, Mode::empty()).map_err(|errno| failed(&path, errno))?;
        let stat = rustix::fs::fstat(&handle).map_err(|errno| failed(&path, errno))?;
        judge_file(&path, &stat)?;
        if stat.st_mode & 0o111 == 0 {
            return Err(Untrusted::Unsafe(path, "is not executable".into()));
        }
        Ok(Self { handle, path })
    }

    /// The path with every link resolved: what a consent is bound to.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The handle (opened with O_PATH) to execute by.
    #[must_use]
    pub fn into_parts(self) -> (OwnedFd, PathBuf) {
        (self.handle, self.path)
    }
}

/// Judges a folder and all above it, and opens it.
///
/// # Errors
/// [`Untrusted`], naming the part that is wrong.
pub fn folder(path: &Path) -> Result<OwnedFd, Untrusted> {
    let Walk { folder, reached: path, .. } = Walk::through(path)?;
    rustix::fs::openat(&folder, ".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .map_err(|errno| failed(&path, errno))
}

/// The names in a judged folder that end so, sorted.
///
/// # Errors
/// [`Untrusted`] if the folder is not to be trusted or cannot be read.
pub fn names(path: &Path, ending: &str) -> Result<Vec<String>, Untrusted> {
    let folder = folder(path)?;
    let entries = rustix::fs::Dir::read_from(&folder).map_err(|errno| failed(path, errno))?;
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|errno| failed(path, errno))?;
        if let Some(name) = OsStr::from_bytes(entry.file_name().to_bytes()).to_str()
            && let Some(stem) = name.strip_suffix(ending)
            && !stem.is_empty()
            && !stem.starts_with('.')
        {
            names.push(stem.to_owned());
        }
    }
    names.sort_unstable();
    Ok(names)
}
