//! Who asks.

use regent_resolve::users;
use serde::{Deserialize, Serialize};

use crate::fair::Peer;

/// Who asks, as the kernel said when it connected. Recorded with what is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requester {
    pub socket: String,
    pub uid: u32,
    pub gid: u32,
    pub groups: Vec<u32>,
    pub pid: Option<i32>,
    /// Whether the uid means a user of this machine (`trust_peer_uid`).
    pub trusted: bool,
}

/// Whose holds and handles are whose: the socket and, where it means anything, the uid.
pub type Owner = (String, Option<u32>);

impl Requester {
    pub fn owner(&self) -> Owner {
        (self.socket.clone(), self.trusted.then_some(self.uid))
    }

    /// What people call it: a user's name, `uid 1234`, or `socket:web`. Looked up now.
    pub fn name(&self) -> String {
        if self.trusted { users::name_of(self.uid) } else { format!("socket:{}", self.socket) }
    }

    /// The peer, as far as fairness goes.
    pub fn peer(&self, socket: u64) -> Peer {
        place_of(socket, self.uid, self.trusted)
    }
}

/// Whose share a peer has. Where uids mean nothing all have one: behind such a socket there may be as many as there are
/// numbers.
pub fn place_of(socket: u64, uid: u32, trusted: bool) -> Peer {
    (socket, if trusted { uid } else { u32::MAX })
}
