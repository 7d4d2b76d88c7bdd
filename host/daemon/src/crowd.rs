//! What those who are connected share: connections, bytes, and the thread.

use std::os::unix::net::UnixStream;
use std::rc::Rc;

use crate::connection::{BYTES, Connection};
use crate::fair::Peer;
use crate::listen::connections;
use crate::shares::Shares;
use crate::turns::Turns;

#[derive(Debug)]
pub struct Crowd {
    pub connections: Rc<Shares>,
    /// Bytes of theirs in memory.
    bytes: Rc<Shares>,
    turns: Rc<Turns>,
}

impl Crowd {
    pub fn new() -> Rc<Self> {
        Rc::new(Self { connections: connections(), bytes: Shares::of(BYTES), turns: Turns::new() })
    }

    pub fn connection(&self, stream: UnixStream, peer: Peer) -> Connection {
        Connection::new(stream, peer, &self.turns, &self.bytes)
    }
}
