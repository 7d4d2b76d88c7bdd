//! Who is asking, and may it ask here at all. The first stage that looks into a line; it decides by the socket, the kernel's
//! word on the peer, and the secret, and by nothing that the line says of itself.

use regent_protocol::{Line, Refusal, Request};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::fair::Peer;
use regent_resolve::users;

/// A socket's secrets, as their hashes: any of them opens the gate, so that one can be replaced without a gap.
pub struct Secrets(Vec<[u8; 32]>);

impl Secrets {
    /// Of the texts that the administrator wrote, which are wiped.
    #[must_use]
    pub fn of(texts: Vec<Zeroizing<String>>) -> Self {
        Self(texts.iter().map(|text| Sha256::digest(text.as_bytes()).into()).collect())
    }

    /// Whether they are the same; nobody who does not know them can ask this.
    #[must_use]
    pub fn are(&self, others: &Self) -> bool {
        self.0 == others.0
    }

    /// Compares hashes of equal length, all of them, in constant time.
    fn admit(&self, given: &str) -> bool {
        let given: [u8; 32] = Sha256::digest(given.as_bytes()).into();
        self.0.iter().fold(subtle::Choice::from(0), |found, secret| found | secret.ct_eq(&given)).into()
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

/// Who asks, as the kernel said when it connected. Recorded with what is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requester {
    /// The socket's name.
    pub socket: String,
    /// The peer's user.
    pub uid: u32,
    /// The peer's group.
    pub gid: u32,
    /// The peer's further groups.
    pub groups: Vec<u32>,
    /// The peer's process; decides nothing.
    pub pid: Option<i32>,
    /// Whether the uid means a user of this machine (`trust_peer_uid`).
    pub trusted: bool,
}

/// Whose holds and handles are whose: the socket and, where it means anything, the uid.
pub type Owner = (String, Option<u32>);

impl Requester {
    /// The owner of what this peer holds.
    #[must_use]
    pub fn owner(&self) -> Owner {
        (self.socket.clone(), self.trusted.then_some(self.uid))
    }

    /// What people call it: a user's name, `uid 1234`, or `socket:web`. Looked up now.
    #[must_use]
    pub fn name(&self) -> String {
        if self.trusted { users::name_of(self.uid) } else { format!("socket:{}", self.socket) }
    }

    /// The peer, as far as fairness goes.
    #[must_use]
    pub fn peer(&self, socket: u64) -> Peer {
        place_of(socket, self.uid, self.trusted)
    }
}

/// Whose share a peer has. Where uids mean nothing all have one: behind such a socket there may be as many as there are numbers.
#[must_use]
pub fn place_of(socket: u64, uid: u32, trusted: bool) -> Peer {
    (socket, if trusted { uid } else { u32::MAX })
}

/// A request whose sender knew the socket's secret and whose every key has its type.
///
/// Having one tells nothing about whether the operation exists or whether this peer may see it.
#[derive(Debug)]
pub struct Admitted {
    request: Request,
}

impl Admitted {
    /// What is asked.
    #[must_use]
    pub fn into_request(self) -> Request {
        self.request
    }
}

/// Why a line was turned away.
#[derive(Debug)]
pub enum Turned {
    /// The secret was missing or wrong: the answer is to be delayed, and nobody else's.
    WrongSecret,
    /// The line is no request.
    Refused(Refusal),
}

/// The gate.
///
/// # Errors
/// [`Turned`].
pub fn admit(secrets: &Secrets, line: &Line<'_>) -> Result<Admitted, Turned> {
    if !line.secret().is_some_and(|given| secrets.admit(given)) {
        return Err(Turned::WrongSecret);
    }
    match line.request() {
        Ok(request) => Ok(Admitted { request }),
        Err(rejection) => Err(Turned::Refused(rejection.into())),
    }
}
