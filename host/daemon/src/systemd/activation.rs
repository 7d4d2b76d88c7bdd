//! Sockets that a service manager opened before the daemon was started: sd_listen_fds(3), read from the environment.
//! Their numbers are not believed to be anything: each is taken as a handle of our own by pidfd_getfd(2) and asked for
//! its address.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::net::{SocketAddrUnix, SocketType};
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};

/// The first number, by sd_listen_fds(3).
const FIRST: i32 = 3;
/// More than any configuration has sockets.
const MOST: i32 = 64;

/// What was handed over, by the address that each listens at.
#[derive(Debug, Default)]
pub struct Activated(Vec<(PathBuf, OwnedFd)>);

#[derive(Debug, thiserror::Error)]
pub enum ActivationError {
    /// The kernel says nothing of this process.
    #[error("LISTEN_FDS: {0}")]
    NoPidfd(Errno),
    #[error("LISTEN_FDS: descriptor {0}: {1}")]
    NoDescriptor(i32, Errno),
    #[error("LISTEN_FDS: descriptor {0} is no Unix socket with a path")]
    NotUnix(i32),
    #[error("LISTEN_FDS: descriptor {0} is a socket that does not listen: write ListenStream={path}", path = _1.display())]
    NotListening(i32, PathBuf),
}

impl Activated {
    /// Whatever the environment says was meant for this process.
    pub fn take() -> Result<Self, ActivationError> {
        let variable = |name| std::env::var(name).ok();
        if variable("LISTEN_PID").and_then(|pid| pid.parse().ok()) != Some(std::process::id()) {
            return Ok(Self::default());
        }
        let count: i32 = variable("LISTEN_FDS").and_then(|count| count.parse().ok()).unwrap_or(0);
        let own = pidfd_open(getpid(), PidfdFlags::empty()).map_err(ActivationError::NoPidfd)?;
        let taken = (FIRST..FIRST.saturating_add(count.min(MOST))).map(|number| {
            let socket = pidfd_getfd(&own, number, PidfdGetfdFlags::empty());
            let socket = socket.map_err(|why| ActivationError::NoDescriptor(number, why))?;
            let path = path_of(&socket).ok_or(ActivationError::NotUnix(number))?;
            if listens(&socket) { Ok((path, socket)) } else { Err(ActivationError::NotListening(number, path)) }
        });
        taken.collect::<Result<_, _>>().map(Self)
    }

    /// The socket that listens at this path, if there is one; once.
    pub fn at(&mut self, path: &Path) -> Option<OwnedFd> {
        let found = self.0.iter().position(|(at, _)| at == path)?;
        Some(self.0.swap_remove(found).1)
    }

    /// The addresses of those that nobody took.
    pub fn left(&self) -> impl Iterator<Item = &Path> {
        self.0.iter().map(|(path, _)| path.as_path())
    }
}

/// For streams: only such are accepted at all.
fn listens(socket: &OwnedFd) -> bool {
    let stream = rustix::net::sockopt::socket_type(socket) == Ok(SocketType::STREAM);
    stream && rustix::net::sockopt::socket_acceptconn(socket) == Ok(true)
}

fn path_of(socket: &OwnedFd) -> Option<PathBuf> {
    let address = rustix::net::getsockname(socket).ok()?;
    let address = SocketAddrUnix::try_from(address).ok()?;
    use std::os::unix::ffi::OsStrExt as _;
    Some(Path::new(std::ffi::OsStr::from_bytes(address.path_bytes()?)).to_path_buf())
}
