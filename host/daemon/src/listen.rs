//! Sockets in the file system, which the spawner makes. Whoever connects is who the kernel says it is, at that moment
//! and for as long as the connection lasts.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram as Unwatched, UnixStream};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use regent_peer::Peer;
use regent_spawner::Ask;
use rustix::net::SocketFlags;
use tokio::io::Interest;
use tokio::net::UnixDatagram;

use crate::log::Seldom;
use crate::policy::Place;
use crate::process::Spawner;
use crate::shares::{Limit, Shares};

/// Connections of one peer uid on one socket, or of all where uids are not trusted; and in all. Each is a descriptor,
/// and some KiB as long as it says nothing.
pub const CONNECTIONS: Limit = Limit { each: 512, most: 4_608 };
/// After the descriptors ran out: closing takes place meanwhile.
const BREATH: Duration = Duration::from_millis(100);

#[derive(Debug, thiserror::Error)]
#[error("{}: {_1}", _0.display())]
pub struct CannotListen(PathBuf, String);

impl CannotListen {
    /// The spawner has not heard yet that it is closed.
    pub(crate) fn again(place: &Place) -> Self {
        Self(place.path.clone(), "has just been closed: reload once more".into())
    }
}

/// A socket that listens. Its name goes when it does, unless it is another's, who handed the socket over.
#[derive(Debug)]
pub struct Listener {
    /// Tokio's own would have its reactor watch every stream from the beginning. It watches this one as it would a
    /// datagram socket.
    listener: UnixDatagram,
    path: PathBuf,
    /// Who made it and removes its name, and by which number.
    own: Option<(Rc<Spawner>, u64)>,
    full: Seldom,
}

impl Listener {
    /// Has the spawner make it; `None`: it has done so before, and the socket still has its name.
    pub async fn open(spawner: &Rc<Spawner>, place: &Place) -> Result<Option<Self>, CannotListen> {
        let cannot = |why: String| CannotListen(place.path.clone(), why);
        let Some((socket, number)) = spawner.listen(place.path.clone()).await.map_err(|why| cannot(why.to_string()))?
        else {
            return Ok(None);
        };
        let listener = Self::of(socket, place, Some((Rc::clone(spawner), number)));
        listener.map(Some).map_err(|why| {
            spawner.tell(Ask::Unlink(number));
            cannot(why.to_string())
        })
    }

    /// Takes over a socket that listens there already, such as a service manager's. Who may connect was its business.
    pub fn adopt(socket: OwnedFd, place: &Place) -> Result<Self, CannotListen> {
        Self::of(socket, place, None).map_err(|why| CannotListen(place.path.clone(), why.to_string()))
    }

    fn of(socket: OwnedFd, place: &Place, own: Option<(Rc<Spawner>, u64)>) -> io::Result<Self> {
        let listener = Unwatched::from(socket);
        listener.set_nonblocking(true)?;
        Ok(Self { listener: UnixDatagram::from_std(listener)?, path: place.path.clone(), own, full: Seldom::new() })
    }

    /// Whether it is the daemon's to say who may connect.
    pub fn is_own(&self) -> bool {
        self.own.is_some()
    }

    /// The next peer that the kernel vouches for, on a stream that does not block.
    pub async fn accept(&self) -> (UnixStream, Peer) {
        loop {
            let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
            let accept = || Ok(rustix::net::accept_with(&self.listener, flags)?);
            match self.listener.async_io(Interest::READABLE, accept).await.map(UnixStream::from) {
                Ok(stream) => match regent_peer::credentials(&stream) {
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
        if self.full.is_due() {
            let cure =
                "who connects waits until others have gone; more are had by LimitNOFILE= of the unit, or ulimit -n";
            crate::warning!("{}: cannot accept: {why}: {cure}", self.path.display());
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some((spawner, number)) = &self.own {
            spawner.tell(Ask::Unlink(*number));
        }
    }
}

/// How many connections there may be: no more in all than half of the descriptors that the daemon may have, for what it
/// does needs some too.
pub fn connections() -> Rc<Shares> {
    let descriptors = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX);
    let half = usize::try_from(descriptors / 2).unwrap_or(usize::MAX);
    Shares::of(Limit { most: CONNECTIONS.most.min(half), ..CONNECTIONS })
}
