//! One connection: lines in, replies out, in order. What a peer may cost before anybody knows its secret is bounded here:
//! bytes, seconds, and one place of its uid's.

use std::time::Duration;

use regent_protocol::LINE_MAX;
use rustix::event::{PollFd, PollFlags};
use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixStream;
use tokio::time::{Instant, timeout, timeout_at};

/// A connection that says nothing at all: a client that connects knows what it wants.
const SILENT: Duration = Duration::from_secs(30);
/// From the first byte of a line to its end: 64 KiB on one machine take no time.
const LINE_WITHIN: Duration = Duration::from_secs(5);
/// Between two requests of a kept connection.
const BETWEEN: Duration = Duration::from_secs(600);
/// A peer that does not take its reply keeps it in our memory; a reply is at most some MiB.
const REPLY_WITHIN: Duration = Duration::from_secs(10);
/// How often a waiting request looks whether its peer is still there.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The least that is read at a time.
const CHUNK: usize = 4 << 10;

/// The stream, and what was read of it beyond the last line.
#[derive(Debug)]
pub struct Connection {
    stream: UnixStream,
    read: Vec<u8>,
    started: bool,
}

/// What the next thing on a connection is.
#[derive(Debug)]
pub enum Next {
    /// A line without its end.
    Line(Vec<u8>),
    /// More bytes than a line may have; how many is not known.
    TooLong,
    /// The peer has gone, or was too slow.
    End,
}

impl Connection {
    /// Over an accepted stream.
    #[must_use]
    pub fn new(stream: UnixStream) -> Self {
        Self { stream, read: Vec::new(), started: false }
    }

    /// The next line.
    pub async fn next(&mut self) -> Next {
        let quiet = if self.started { BETWEEN } else { SILENT };
        let mut deadline = Instant::now() + if self.read.is_empty() { quiet } else { LINE_WITHIN };
        let mut searched = 0;
        loop {
            if let Some(end) = self.read.iter().skip(searched).position(|byte| *byte == b'\n') {
                return self.take_line(searched + end);
            }
            searched = self.read.len();
            if searched > LINE_MAX {
                return Next::TooLong;
            }
            match timeout_at(deadline, self.more()).await {
                Ok(true) => {}
                _ => return Next::End,
            }
            if searched == 0 {
                deadline = Instant::now() + LINE_WITHIN;
            }
        }
    }

    fn take_line(&mut self, end: usize) -> Next {
        self.started = true;
        let mut line = std::mem::take(&mut self.read);
        let rest = line.split_off(end + 1);
        line.pop();
        self.read = rest;
        if line.len() > LINE_MAX { Next::TooLong } else { Next::Line(line) }
    }

    /// Reads what is there; false at the end of the stream.
    async fn more(&mut self) -> bool {
        loop {
            if self.stream.readable().await.is_err() {
                return false;
            }
            // Into its place at once: a line is a secret, and a buffer between would keep a copy of it.
            self.read.reserve(CHUNK);
            match self.stream.try_read_buf(&mut self.read) {
                Ok(0) => return false,
                Ok(_) => return true,
                Err(why) if why.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => return false,
            }
        }
    }

    /// Sends a reply; false if the peer does not take it.
    pub async fn reply(&mut self, line: &[u8]) -> bool {
        // Nearly every reply fits at once: no timer for those.
        match self.stream.try_write(line) {
            Ok(written) if written == line.len() => true,
            Ok(written) => {
                let rest = line.get(written..).unwrap_or_default();
                matches!(timeout(REPLY_WITHIN, self.stream.write_all(rest)).await, Ok(Ok(())))
            }
            Err(why) if why.kind() == std::io::ErrorKind::WouldBlock => {
                matches!(timeout(REPLY_WITHIN, self.stream.write_all(line)).await, Ok(Ok(())))
            }
            Err(_) => false,
        }
    }

    /// Sends a last reply to a peer that may still be sending, and reads on for a moment: a socket closed with bytes unread
    /// would take the reply with it.
    pub async fn reply_and_close(&mut self, line: &[u8]) {
        self.read = Vec::new();
        if !self.reply(line).await || self.stream.shutdown().await.is_err() {
            return;
        }
        let drained = async {
            while self.more().await {
                self.read.clear();
            }
        };
        let _either_way = timeout(LINE_WITHIN, drained).await;
    }

    /// Returns when the peer has closed both directions. One that closed its writing side alone may wait for a reply.
    pub async fn gone(&self) {
        loop {
            let mut look = [PollFd::new(&self.stream, PollFlags::empty())];
            let now = rustix::time::Timespec::default();
            let looked = rustix::event::poll(&mut look, Some(&now));
            if looked.is_ok() && look.iter().any(|fd| fd.revents().contains(PollFlags::HUP)) {
                return;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}
