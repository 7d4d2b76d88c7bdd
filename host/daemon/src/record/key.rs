//! The requester's own name for a deed: asked again under it, it is answered again and never done again. What is kept
//! is a record like that of any held operation, so it survives what a hold survives, also where nobody's consent was
//! needed.
//!
//! The handle of such a record is made of the key and a random number, and only the number is kept: the requester can
//! be given the same handle again, and who reads the store still cannot answer for it.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Builder;

use super::requester::Requester;

/// What a record keeps of its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keyed {
    /// Of the requester and its key.
    #[serde(with = "hex")]
    pub name: [u8; 32],
    /// Of what was asked: the same key for something else is a mistake of the caller.
    #[serde(with = "hex")]
    asked: [u8; 32],
    #[serde(with = "hex")]
    nonce: [u8; 16],
}

/// A key as a request gives it, with what it is for.
#[derive(Debug)]
pub struct Key<'a> {
    key: &'a str,
    /// What the store finds the record by.
    pub name: [u8; 32],
    asked: [u8; 32],
}

impl<'a> Key<'a> {
    /// Of this requester, for this operation and data.
    pub fn of(requester: &Requester, key: &'a str, operation: &str, data: &str) -> Self {
        let (socket, uid) = requester.owner();
        let uid = uid.map(|uid| uid.to_string()).unwrap_or_default();
        Self { key, name: digest(&[&socket, &uid, key]), asked: digest(&[operation, data]) }
    }

    pub fn keyed(&self) -> Keyed {
        Keyed { name: self.name, asked: self.asked, nonce: rand::random() }
    }

    /// Whether a record is of the same request.
    pub fn is_for(&self, keyed: &Keyed) -> bool {
        self.asked == keyed.asked
    }

    /// The requester's handle of a record.
    pub fn handle(&self, keyed: &Keyed) -> String {
        let hash: [u8; 32] =
            Sha256::new().chain_update(keyed.nonce).chain_update(self.name).chain_update(self.key).finalize().into();
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
        Builder::from_random_bytes(bytes).into_uuid().to_string()
    }
}

/// Of parts that cannot run into each other.
fn digest(parts: &[&str]) -> [u8; 32] {
    let hash = parts.iter().fold(Sha256::new(), |hash, part| {
        hash.chain_update((part.len() as u64).to_le_bytes()).chain_update(part.as_bytes())
    });
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requester(socket: &str, uid: u32, trusted: bool) -> Requester {
        Requester { socket: socket.into(), uid, gid: 0, groups: Vec::new(), pid: None, trusted }
    }

    #[test]
    fn a_key_is_its_requesters_own() {
        let web = requester("web", 33, true);
        let name = |requester: &Requester, key| Key::of(requester, key, "open", "1").name;
        assert_eq!(name(&web, "a"), name(&web, "a"));
        assert_ne!(name(&web, "a"), name(&web, "b"));
        assert_ne!(name(&web, "a"), name(&requester("web", 34, true), "a"));
        assert_ne!(name(&web, "a"), name(&requester("other", 33, true), "a"));
        assert_eq!(
            name(&requester("box", 1, false), "a"),
            name(&requester("box", 2, false), "a"),
            "uids mean nobody there"
        );
        assert_ne!(digest(&["ab", "c"]), digest(&["a", "bc"]));
    }

    #[test]
    fn the_handle_is_the_same_for_the_same_record_and_of_no_other() {
        let web = requester("web", 33, true);
        let key = Key::of(&web, "order 17", "open", "{}");
        let (one, two) = (key.keyed(), key.keyed());
        assert_eq!(key.handle(&one), key.handle(&one));
        assert_ne!(key.handle(&one), key.handle(&two));
        assert!(uuid::Uuid::parse_str(&key.handle(&one)).is_ok_and(|uuid| uuid.get_version_num() == 4));
        let kept = serde_json::to_string(&one).unwrap();
        assert!(!kept.contains("order 17") && !kept.contains(&key.handle(&one)));
    }

    #[test]
    fn another_request_is_told_from_the_same_again() {
        let web = requester("web", 33, true);
        let keyed = Key::of(&web, "k", "open", "{}").keyed();
        assert!(Key::of(&web, "k", "open", "{}").is_for(&keyed));
        assert!(!Key::of(&web, "k", "open", "[]").is_for(&keyed));
        assert!(!Key::of(&web, "k", "close", "{}").is_for(&keyed));
    }
}
