//! Who is at the other end of a connected Unix socket, by the kernel's word at the moment of the connection.
//!
//! `unsafe` here is two system calls, for three questions that no crate of ours asks rightly. Beside them stands the
//! one other that the daemon makes: it lets go of its terminal, at whose other end may be root.
#![allow(unsafe_code, reason = "SO_PEERCRED, SO_PEERGROUPS, SIOCOUTQ and TIOCNOTTY")]

use std::io;
use std::os::fd::{AsFd, AsRawFd as _};

/// As many groups as Linux lets a process have.
const GROUPS_MAX: usize = 65_536;

/// A peer, as it was when it connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Its effective user.
    pub uid: u32,
    /// Its effective group.
    pub gid: u32,
    /// Its process, which may be another's by now, or none that this namespace sees.
    pub pid: Option<i32>,
    /// Its further groups.
    pub groups: Vec<u32>,
}

/// Asks the kernel.
///
/// # Errors
/// Whatever it says: a peer that is not known is refused, never taken for another.
pub fn credentials(socket: impl AsFd) -> io::Result<Peer> {
    let libc::ucred { pid, uid, gid } = user(&socket)?;
    // Not connected, the kernel answers with nobody.
    if uid == u32::MAX || gid == u32::MAX {
        return Err(io::ErrorKind::NotConnected.into());
    }
    Ok(Peer { uid, gid, pid: Some(pid).filter(|pid| *pid > 0), groups: groups(&socket)? })
}

/// What was sent and its peer has not taken yet, as the kernel counts it: with what it keeps beside the bytes.
///
/// # Errors
/// What the kernel says.
pub fn unread(socket: impl AsFd) -> io::Result<usize> {
    let mut bytes: libc::c_int = 0;
    // SAFETY: this request writes one int, which outlives the call.
    let result = unsafe { libc::ioctl(socket.as_fd().as_raw_fd(), libc::TIOCOUTQ, &raw mut bytes) };
    if result == 0 { usize::try_from(bytes).map_err(io::Error::other) } else { Err(io::Error::last_os_error()) }
}

/// Not by rustix, whose type of a pid cannot be the 0 that a peer of another pid namespace has here.
fn user(socket: &impl AsFd) -> io::Result<libc::ucred> {
    let mut user = libc::ucred { pid: 0, uid: u32::MAX, gid: u32::MAX };
    let mut length = libc::socklen_t::try_from(size_of_val(&user)).map_err(io::Error::other)?;
    let fd = socket.as_fd().as_raw_fd();
    // SAFETY: the struct is `length` bytes long and outlives the call; any bytes are valid numbers.
    let result =
        unsafe { libc::getsockopt(fd, libc::SOL_SOCKET, libc::SO_PEERCRED, (&raw mut user).cast(), &raw mut length) };
    if result == 0 && length as usize == size_of_val(&user) { Ok(user) } else { Err(io::Error::last_os_error()) }
}

fn groups(socket: &impl AsFd) -> io::Result<Vec<u32>> {
    let mut groups = vec![0_u32; 64];
    loop {
        let bytes = groups.len() * size_of::<u32>();
        let mut length = libc::socklen_t::try_from(bytes).map_err(io::Error::other)?;
        let fd = socket.as_fd().as_raw_fd();
        // SAFETY: the buffer is `length` bytes long and outlives the call; any bytes are valid numbers.
        let result = unsafe {
            libc::getsockopt(fd, libc::SOL_SOCKET, libc::SO_PEERGROUPS, groups.as_mut_ptr().cast(), &raw mut length)
        };
        let found = length as usize / size_of::<u32>();
        if result == 0 {
            groups.truncate(found);
            return Ok(groups);
        }
        let why = io::Error::last_os_error();
        if why.raw_os_error() != Some(libc::ERANGE) || found <= groups.len() || found > GROUPS_MAX {
            return Err(why);
        }
        groups.resize(found, 0);
    }
}

/// Lets go of the terminal that this process' session has, by any descriptor of it; for others of the session nothing
/// changes. Not for who leads it, whose group would be hung up on.
///
/// # Errors
/// The kernel's.
pub fn leave_terminal(terminal: impl AsFd) -> io::Result<()> {
    // SAFETY: no memory of ours is involved.
    let left = unsafe { libc::ioctl(terminal.as_fd().as_raw_fd(), libc::TIOCNOTTY) };
    if left < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_who_this_process_is() {
        let (one, _other) = std::os::unix::net::UnixStream::pair().unwrap();
        let peer = credentials(&one).unwrap();
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = |key: &str| status.lines().find_map(|line| line.strip_prefix(key)).unwrap();
        let numbers = |key: &str| line(key).split_whitespace().map(|n| n.parse().unwrap()).collect::<Vec<u32>>();
        assert_eq!((peer.uid, peer.gid), (numbers("Uid:")[1], numbers("Gid:")[1]));
        assert_eq!(peer.groups, numbers("Groups:"));
        assert_eq!(peer.pid, Some(std::process::id().cast_signed()));
    }

    #[test]
    fn who_is_not_connected_is_nobody() {
        assert!(credentials(std::os::unix::net::UnixDatagram::unbound().unwrap()).is_err());
    }

    #[test]
    fn what_is_no_socket_is_nobody() {
        assert!(credentials(std::fs::File::open("/dev/null").unwrap()).is_err());
    }
}
