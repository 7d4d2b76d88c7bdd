//! Sockets in the file system. One is bound closed, given its owner and mode, and only then listens: at no moment is it wider
//! than configured. Whoever connects is who the kernel says it is, at that moment and for as long as the connection lasts.

use std::fmt;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use regent_peer::Peer;
use rustix::fs::{AtFlags, CWD, FileType, Gid, Mode};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use tokio::net::{UnixListener, UnixStream};

use crate::shares::{Limit, Shares};
use crate::trusted_file;

/// Connections of one peer uid on one socket, or of all where uids are not trusted; and in all. Each is a descriptor, and some
/// KiB as long as it says nothing.
pub const CONNECTIONS: Limit = Limit { each: 512, most: 4_608 };
/// Connections that the kernel keeps until they are accepted.
const BACKLOG: i32 = 1_024;
/// After the descriptors ran out: closing takes place meanwhile.
const BREATH: Duration = Duration::from_millis(100);

/// A socket's place and who may connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its path.
    pub path: PathBuf,
    /// Its mode, 0o660 for owner and group.
    pub mode: u32,
    /// Its group.
    pub group: Option<u32>,
}

/// Why a socket is not there.
#[derive(Debug)]
pub struct CannotListen(PathBuf, String);

impl fmt::Display for CannotListen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.display(), self.1)
    }
}

impl std::error::Error for CannotListen {}

/// A socket that listens. Its name goes when it does, unless it is another's, who handed the socket over.
#[derive(Debug)]
pub struct Listener {
    listener: UnixListener,
    path: PathBuf,
    own: bool,
}

impl Listener {
    /// Binds, gives owner and mode, listens.
    ///
    /// # Errors
    /// [`CannotListen`]: the folder is not to be trusted, something else has the name, or the kernel says no.
    pub fn open(place: &Place) -> Result<Self, CannotListen> {
        let cannot = |why: &dyn fmt::Display| CannotListen(place.path.clone(), why.to_string());
        let folder = place.path.parent().ok_or_else(|| cannot(&"has no folder"))?;
        own_folder(folder, 0o755).map_err(|why| match (why.kind(), folder.parent()) {
            (io::ErrorKind::NotFound, Some(above)) => {
                cannot(&format!("there is no folder {}: make it", above.display()))
            }
            _ => cannot(&why),
        })?;
        trusted_file::folder(folder).map_err(|why| cannot(&why))?;
        clear(&place.path).map_err(|why| cannot(&why))?;
        let socket = bind(place).map_err(|why| cannot(&why))?;
        rustix::net::listen(&socket, BACKLOG).map_err(|why| cannot(&why))?;
        Self::of(socket, place, true).map_err(|why| cannot(&why))
    }

    /// Takes over a socket that listens there already, such as a service manager's. Who may connect was its business.
    ///
    /// # Errors
    /// [`CannotListen`].
    pub fn adopt(socket: OwnedFd, place: &Place) -> Result<Self, CannotListen> {
        Self::of(socket, place, false).map_err(|why| CannotListen(place.path.clone(), why.to_string()))
    }

    fn of(socket: OwnedFd, place: &Place, own: bool) -> io::Result<Self> {
        let listener = std::os::unix::net::UnixListener::from(socket);
        listener.set_nonblocking(true)?;
        Ok(Self { listener: UnixListener::from_std(listener)?, path: place.path.clone(), own })
    }

    /// Whether it is the daemon's to say who may connect.
    #[must_use]
    pub fn is_own(&self) -> bool {
        self.own
    }

    /// The next peer that the kernel vouches for.
    pub async fn accept(&self) -> (UnixStream, Peer) {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => match regent_peer::credentials(&stream) {
                    Ok(peer) => return (stream, peer),
                    Err(why) => crate::warning!("{}: a peer without credentials: {why}", self.path.display()),
                },
                Err(why) => {
                    crate::warning!("{}: cannot accept: {why}", self.path.display());
                    tokio::time::sleep(BREATH).await;
                }
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if self.own {
            let _already_gone = fs::remove_file(&self.path);
        }
    }
}

fn bind(place: &Place) -> io::Result<OwnedFd> {
    let address = SocketAddrUnix::new(&place.path)?;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    let before = rustix::process::umask(Mode::from_raw_mode(0o177));
    let bound = rustix::net::bind(&socket, &address);
    rustix::process::umask(before);
    bound?;
    permit(place)?;
    Ok(socket)
}

/// Gives the socket that is there its group and mode.
///
/// # Errors
/// What the kernel says.
pub fn permit(place: &Place) -> io::Result<()> {
    // The folder is ours alone, so the name is still the socket's.
    rustix::fs::chownat(CWD, &place.path, None, place.group.map(Gid::from_raw), AtFlags::SYMLINK_NOFOLLOW)?;
    rustix::fs::chmodat(CWD, &place.path, Mode::from_raw_mode(place.mode), AtFlags::empty())?;
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

/// Makes a folder of the daemon's if it is not there; its parent must be.
///
/// # Errors
/// What the kernel says.
pub fn own_folder(path: &Path, mode: u32) -> io::Result<()> {
    match fs::DirBuilder::new().mode(mode).create(path) {
        Err(why) if why.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

/// How many connections there may be: no more in all than half of the descriptors that the daemon may have, for what it does
/// needs some too.
#[must_use]
pub fn connections() -> Rc<Shares> {
    let descriptors = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX);
    let half = usize::try_from(descriptors / 2).unwrap_or(usize::MAX);
    Shares::of(Limit { most: CONNECTIONS.most.min(half), ..CONNECTIONS })
}
