//! Sockets in the file system. One is bound closed, given its owner and mode, and only then listens: at no moment is it wider
//! than configured. Whoever connects is who the kernel says it is, at that moment and for as long as the connection lasts.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use regent_peer::Peer;
use rustix::fs::{AtFlags, CWD, FileType, Gid, Mode};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use tokio::net::{UnixListener, UnixStream};

use crate::trusted_file;

/// Connections of one peer uid on one socket, or of all where uids are not trusted: each may keep a line of 64 KiB in memory.
pub const CONNECTIONS_EACH: usize = 512;
/// Connections in all.
pub const CONNECTIONS_MAX: usize = 4_096;
/// Connections that the kernel keeps until they are accepted.
const BACKLOG: i32 = 1_024;
/// After the descriptors ran out: closing takes place meanwhile.
const BREATH: Duration = Duration::from_millis(100);
/// How often it is said that nobody can be accepted.
const SAID_EVERY: Duration = Duration::from_secs(60);

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

/// What tells a socket's file from another in its place: device and inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileNumber(u64, u64);

impl FileNumber {
    /// Whether that file is what has this name.
    #[must_use]
    pub fn is_at(self, path: &Path) -> bool {
        number_of(path) == Some(self)
    }
}

fn number_of(path: &Path) -> Option<FileNumber> {
    path.symlink_metadata().ok().map(|stat| FileNumber(stat.dev(), stat.ino()))
}

/// A socket that listens. Its name goes when it does, unless it is another's, who handed the socket over.
#[derive(Debug)]
pub struct Listener {
    listener: UnixListener,
    path: PathBuf,
    /// The file, unless it is another's, who handed the socket over.
    own: Option<FileNumber>,
    /// When it was said that nobody can be accepted.
    said: Cell<Option<Instant>>,
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
        let own = number_of(&place.path).ok_or_else(|| cannot(&"its file is gone"))?;
        Self::of(socket, place, Some(own)).map_err(|why| cannot(&why))
    }

    /// Takes over a socket that listens there already, such as a service manager's. Who may connect was its business.
    ///
    /// # Errors
    /// [`CannotListen`].
    pub fn adopt(socket: OwnedFd, place: &Place) -> Result<Self, CannotListen> {
        Self::of(socket, place, None).map_err(|why| CannotListen(place.path.clone(), why.to_string()))
    }

    fn of(socket: OwnedFd, place: &Place, own: Option<FileNumber>) -> io::Result<Self> {
        let listener = std::os::unix::net::UnixListener::from(socket);
        listener.set_nonblocking(true)?;
        Ok(Self { listener: UnixListener::from_std(listener)?, path: place.path.clone(), own, said: Cell::new(None) })
    }

    /// Its file, if it is the daemon's to say who may connect.
    #[must_use]
    pub fn own(&self) -> Option<FileNumber> {
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
                    self.say_full(&why);
                    tokio::time::sleep(BREATH).await;
                }
            }
        }
    }

    /// Now and then, for it is tried ten times a second.
    fn say_full(&self, why: &io::Error) {
        if self.said.get().is_none_or(|at| at.elapsed() >= SAID_EVERY) {
            self.said.set(Some(Instant::now()));
            let cure =
                "who connects waits until others have gone; more are had by LimitNOFILE= of the unit, or ulimit -n";
            crate::warning!("{}: cannot accept: {why}: {cure}", self.path.display());
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // By now the name may be another's.
        if self.own.is_some_and(|own| own.is_at(&self.path)) {
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

/// How many connections there are, by socket and peer uid.
#[derive(Debug, Default)]
pub struct Connections(RefCell<Counted>);

#[derive(Debug, Default)]
struct Counted {
    all: usize,
    each: HashMap<(u64, u32), usize>,
}

/// A connection's place, until it is dropped.
#[derive(Debug)]
pub struct Admission {
    of: Rc<Connections>,
    key: (u64, u32),
}

impl Connections {
    /// One more, if there may be.
    pub fn admit(self: &Rc<Self>, key: (u64, u32)) -> Option<Admission> {
        let mut counted = self.0.borrow_mut();
        let of_peer = counted.each.get(&key).copied().unwrap_or_default();
        if counted.all >= CONNECTIONS_MAX || of_peer >= CONNECTIONS_EACH {
            return None;
        }
        counted.each.insert(key, of_peer + 1);
        counted.all += 1;
        Some(Admission { of: Rc::clone(self), key })
    }

    /// How many there are on this socket.
    #[must_use]
    pub fn on(&self, socket: u64) -> usize {
        self.0.borrow().each.iter().filter(|((of, _), _)| *of == socket).map(|(_, count)| count).sum()
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        let mut counted = self.of.0.borrow_mut();
        counted.all -= 1;
        if let Some(of_peer) = counted.each.get_mut(&self.key) {
            *of_peer -= 1;
            if *of_peer == 0 {
                counted.each.remove(&self.key);
            }
        }
    }
}
