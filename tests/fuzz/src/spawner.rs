//! The words between the daemon and its spawner: any message, as either side would take it.

use std::fmt::Debug;

use regent_spawner::{Ask, Say, WORD_MAX, decode, encode};
use serde::{Serialize, de::DeserializeOwned};

use crate::cost;

/// As of a lane: each list in turn is believed to have as many items as bytes follow, of 24 bytes at most.
const TIMES: usize = 100;
const BESIDE: usize = 1 << 10;

/// The target.
pub fn read(bytes: &[u8]) {
    if bytes.len() <= WORD_MAX {
        word::<Ask>(bytes);
        word::<Say>(bytes);
    }
}

fn word<W: Serialize + DeserializeOwned + PartialEq + Debug>(bytes: &[u8]) {
    let Some(word) = cost::within(bytes, TIMES, BESIDE, || decode::<W>(bytes)) else { return };
    let written = encode(&word).expect("a word that was read can be said");
    assert!(written.len() <= bytes.len(), "no spelling is shorter than the one that is said");
    assert_eq!(decode::<W>(&written), Some(word));
}
