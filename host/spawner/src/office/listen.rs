//! Sockets in the file system. One is bound closed, given its owner and mode, and only then listens: at no moment is it
//! wider than configured. Their folders are root's, so it is here that they are made and removed.

use std::fmt;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use regent_files::Untrusted;
use regent_grants::Config;
use regent_resolve::users;
use regent_spawner::Refused;
use rustix::fs::{AtFlags, CWD, FileType, Gid, Mode};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use super::config::ConfigFile;

/// Connections that the kernel keeps until they are accepted.
const BACKLOG: i32 = 1_024;

/// Why there is no socket.
enum SocketError {
    NotConfigured,
    Group(String),
    NoFolder,
    MissingFolder(PathBuf),
    Folder(Untrusted),
    NotASocket,
    InUse,
    Stale(io::Error),
    Unknown(Errno),
    Gone,
    Foreign,
    System(io::Error),
}

impl fmt::Display for SocketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotConfigured => f.write_str("regent.toml has no such socket"),
            Self::Group(error) => f.write_str(error),
            Self::NoFolder => f.write_str("has no folder"),
            Self::MissingFolder(path) => write!(f, "there is no folder {}: make it", path.display()),
            Self::Folder(error) => error.fmt(f),
            Self::NotASocket => f.write_str("something that is no socket has this name: remove it"),
            Self::InUse => f.write_str("another process listens here"),
            Self::Stale(error) => write!(f, "cannot remove what a predecessor left: {error}"),
            Self::Unknown(errno) => write!(f, "cannot tell whether another process listens here: {errno}"),
            Self::Gone => f.write_str("its file is gone"),
            Self::Foreign => f.write_str("the socket there is not this daemon's"),
            Self::System(error) => error.fmt(f),
        }
    }
}

impl From<SocketError> for Refused {
    fn from(error: SocketError) -> Self {
        Self::Because(error.to_string())
    }
}

/// A socket's place and who may connect.
struct Place<'c> {
    path: &'c Path,
    mode: u32,
    group: Option<u32>,
}

/// One that was made here.
struct Made {
    number: u64,
    path: PathBuf,
    /// Device and inode: by now the name may be another's.
    file: (u64, u64),
}

impl Made {
    fn has_its_name(&self) -> bool {
        file(&self.path).is_some_and(|file| file == self.file)
    }

    fn unlink(self) {
        if self.has_its_name() {
            let _already_gone = fs::remove_file(self.path);
        }
    }
}

fn file(path: &Path) -> Option<(u64, u64)> {
    path.symlink_metadata().ok().map(|stat| (stat.dev(), stat.ino()))
}

/// All that were.
#[derive(Default)]
pub(super) struct Sockets(Vec<Made>);

impl Sockets {
    pub(super) fn unlink(&mut self, number: u64) {
        if let Some(at) = self.0.iter().position(|made| made.number == number) {
            self.0.swap_remove(at).unlink();
        }
    }

    pub(super) fn close(self) {
        self.0.into_iter().for_each(Made::unlink);
    }

    pub(super) fn listen(&mut self, config: &ConfigFile, number: u64, path: &Path) -> Result<Option<OwnedFd>, Refused> {
        if self.0.iter().any(|made| made.path == path && made.has_its_name()) {
            return Ok(None);
        }
        let socket = place(config, path).and_then(|place| open(&place))?;
        let file = file(path).ok_or(SocketError::Gone)?;
        self.0.push(Made { number, path: path.to_path_buf(), file });
        Ok(Some(socket))
    }

    pub(super) fn permit(&self, config: &ConfigFile, path: &Path) -> Result<(), Refused> {
        if !self.0.iter().any(|made| made.path == path && made.has_its_name()) {
            return Err(SocketError::Foreign.into());
        }
        let place = place(config, path)?;
        Ok(permit(&place).map_err(SocketError::System)?)
    }
}

/// What regent.toml says of the socket at this path; of the one that was opened last, if the daemon is about to live by
/// that.
fn place<'c>(config: &'c ConfigFile, path: &'c Path) -> Result<Place<'c>, SocketError> {
    let found = config.newest_first().find_map(|config| written(config, path));
    let (mode, group) = found.ok_or(SocketError::NotConfigured)?;
    let group = group.map(users::group).transpose().map_err(|error| SocketError::Group(error.to_string()))?;
    Ok(Place { path, mode, group })
}

fn written<'c>(config: &'c Config, path: &Path) -> Option<(u32, Option<&'c str>)> {
    let requests = config.sockets.iter().map(|socket| (&socket.path, socket.mode, socket.group.as_deref()));
    let admin = config.admin.iter().map(|admin| (&admin.path, admin.mode, admin.group.as_deref()));
    requests.chain(admin).find(|(at, ..)| *at == path).map(|(_, mode, group)| (mode, group))
}

fn open(place: &Place<'_>) -> Result<OwnedFd, SocketError> {
    let folder = place.path.parent().ok_or(SocketError::NoFolder)?;
    let above = folder.parent().ok_or(SocketError::NoFolder)?;
    regent_files::folder(above).map_err(|error| match error {
        Untrusted::Missing(above) => SocketError::MissingFolder(above),
        error => SocketError::Folder(error),
    })?;
    own_folder(folder, 0o755).map_err(SocketError::System)?;
    regent_files::folder(folder).map_err(SocketError::Folder)?;
    clear(place.path)?;
    let socket = bind(place).map_err(SocketError::System)?;
    rustix::net::listen(&socket, BACKLOG).map_err(|errno| SocketError::System(errno.into()))?;
    Ok(socket)
}

fn bind(place: &Place<'_>) -> io::Result<OwnedFd> {
    let address = SocketAddrUnix::new(place.path)?;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    let before = rustix::process::umask(Mode::from_raw_mode(0o177));
    let bound = rustix::net::bind(&socket, &address);
    rustix::process::umask(before);
    bound?;
    permit(place)?;
    Ok(socket)
}

/// Gives the socket that is there its group and mode.
fn permit(place: &Place<'_>) -> io::Result<()> {
    // The folder is ours alone, so the name is still the socket's.
    rustix::fs::chownat(CWD, place.path, None, place.group.map(Gid::from_raw), AtFlags::SYMLINK_NOFOLLOW)?;
    rustix::fs::chmodat(CWD, place.path, Mode::from_raw_mode(place.mode), AtFlags::empty())?;
    Ok(())
}

/// Removes a socket on which nobody answers. Anything else that has the name stays, and is the administrator's to look
/// at.
fn clear(path: &Path) -> Result<(), SocketError> {
    let Ok(stat) = rustix::fs::statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW) else { return Ok(()) };
    if FileType::from_raw_mode(stat.st_mode) != FileType::Socket {
        return Err(SocketError::NotASocket);
    }
    match connect(path) {
        // Where its queue is full somebody listens as well, and is not waited for.
        Ok(()) | Err(Errno::AGAIN) => Err(SocketError::InUse),
        Err(Errno::CONNREFUSED) => fs::remove_file(path).map_err(SocketError::Stale),
        Err(errno) => Err(SocketError::Unknown(errno)),
    }
}

fn connect(path: &Path) -> Result<(), Errno> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    rustix::net::connect(&socket, &SocketAddrUnix::new(path)?)
}

/// Makes a folder if it is not there, of this mode whatever umask a service manager gave us; its parent must be.
pub(super) fn own_folder(path: &Path, mode: u32) -> io::Result<()> {
    let before = rustix::process::umask(Mode::empty());
    let made = fs::DirBuilder::new().mode(mode).create(path);
    rustix::process::umask(before);
    match made {
        Err(why) if why.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}
