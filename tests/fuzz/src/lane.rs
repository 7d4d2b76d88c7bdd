//! The words of a lane, in both directions: a frame's header, then its body.

use std::fmt::Debug;

use regent_lane::{Ask, HEADER, Say, Side, decode, encode, frame_length};
use serde::{Serialize, de::DeserializeOwned};

use crate::cost;

/// A list is believed to have as many items as bytes follow, and room is made for so many: 88 bytes for the result of a
/// step.
const TIMES: usize = 100;
const BESIDE: usize = 1 << 10;

/// The target of what a sandbox hears of the daemon.
pub fn ask(bytes: &[u8]) {
    read::<Ask>(Side::Daemon, bytes);
}

/// The target of what the daemon hears of a sandbox, which may be anybody's.
pub fn say(bytes: &[u8]) {
    read::<Say>(Side::Sandbox, bytes);
}

fn read<W: Serialize + DeserializeOwned + PartialEq + Debug>(side: Side, frame: &[u8]) {
    let Some((header, body)) = frame.split_first_chunk::<HEADER>() else { return };
    // What follows is read whatever the header says: there, the bytes were counted before.
    if let Ok(length) = frame_length(side, *header) {
        assert!(length as u64 == u64::from(u32::from_le_bytes(*header)) && length < 9 << 20);
    }
    let Ok(word) = cost::within(body, TIMES, BESIDE, || decode::<W>(body)) else { return };
    let written = encode(side, &word).expect("a word that was read can be said");
    let (header, again) = written.split_first_chunk::<HEADER>().expect("a frame has a header");
    assert_eq!(frame_length(side, *header), Ok(again.len()));
    assert!(again.len() <= body.len(), "no spelling is shorter than the one that is said");
    assert_eq!(decode::<W>(again).as_ref(), Ok(&word));
}
