//! Sockets in the file system. One is bound closed, given its owner and mode, and only then listens: at no moment is it wider
//! than configured. Their folders are root's, so it is here that they are made and removed.

use std::fmt;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use regent_grants::Config;
use regent_resolve::users;
use regent_spawner::Refused;
use rustix::fs::{AtFlags, CWD, FileType, Gid, Mode};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use super::Office;

/// Connections that the kernel keeps until they are accepted.
const BACKLOG: i32 = 1_024;

/// A socket's place and who may connect.
struct Place<'c> {
    path: &'c Path,
    mode: u32,
    group: Option<u32>,
}

/// Those that were made here.
#[derive(Default)]
pub(super) struct Sockets(Vec<PathBuf>);

impl Sockets {
    pub(super) fn unlink(&mut self, path: &Path) {
        if let Some(at) = self.0.iter().position(|own| own == path) {
            let _already_gone = fs::remove_file(self.0.swap_remove(at));
        }
    }

    pub(super) fn close(self) {
        for path in self.0 {
            let _already_gone = fs::remove_file(path);
        }
    }
}

impl Office {
    pub(super) fn listen(&mut self, path: &Path) -> Result<OwnedFd, Refused> {
        let socket = self.place(path).and_then(|place| open(&place)).map_err(Refused::Because)?;
        self.sockets.0.push(path.to_path_buf());
        Ok(socket)
    }

    pub(super) fn permit(&self, path: &Path) -> Result<(), Refused> {
        let permitted = self.place(path).and_then(|place| permit(&place).map_err(|why| why.to_string()));
        permitted.map_err(Refused::Because)
    }

    /// What regent.toml says of the socket at this path; of the one that was opened last, if the daemon is about to live by that.
    fn place<'c>(&'c self, path: &'c Path) -> Result<Place<'c>, String> {
        let found = [&self.next, &self.config].into_iter().flatten().find_map(|config| written(config, path));
        let (mode, group) = found.ok_or("regent.toml has no such socket")?;
        Ok(Place { path, mode, group: group.map(users::group).transpose()? })
    }
}

fn written<'c>(config: &'c Config, path: &Path) -> Option<(u32, Option<&'c str>)> {
    let requests = config.sockets.iter().map(|socket| (&socket.path, socket.mode, socket.group.as_deref()));
    let admin = config.admin.iter().map(|admin| (&admin.path, admin.mode, admin.group.as_deref()));
    requests.chain(admin).find(|(at, ..)| *at == path).map(|(_, mode, group)| (mode, group))
}

fn open(place: &Place<'_>) -> Result<OwnedFd, String> {
    let said = |why: &dyn fmt::Display| why.to_string();
    let folder = place.path.parent().ok_or("has no folder")?;
    own_folder(folder, 0o755).map_err(|why| match (why.kind(), folder.parent()) {
        (io::ErrorKind::NotFound, Some(above)) => format!("there is no folder {}: make it", above.display()),
        _ => said(&why),
    })?;
    regent_files::folder(folder).map_err(|why| said(&why))?;
    clear(place.path)?;
    let socket = bind(place).map_err(|why| said(&why))?;
    rustix::net::listen(&socket, BACKLOG).map_err(|why| said(&why))?;
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

/// Removes a socket on which nobody answers. Anything else that has the name stays, and is the administrator's to look at.
fn clear(path: &Path) -> Result<(), String> {
    let Ok(stat) = rustix::fs::statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW) else { return Ok(()) };
    if FileType::from_raw_mode(stat.st_mode) != FileType::Socket {
        return Err("something that is no socket has this name: remove it".into());
    }
    match std::os::unix::net::UnixStream::connect(path) {
        Ok(_) => Err("another process listens here".into()),
        Err(why) if why.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(|why| format!("cannot remove what a predecessor left: {why}"))
        }
        Err(why) => Err(format!("cannot tell whether another process listens here: {why}")),
    }
}

/// Makes a folder if it is not there; its parent must be.
pub(super) fn own_folder(path: &Path, mode: u32) -> io::Result<()> {
    match fs::DirBuilder::new().mode(mode).create(path) {
        Err(why) if why.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}
