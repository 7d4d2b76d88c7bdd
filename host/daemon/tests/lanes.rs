//! A lane's other end in a stranger's hands.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on panics")]

use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::Duration;

use regent_lane::{Level, Say, Side, encode};
use regentd::plugin::lane::Lane;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use tokio::time::Instant;

/// Of one message, each way.
const DESCRIPTORS: usize = 8;

fn open() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// The sandbox's filter lets nobody send one. Were that gone, the kernel drops them as the word is read.
#[tokio::test(flavor = "current_thread")]
async fn descriptors_that_come_with_words_are_never_the_daemons() {
    let (mut lane, theirs): (Lane, OwnedFd) = Lane::pair().unwrap();
    let null = std::fs::File::open("/dev/null").unwrap();
    let frame = encode(Side::Sandbox, &Say::Log(Level::Info, "with descriptors".into())).unwrap();
    let (many, before) = ([null.as_fd(); DESCRIPTORS], open());
    for _ in 0..100 {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        assert!(ancillary.push(SendAncillaryMessage::ScmRights(&many)));
        let sent = sendmsg(&theirs, &[IoSlice::new(&frame)], &mut ancillary, SendFlags::empty()).unwrap();
        assert_eq!(sent, frame.len());
        let said = lane.say(Instant::now() + Duration::from_secs(10)).await.unwrap();
        assert_eq!(said, Say::Log(Level::Info, "with descriptors".into()));
        assert_eq!(open(), before);
    }
}
