//! The one door to files whose content the daemon believes: configuration, grants, secrets, modules, programs.
//!
//! A path is walked part by part on open handles, symbolic links included, and each part is judged by what its handle says:
//! owned by root (or the daemon's own user) and writable by nobody else. A root-owned sticky folder such as /tmp is as good,
//! for in it nobody can replace what is another's. What was judged is what is read or executed: nothing is opened twice.

#![forbid(unsafe_code)]

// What a caller names, below a folder of the administrator's.
mod below;
// Files of this kind, written.
mod folder;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

pub use below::{NotBelow, below};
pub use folder::{Folder, Standing};

/// Symbolic links followed on one path, as the kernel's own limit.
const LINKS_MAX: usize = 40;
/// The largest configuration, grants or secret file.
const TEXT_MAX: u64 = 1 << 20;

/// A regular file, open for reading, that only root or the daemon's user can have written. It says nothing of the content.
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

/// Why a path is not to be trusted, for the administrator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Untrusted {
    /// A part of it is not there.
    Missing(PathBuf),
    /// A part of it could be changed by somebody else, or is of the wrong kind.
    Unsafe(PathBuf, String),
    /// The kernel said no.
    Failed(PathBuf, Errno),
    /// What somebody else said who looked at it.
    Judged(String),
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(path) => write!(f, "{}: there is no such file", path.display()),
            Self::Unsafe(path, why) => write!(f, "{}: {why}", path.display()),
            Self::Failed(path, Errno::ACCESS) => {
                let uid = rustix::process::geteuid().as_raw();
                write!(f, "{}: uid {uid} may not read it: chmod o+r, or o+x of a folder", path.display())
            }
            Self::Failed(path, errno) => write!(f, "{}: {errno}", path.display()),
            Self::Judged(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Untrusted {}

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

    /// The same, but for a group that is meant to read it.
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

/// Where a walk ended: the judged folder, and the last name in it, which is not a link (or was not to be followed).
struct End {
    folder: OwnedFd,
    name: OsString,
    path: PathBuf,
}

/// A walk under way: the folder reached, and the names still to go, last first.
struct Walk {
    folder: OwnedFd,
    reached: PathBuf,
    ahead: Vec<OsString>,
    links: usize,
}

impl Walk {
    fn from(path: &Path) -> Result<Self, Untrusted> {
        if !path.is_absolute() {
            return Err(Untrusted::Unsafe(path.into(), "must be an absolute path".into()));
        }
        let mut walk = Self { folder: root()?, reached: "/".into(), ahead: Vec::new(), links: 0 };
        walk.push(path);
        Ok(walk)
    }

    /// To the folder that holds the last part.
    fn to(path: &Path, follow_last: bool) -> Result<End, Untrusted> {
        let mut walk = Self::from(path)?;
        while let Some(name) = walk.ahead.pop() {
            let part = walk.look(&name)?;
            let last = walk.ahead.is_empty();
            if last && !(part.is_link() && follow_last) {
                return Ok(End { folder: walk.folder, name, path: part.path });
            }
            walk.enter(part)?;
        }
        Err(Untrusted::Unsafe(path.into(), "names no file".into()))
    }

    /// Into the last part, which is a folder too.
    fn through(path: &Path) -> Result<Self, Untrusted> {
        let mut walk = Self::from(path)?;
        while let Some(name) = walk.ahead.pop() {
            let part = walk.look(&name)?;
            walk.enter(part)?;
        }
        Ok(walk)
    }

    /// Puts the names of a path ahead; an absolute one starts from the root again.
    fn push(&mut self, path: &Path) {
        for part in path.components().rev() {
            match part {
                Component::Normal(name) => self.ahead.push(name.into()),
                Component::ParentDir => self.ahead.push("..".into()),
                Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
            }
        }
    }

    fn look(&self, name: &OsStr) -> Result<Part, Untrusted> {
        let path = if name == ".." {
            self.reached.parent().unwrap_or(Path::new("/")).to_path_buf()
        } else {
            self.reached.join(name)
        };
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let handle =
            rustix::fs::openat(&self.folder, name, flags, Mode::empty()).map_err(|errno| failed(&path, errno))?;
        let stat = rustix::fs::fstat(&handle).map_err(|errno| failed(&path, errno))?;
        Ok(Part { handle, path, stat })
    }

    fn enter(&mut self, part: Part) -> Result<(), Untrusted> {
        match FileType::from_raw_mode(part.stat.st_mode) {
            FileType::Symlink => self.follow(&part),
            FileType::Directory => {
                judge_folder(&part.path, &part.stat)?;
                (self.folder, self.reached) = (part.handle, part.path);
                Ok(())
            }
            _ => Err(Untrusted::Unsafe(part.path, "is not a folder".into())),
        }
    }

    fn follow(&mut self, link: &Part) -> Result<(), Untrusted> {
        judge_owner(&link.path, &link.stat)?;
        self.links += 1;
        if self.links > LINKS_MAX {
            return Err(Untrusted::Unsafe(link.path.clone(), "too many symbolic links".into()));
        }
        let target = rustix::fs::readlinkat(&link.handle, "", Vec::new()).map_err(|errno| failed(&link.path, errno))?;
        let target = PathBuf::from(OsString::from_vec(target.into_bytes()));
        if target.is_absolute() {
            (self.folder, self.reached) = (root()?, "/".into());
        }
        self.push(&target);
        Ok(())
    }
}

/// One part of a path, open but not yet judged.
struct Part {
    handle: OwnedFd,
    path: PathBuf,
    stat: Stat,
}

impl Part {
    fn is_link(&self) -> bool {
        FileType::from_raw_mode(self.stat.st_mode) == FileType::Symlink
    }
}

fn root() -> Result<OwnedFd, Untrusted> {
    let path = Path::new("/");
    let root = rustix::fs::open(path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .map_err(|errno| failed(path, errno))?;
    let stat = rustix::fs::fstat(&root).map_err(|errno| failed(path, errno))?;
    judge_folder(path, &stat)?;
    Ok(root)
}

fn failed(path: &Path, errno: Errno) -> Untrusted {
    match errno {
        Errno::NOENT => Untrusted::Missing(path.into()),
        Errno::LOOP => Untrusted::Unsafe(path.into(), "is a symbolic link".into()),
        errno => Untrusted::Failed(path.into(), errno),
    }
}

fn judge_owner(path: &Path, stat: &Stat) -> Result<(), Untrusted> {
    let own = rustix::process::geteuid().as_raw();
    if stat.st_uid == 0 || stat.st_uid == own {
        return Ok(());
    }
    Err(Untrusted::Unsafe(path.into(), format!("belongs to uid {}: chown it to root", stat.st_uid)))
}

fn judge_folder(path: &Path, stat: &Stat) -> Result<(), Untrusted> {
    judge_owner(path, stat)?;
    let sticky = stat.st_uid == 0 && stat.st_mode & 0o1000 != 0;
    if stat.st_mode & 0o022 != 0 && !sticky {
        let why = format!("can be written by others (mode {:04o}): chmod go-w", stat.st_mode & 0o7777);
        return Err(Untrusted::Unsafe(path.into(), why));
    }
    Ok(())
}

fn judge_file(path: &Path, stat: &Stat) -> Result<(), Untrusted> {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => {}
        FileType::Symlink => return Err(Untrusted::Unsafe(path.into(), "is a symbolic link".into())),
        _ => return Err(Untrusted::Unsafe(path.into(), "is not a regular file".into())),
    }
    judge_owner(path, stat)?;
    if stat.st_mode & 0o022 != 0 {
        let why = format!("can be written by others (mode {:04o}): chmod go-w", stat.st_mode & 0o7777);
        return Err(Untrusted::Unsafe(path.into(), why));
    }
    Ok(())
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
