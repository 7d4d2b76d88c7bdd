//! A path that a caller chose, below a folder that an administrator did. A command that runs as root will open it again
//! by its name, so nobody but root may be able to change what the name leads to in the meantime: every folder on the
//! way is owned by root (or the daemon's own user) and writable by nobody else, and nothing on the way is a symbolic
//! link. A sticky folder is not good enough here: in /tmp everybody can put a link under a name that is not taken yet.

use std::fmt;
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;

use super::untrusted::Untrusted;
use super::walk::{failed, judge_owner};

/// Why such a path is not handed to a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotBelow {
    /// The administrator's folder is not fit for it.
    Folder(Untrusted),
    /// The caller's path is not.
    Path(Untrusted),
}

impl fmt::Display for NotBelow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(why) | Self::Path(why) => why.fmt(f),
        }
    }
}

/// Judges `rest`, a path from `folder` on. Its last part is a regular file or a folder, or is not there yet.
///
/// # Errors
/// [`NotBelow`], naming the part that is wrong.
pub fn below(folder: &Path, rest: &Path) -> Result<(), NotBelow> {
    let base = fit_folder(folder).map_err(NotBelow::Folder)?;
    walk(base, folder, rest).map_err(NotBelow::Path)
}

/// The folder itself: walked to like everything that is believed, then as strictly as what is below it.
fn fit_folder(path: &Path) -> Result<OwnedFd, Untrusted> {
    let folder = super::folder(path)?;
    judge(path, &stat(path, &folder)?)?;
    Ok(folder)
}

fn walk(mut folder: OwnedFd, base: &Path, rest: &Path) -> Result<(), Untrusted> {
    let mut reached: PathBuf = base.into();
    let mut parts = rest.components().peekable();
    if parts.peek().is_none() {
        return Err(Untrusted::Unsafe(reached, "is the folder itself: name something in it".into()));
    }
    while let Some(part) = parts.next() {
        let Component::Normal(name) = part else {
            return Err(Untrusted::Unsafe(base.join(rest), "leads out of the folder".into()));
        };
        reached.push(name);
        let part = match open(&folder, Path::new(name)) {
            Err(Errno::NOENT) if parts.peek().is_none() => return Ok(()),
            opened => opened.map_err(|errno| failed(&reached, errno))?,
        };
        let stat = stat(&reached, &part)?;
        match FileType::from_raw_mode(stat.st_mode) {
            _ if parts.peek().is_some() => judge(&reached, &stat)?,
            FileType::RegularFile | FileType::Directory => {}
            _ => return Err(Untrusted::Unsafe(reached, "is neither a regular file nor a folder".into())),
        }
        folder = part;
    }
    Ok(())
}

/// One part. That it stays below and is no link is the kernel's to see to, at one moment.
fn open(folder: &OwnedFd, name: &Path) -> rustix::io::Result<OwnedFd> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    rustix::fs::openat2(folder, name, OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), resolve)
}

fn stat(path: &Path, part: &OwnedFd) -> Result<Stat, Untrusted> {
    rustix::fs::fstat(part).map_err(|errno| failed(path, errno))
}

fn judge(path: &Path, stat: &Stat) -> Result<(), Untrusted> {
    if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
        return Err(Untrusted::Unsafe(path.into(), "is not a folder".into()));
    }
    judge_owner(path, stat)?;
    if stat.st_mode & 0o022 != 0 {
        let why = format!("can be written by others (mode {:04o}): chmod go-w", stat.st_mode & 0o7777);
        return Err(Untrusted::Unsafe(path.into(), why));
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on panics")]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, chown, symlink};

    use super::*;

    /// `base/one/two/file`, all of it root's alone.
    fn tree() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().canonicalize().unwrap().join("base");
        fs::create_dir_all(base.join("one/two")).unwrap();
        fs::write(base.join("one/two/file"), "").unwrap();
        for part in ["", "one", "one/two"] {
            mode(&base.join(part), 0o755);
        }
        (folder, base)
    }

    fn mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    /// The part that is said to be wrong with the caller's path, from the base on.
    #[track_caller]
    fn wrong(base: &Path, rest: &str) -> (String, String) {
        match below(base, Path::new(rest)) {
            Err(NotBelow::Path(Untrusted::Unsafe(part, why))) => {
                (part.strip_prefix(base).unwrap().display().to_string(), why)
            }
            Err(NotBelow::Path(Untrusted::Missing(part))) => {
                (part.strip_prefix(base).unwrap().display().to_string(), "missing".into())
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_file_a_folder_and_what_is_not_there_yet_are_fit_where_only_root_can_write() {
        let (_kept, base) = tree();
        for fit in ["one", "one/two", "one/two/file", "one/two/new", "new", "one/./two//file"] {
            assert_eq!(below(&base, Path::new(fit)), Ok(()), "{fit}");
        }
        // Whoever owns the last part itself: it is what the command is for.
        chown(base.join("one/two/file"), Some(12_345), None).unwrap();
        mode(&base.join("one/two/file"), 0o666);
        assert_eq!(below(&base, Path::new("one/two/file")), Ok(()));
    }

    #[test]
    fn a_link_anywhere_is_refused_wherever_it_leads() {
        let (_kept, base) = tree();
        symlink(base.join("one"), base.join("absolute")).unwrap();
        symlink("one", base.join("relative")).unwrap();
        symlink("nowhere", base.join("one/two/dangling")).unwrap();
        for (path, part) in [
            ("absolute/two/file", "absolute"),
            ("relative/two/file", "relative"),
            ("relative", "relative"),
            ("one/two/dangling", "one/two/dangling"),
        ] {
            assert_eq!(wrong(&base, path), (part.into(), "is a symbolic link".into()), "{path}");
        }
    }

    #[test]
    fn a_folder_that_others_can_write_is_refused_sticky_or_not() {
        for bits in [0o777, 0o775, 0o757, 0o1777] {
            let (_kept, base) = tree();
            mode(&base.join("one"), bits);
            let (part, why) = wrong(&base, "one/two/file");
            assert_eq!(part, "one");
            assert!(why.contains("can be written by others"), "{why}");
            assert_eq!(wrong(&base, "one/new").0, "one");
            assert_eq!(below(&base, Path::new("one")), Ok(()), "what is named itself is the command's affair");
        }
        let (_kept, base) = tree();
        chown(base.join("one/two"), Some(12_345), None).unwrap();
        assert_eq!(wrong(&base, "one/two/new"), ("one/two".into(), "belongs to uid 12345: chown it to root".into()));
    }

    #[test]
    fn nothing_leads_out_and_no_parent_is_missing() {
        let (_kept, base) = tree();
        for path in ["..", "one/../..", "one/../one", "/etc/passwd"] {
            assert!(matches!(below(&base, Path::new(path)), Err(NotBelow::Path(_))), "{path}");
        }
        assert_eq!(wrong(&base, "missing/file"), ("missing".into(), "missing".into()));
        assert_eq!(wrong(&base, "one/two/file/more"), ("one/two/file".into(), "is not a folder".into()));
        assert_eq!(wrong(&base, "").0, "");
    }

    #[test]
    fn what_is_no_file_and_no_folder_is_refused() {
        let (_kept, base) = tree();
        let _socket = std::os::unix::net::UnixListener::bind(base.join("socket")).unwrap();
        assert_eq!(wrong(&base, "socket").1, "is neither a regular file nor a folder");
    }

    #[test]
    fn a_folder_of_the_administrators_that_is_not_fit_is_its_own_fault() {
        let (_kept, base) = tree();
        for bits in [0o777, 0o1777] {
            mode(&base, bits);
            assert!(matches!(below(&base, Path::new("one")), Err(NotBelow::Folder(Untrusted::Unsafe(..)))));
        }
        assert!(matches!(below(&base.join("none"), Path::new("one")), Err(NotBelow::Folder(Untrusted::Missing(_)))));
        let file = base.join("one/two/file");
        mode(&base, 0o755);
        assert!(matches!(below(&file, Path::new("one")), Err(NotBelow::Folder(Untrusted::Unsafe(..)))));
    }
}
