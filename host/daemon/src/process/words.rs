//! Words and descriptors of the spawner's socket.

use std::cell::RefCell;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use regent_spawner::{Ask, Say, WORD_MAX, decode, encode};
use rustix::io::retry_on_intr;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};
use tokio::io::Interest;
use tokio::net::UnixDatagram;

/// Words that are heard before others have their turn.
const WORDS: usize = 32;

#[derive(Debug)]
pub(super) struct Words {
    socket: UnixDatagram,
    /// For one word: as long as the longest, and made once.
    word: RefCell<Vec<u8>>,
}

impl Words {
    /// A sequenced-packet socket is read and written like a datagram one, which tokio knows.
    pub(super) fn over(socket: OwnedFd) -> io::Result<Self> {
        let socket = UnixDatagram::from_std(std::os::unix::net::UnixDatagram::from(socket))?;
        Ok(Self { socket, word: RefCell::new(vec![0; WORD_MAX]) })
    }

    /// Says a word as soon as the socket takes it.
    ///
    /// # Errors
    /// `InvalidInput`: it is too long. Any other: nobody is at the other end.
    pub(super) async fn say(&self, ask: &Ask, fds: &[BorrowedFd<'_>]) -> io::Result<()> {
        let too_long = || io::Error::new(io::ErrorKind::InvalidInput, "the command is too long");
        let bytes = encode(ask).ok_or_else(too_long)?;
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(regent_spawner::DESCRIPTORS_MAX))];
        let send = || {
            let mut ancillary = SendAncillaryBuffer::new(&mut space);
            if !fds.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(fds)) {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "too many descriptors"));
            }
            let word = [IoSlice::new(&bytes)];
            retry_on_intr(|| sendmsg(&self.socket, &word, &mut ancillary, SendFlags::NOSIGNAL))?;
            Ok(())
        };
        self.socket.async_io(Interest::WRITABLE, send).await
    }

    /// Whether the socket took the word at once.
    pub(super) fn try_say(&self, ask: &Ask) -> bool {
        let bytes = encode(ask).unwrap_or_default();
        rustix::net::send(self.socket.as_fd(), &bytes, SendFlags::NOSIGNAL | SendFlags::DONTWAIT).is_ok()
    }

    /// Says nothing more; what was said is heard.
    pub(super) fn end(&self) {
        let _gone_already = self.socket.shutdown(Shutdown::Write);
    }

    /// Some words, each with its descriptor; `None` at the end of the socket.
    pub(super) async fn hear(&self) -> Option<Vec<(Say, Option<OwnedFd>)>> {
        self.socket.readable().await.ok()?;
        let (mut bytes, mut words) = (self.word.borrow_mut(), Vec::new());
        while words.len() < WORDS {
            match self.socket.try_io(Interest::READABLE, || receive(&self.socket, &mut bytes)) {
                Ok((0, _)) => return None,
                Ok((length, fd)) => {
                    words.extend(decode(bytes.get(..length).unwrap_or_default()).map(|say| (say, fd)));
                }
                Err(why) if why.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => return None,
            }
        }
        Some(words)
    }
}

pub(super) fn receive(socket: impl std::os::fd::AsFd, bytes: &mut [u8]) -> io::Result<(usize, Option<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut word = [IoSliceMut::new(bytes)];
    let message = retry_on_intr(|| recvmsg(&socket, &mut word, &mut ancillary, RecvFlags::CMSG_CLOEXEC))?;
    let rights = ancillary.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut rights) => rights.next(),
        _ => None,
    });
    Ok((message.bytes, rights))
}
