//! The bytes of a connection. The reactor is told of them only when something has to be waited for: many a peer has
//! said all that it will, or has gone, when it is looked at first, and costs half as many system calls so.

use std::future::{Future as _, poll_fn};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream as Unwatched;
use std::pin::pin;
use std::task::Poll;

use rustix::event::{PollFd, PollFlags};
use rustix::net::{RecvFlags, SendFlags, Shutdown};
use rustix::time::Timespec;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use crate::log::Seldom;

/// What the kernel keeps of a reply until the peer takes it; it doubles this for what it keeps beside the bytes.
const KERNEL_KEEPS: usize = 32 << 10;

/// A connected stream that does not block.
#[derive(Debug)]
pub(crate) struct Stream {
    state: State,
    sent: bool,
}

#[derive(Debug)]
enum State {
    Unwatched(Unwatched),
    Watched(UnixStream),
    /// Closed, or not taken by the reactor.
    Closed,
}

impl Stream {
    pub(crate) fn new(stream: Unwatched) -> Self {
        Self { state: State::Unwatched(stream), sent: false }
    }

    fn fd(&self) -> io::Result<BorrowedFd<'_>> {
        match &self.state {
            State::Unwatched(stream) => Ok(stream.as_fd()),
            State::Watched(stream) => Ok(stream.as_fd()),
            State::Closed => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    fn watched(&mut self) -> io::Result<&mut UnixStream> {
        if let State::Unwatched(_) = self.state
            && let State::Unwatched(stream) = std::mem::replace(&mut self.state, State::Closed)
        {
            self.state = State::Watched(UnixStream::from_std(stream).inspect_err(say_unwatched)?);
        }
        match &mut self.state {
            State::Watched(stream) => Ok(stream),
            _ => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Returns when there may be something to read; at once the first time that it is asked.
    pub(crate) async fn readable(&mut self) -> io::Result<()> {
        match &self.state {
            State::Unwatched(_) => Ok(()),
            _ => self.watched()?.readable().await,
        }
    }

    /// Appends what is there, as far as there is room; `None`: nothing is there yet.
    pub(crate) async fn read(&mut self, bytes: &mut Vec<u8>) -> io::Result<Option<usize>> {
        if let State::Unwatched(stream) = &self.state {
            return match rustix::net::recv(stream, rustix::buffer::spare_capacity(bytes), RecvFlags::DONTWAIT) {
                Ok((length, _)) => Ok(Some(length)),
                Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => self.watched().map(|_| None),
                Err(why) => Err(why.into()),
            };
        }
        // Asked once. Where less comes than there is room for, tokio knows that there is no more, and nobody has a turn
        // for that.
        let mut reading = pin!(self.watched()?.read_buf(bytes));
        poll_fn(|context| match reading.as_mut().poll(context) {
            Poll::Ready(read) => Poll::Ready(read.map(Some)),
            Poll::Pending => Poll::Ready(Ok(None)),
        })
        .await
    }

    /// Sends what the kernel takes at once.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.sent {
            self.sent = true;
            // If the kernel should refuse this it keeps what it keeps otherwise.
            let _either_way = rustix::net::sockopt::set_socket_send_buffer_size(self.fd()?, KERNEL_KEEPS);
        }
        match rustix::net::send(self.fd()?, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => Ok(0),
            sent => Ok(sent?),
        }
    }

    pub(crate) async fn send_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.watched()?.write_all(bytes).await
    }

    /// Sends nothing more; or not even reads.
    pub(crate) fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        Ok(rustix::net::shutdown(self.fd()?, how)?)
    }

    pub(crate) fn close(&mut self) {
        self.state = State::Closed;
    }

    /// Whether something that was sent has not been taken yet.
    pub(crate) fn is_unread(&self) -> bool {
        self.sent && self.fd().and_then(regent_peer::unread).is_ok_and(|bytes| bytes > 0)
    }

    /// Whether the peer has closed both directions.
    pub(crate) fn is_gone(&self) -> bool {
        let Ok(fd) = self.fd() else { return true };
        let mut look = [PollFd::from_borrowed_fd(fd, PollFlags::empty())];
        let looked = rustix::event::poll(&mut look, Some(&Timespec::default()));
        looked.is_ok() && look.iter().any(|fd| fd.revents().contains(PollFlags::HUP))
    }
}

thread_local! {
    static UNWATCHED: Seldom = const { Seldom::new() };
}

fn say_unwatched(why: &io::Error) {
    if UNWATCHED.with(Seldom::is_due) {
        crate::warning!(
            "a connection is closed, for it cannot be waited for: {why}: more may be by sysctl fs.epoll.max_user_watches"
        );
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::*;

    fn pair() -> (Stream, Unwatched) {
        let (ours, theirs) = Unwatched::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        (Stream::new(ours), theirs)
    }

    async fn read(stream: &mut Stream) -> (Option<usize>, Vec<u8>) {
        let mut bytes = Vec::with_capacity(100);
        stream.readable().await.unwrap();
        (stream.read(&mut bytes).await.unwrap(), bytes)
    }

    #[tokio::test(flavor = "current_thread")]
    async fn what_was_said_before_it_was_looked_at_is_read_and_answered_without_the_reactor() {
        let (mut stream, mut peer) = pair();
        peer.write_all(b"a line").unwrap();
        assert_eq!(read(&mut stream).await, (Some(6), b"a line".to_vec()));
        assert_eq!(stream.send(b"a reply").unwrap(), 7);
        assert!(stream.is_unread() && !stream.is_gone());
        peer.read_exact(&mut [0; 7]).unwrap();
        assert!(!stream.is_unread());
        drop(peer);
        assert_eq!(read(&mut stream).await, (Some(0), Vec::new()));
        assert!(stream.is_gone() && matches!(stream.state, State::Unwatched(_)));
    }

    #[tokio::test(flavor = "current_thread")]
    async fn what_is_said_later_is_waited_for() {
        let (mut stream, mut peer) = pair();
        assert_eq!(read(&mut stream).await, (None, Vec::new()));
        let says = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(50));
            peer.write_all(b"later").unwrap();
            peer
        });
        assert_eq!(read(&mut stream).await, (Some(5), b"later".to_vec()));
        drop(says.join().unwrap());
        assert_eq!(read(&mut stream).await, (Some(0), Vec::new()));
    }

    #[tokio::test(flavor = "current_thread")]
    async fn what_the_peer_does_not_take_at_once_is_sent_when_it_does() {
        let (mut stream, mut peer) = pair();
        let reply = vec![b'x'; 1 << 20];
        let sent = stream.send(&reply).unwrap();
        assert!(sent < 4 * KERNEL_KEEPS, "{sent}: no more is kept by the kernel");
        assert_eq!(stream.send(&reply).unwrap(), 0);
        let reads = std::thread::spawn(move || {
            let mut read = Vec::new();
            peer.read_to_end(&mut read).unwrap();
            read.len()
        });
        stream.send_all(&reply[sent..]).await.unwrap();
        stream.shutdown(Shutdown::Both).unwrap();
        assert_eq!(reads.join().unwrap(), reply.len());
    }
}
