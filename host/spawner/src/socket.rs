//! Words and descriptors of the socket to the daemon.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd, RawFd};

use regent_spawner::{Answer, Ask, DESCRIPTORS_MAX, Refused, Say, WORD_MAX, decode, encode};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};

/// Descriptor 0, a sequenced-packet socket.
pub(crate) struct Socket {
    stream: std::io::Stdin,
    /// Readable when the daemon has ended. It may have given its end to somebody who lives on.
    daemon: Option<OwnedFd>,
}

impl Socket {
    pub(crate) fn standard_input(daemon: Option<OwnedFd>) -> Self {
        Self { stream: std::io::stdin(), daemon }
    }

    pub(crate) fn raw(&self) -> RawFd {
        self.stream.as_raw_fd()
    }

    pub(crate) fn daemon(&self) -> Option<RawFd> {
        self.daemon.as_ref().map(|daemon| daemon.as_raw_fd())
    }

    /// The next word; `Ok(None)` at the end, `Err` for what is no word.
    pub(crate) fn receive(&self) -> Result<Option<(Ask, Vec<OwnedFd>)>, ()> {
        let mut bytes = vec![0; WORD_MAX];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let received =
            recvmsg(self.stream.as_fd(), &mut [IoSliceMut::new(&mut bytes)], &mut ancillary, RecvFlags::CMSG_CLOEXEC);
        let length = match received {
            Ok(message) if message.bytes == 0 => return Ok(None),
            Ok(message) => message.bytes,
            Err(Errno::INTR | Errno::AGAIN) => return Err(()),
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
        self.send(|flags| rustix::net::send(self.stream.as_fd(), &bytes, flags).map(drop));
    }

    /// Says what came of a question; with a descriptor, if one was asked for.
    pub(crate) fn answer(&self, token: u64, answer: Result<Answer, Refused>, fd: Option<&OwnedFd>) {
        let too_long = || {
            let why = "the spawner's answer is longer than a word may be".to_owned();
            encode(&Say::Answer(token, Err(Refused::Because(why))))
        };
        let Some(bytes) = encode(&Say::Answer(token, answer)).or_else(too_long) else { return };
        let Some(fd) = fd else {
            return self.send(|flags| rustix::net::send(self.stream.as_fd(), &bytes, flags).map(drop));
        };
        let handed = [fd.as_fd()];
        self.send(|flags| {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut ancillary = SendAncillaryBuffer::new(&mut space);
            ancillary.push(SendAncillaryMessage::ScmRights(&handed));
            sendmsg(self.stream.as_fd(), &[IoSlice::new(&bytes)], &mut ancillary, flags).map(drop)
        });
    }

    /// Until the daemon takes it, or has ended: then there is nobody to say it to, and the loop around this ends.
    fn send(&self, send: impl Fn(SendFlags) -> Result<(), Errno>) {
        loop {
            match send(SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) if self.takes_more() => {}
                _ => return,
            }
        }
    }

    /// Waits; false when the daemon has ended.
    fn takes_more(&self) -> bool {
        let mut watched = vec![PollFd::new(&self.stream, PollFlags::OUT)];
        watched.extend(self.daemon.iter().map(|daemon| PollFd::new(daemon, PollFlags::IN)));
        let _either_way = poll(&mut watched, None);
        watched.get(1).is_none_or(|daemon| daemon.revents().is_empty())
    }
}
