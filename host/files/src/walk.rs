//! A path, walked part by part on open handles, and what each part must be.

use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use crate::untrusted::Untrusted;

/// Symbolic links followed on one path, as the kernel's own limit.
const LINKS_MAX: usize = 40;

/// Where a walk ended: the judged folder, and the last name in it, which is not a link (or was not to be followed).
pub(crate) struct End {
    pub(crate) folder: OwnedFd,
    pub(crate) name: OsString,
    pub(crate) path: PathBuf,
}

/// A walk under way: the folder reached, and the names still to go, last first.
pub(crate) struct Walk {
    pub(crate) folder: OwnedFd,
    pub(crate) reached: PathBuf,
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
    pub(crate) fn to(path: &Path, follow_last: bool) -> Result<End, Untrusted> {
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
    pub(crate) fn through(path: &Path) -> Result<Self, Untrusted> {
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
        let handle = match rustix::fs::openat(&self.folder, name, flags, Mode::empty()) {
            Ok(handle) => handle,
            // A handle like this needs no right on what it is of.
            Err(Errno::ACCESS) => return Err(Untrusted::Closed(self.reached.clone())),
            Err(errno) => return Err(failed(&path, errno)),
        };
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

pub(crate) fn failed(path: &Path, errno: Errno) -> Untrusted {
    match errno {
        Errno::NOENT => Untrusted::Missing(path.into()),
        Errno::LOOP => Untrusted::Unsafe(path.into(), "is a symbolic link".into()),
        errno => Untrusted::Failed(path.into(), errno),
    }
}

pub(crate) fn judge_owner(path: &Path, stat: &Stat) -> Result<(), Untrusted> {
    let own = rustix::process::geteuid().as_raw();
    if stat.st_uid == 0 || stat.st_uid == own {
        return Ok(());
    }
    Err(Untrusted::Unsafe(path.into(), format!("belongs to uid {}: chown it to root", stat.st_uid)))
}

pub(crate) fn judge_folder(path: &Path, stat: &Stat) -> Result<(), Untrusted> {
    judge_owner(path, stat)?;
    let sticky = stat.st_uid == 0 && stat.st_mode & 0o1000 != 0;
    if stat.st_mode & 0o022 != 0 && !sticky {
        let why = format!("can be written by others (mode {:04o}): chmod go-w", stat.st_mode & 0o7777);
        return Err(Untrusted::Unsafe(path.into(), why));
    }
    Ok(())
}

pub(crate) fn judge_file(path: &Path, stat: &Stat) -> Result<(), Untrusted> {
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
