//! Words and descriptors of the socket to the daemon.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd, RawFd};

use regent_spawner::{Answer, Ask, DESCRIPTORS_MAX, Refused, Say, WORD_MAX, decode, encode};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};

/// Descriptor 0, a sequenced-packet socket.
pub(crate) struct Socket(std::io::Stdin);

impl Socket {
    pub(crate) fn standard_input() -> Self {
        Self(std::io::stdin())
    }

    pub(crate) fn raw(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    /// The next word; `Ok(None)` at the end, `Err` for what is no word.
    pub(crate) fn receive(&self) -> Result<Option<(Ask, Vec<OwnedFd>)>, ()> {
        let mut bytes = vec![0; WORD_MAX];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let received =
            recvmsg(self.0.as_fd(), &mut [IoSliceMut::new(&mut bytes)], &mut ancillary, RecvFlags::CMSG_CLOEXEC);
        let length = match received {
            Ok(message) if message.bytes == 0 => return Ok(None),
            Ok(message) => message.bytes,
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => return Err(()),
            Err(_) => return Ok(None),
        };
        let mut fds = Vec::new();
        for message in ancillary.drain() {
            if let RecvAncillaryMessage::ScmRights(rights) = message {
                fds.extend(rights);
            }
        }
        decode(bytes.get(..length).unwrap_or_default()).map(|ask| Some((ask, fds))).ok_or(())
    }

    /// Says a word. If the daemon is gone the next read ends us.
    pub(crate) fn say(&self, word: &Say) {
        let Some(bytes) = encode(word) else { return };
        let _gone = rustix::io::retry_on_intr(|| rustix::net::send(self.0.as_fd(), &bytes, SendFlags::NOSIGNAL));
    }

    /// Says what came of a question; with a descriptor, if one was asked for.
    pub(crate) fn answer(&self, token: u64, answer: Result<Answer, Refused>, fd: Option<&OwnedFd>) {
        let too_long = || {
            let why = "the spawner's answer is longer than a word may be".to_owned();
            encode(&Say::Answer(token, Err(Refused::Because(why))))
        };
        let Some(bytes) = encode(&Say::Answer(token, answer)).or_else(too_long) else { return };
        let Some(fd) = fd else {
            let _gone = rustix::io::retry_on_intr(|| rustix::net::send(self.0.as_fd(), &bytes, SendFlags::NOSIGNAL));
            return;
        };
        let handed = [fd.as_fd()];
        let _gone = rustix::io::retry_on_intr(|| {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut ancillary = SendAncillaryBuffer::new(&mut space);
            ancillary.push(SendAncillaryMessage::ScmRights(&handed));
            sendmsg(self.0.as_fd(), &[IoSlice::new(&bytes)], &mut ancillary, SendFlags::NOSIGNAL)
        });
    }
}
