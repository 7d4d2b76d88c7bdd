//! The secrets of a socket. They are kept as hashes, and compared in constant time.

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// A socket's secrets, as their hashes: any of them opens the gate, so that one can be replaced without a gap.
pub struct Secrets(Vec<[u8; 32]>);

impl Secrets {
    /// Of the texts that the administrator wrote, which are wiped.
    pub fn of(texts: Vec<Zeroizing<String>>) -> Self {
        Self(texts.iter().map(|text| Sha256::digest(text.as_bytes()).into()).collect())
    }

    /// Whether they are the same; nobody who does not know them can ask this.
    pub fn are(&self, others: &Self) -> bool {
        self.0 == others.0
    }

    /// Compares hashes of equal length, all of them, in constant time.
    pub fn admit(&self, given: &str) -> bool {
        let given: [u8; 32] = Sha256::digest(given.as_bytes()).into();
        self.0.iter().fold(subtle::Choice::from(0), |found, secret| found | secret.ct_eq(&given)).into()
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}
