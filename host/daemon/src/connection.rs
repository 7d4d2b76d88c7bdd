//! One connection: lines in, replies out, in order. What a peer may cost before anybody knows its secret is bounded
//! here: bytes, seconds, one place of its uid's, and its turns on the thread.

use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::Duration;

use regent_protocol::LINE_MAX;
use rustix::net::Shutdown;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::fair::Peer;
use crate::shares::{Limit, Shares, Taken};
use crate::stream::Stream;
use crate::turns::{Turn, Turns};

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
/// Of what nobody looks at any more so much is read at a time, and then nothing for so long: it is worth no haste, and
/// whoever sends without end costs next to nothing.
const UNHEARD: usize = 16 << 10;
const UNHEARD_EVERY: Duration = Duration::from_millis(5);
/// A line that is longer than a chunk, and what is read out of it.
const LONG_LINE: usize = 2 * LINE_MAX;
/// Such lines, and replies that are not taken at once, of one peer and of all: bytes that the daemon keeps for others.
pub const BYTES: Limit = Limit { each: 16 << 20, most: 144 << 20 };

/// The stream, and what was read of it beyond the last line.
#[derive(Debug)]
pub struct Connection {
    stream: Stream,
    peer: Peer,
    turns: Rc<Turns>,
    bytes: Rc<Shares>,
    read: Vec<u8>,
    /// The right to a line of more than a chunk, and to all that is made of it until the next.
    long: Option<Taken>,
    /// From the bytes that made a line whole until that is looked at.
    turn: Option<Turn>,
    started: bool,
}

#[derive(Debug)]
pub enum Next {
    Line(Vec<u8>),
    /// More bytes than a line may have; how many is not known.
    TooLong,
    /// Its peer has as many long lines and replies in memory as it may have.
    Crowded,
    /// The peer has gone, or was too slow.
    End,
}

impl Connection {
    /// Over an accepted stream of this peer's, which does not block.
    pub fn new(stream: UnixStream, peer: Peer, turns: &Rc<Turns>, bytes: &Rc<Shares>) -> Self {
        let stream = Stream::new(stream);
        let (turns, bytes) = (Rc::clone(turns), Rc::clone(bytes));
        Self { stream, peer, turns, bytes, read: Vec::new(), long: None, turn: None, started: false }
    }

    /// The next line, in the peer's turn; whatever else it is, in nobody's.
    pub async fn next(&mut self) -> Next {
        let next = self.line().await;
        if !matches!(next, Next::Line(_)) {
            self.turn = None;
        }
        next
    }

    async fn line(&mut self) -> Next {
        self.turn = None;
        let quiet = if self.started { BETWEEN } else { SILENT };
        let mut deadline = Instant::now() + if self.read.is_empty() { quiet } else { LINE_WITHIN };
        let mut searched = 0;
        if self.read.contains(&b'\n') {
            // Nothing has to be waited for, so that nobody else would be heard meanwhile.
            yield_now().await;
            self.turn = Some(self.turns.take(self.peer).await);
        }
        loop {
            if let Some(end) = self.read.iter().skip(searched).position(|byte| *byte == b'\n') {
                return self.take_line(searched + end);
            }
            searched = self.read.len();
            if searched > LINE_MAX {
                return Next::TooLong;
            }
            if !self.has_room() {
                return Next::Crowded;
            }
            self.turn = None;
            match timeout_at(deadline, self.more(self.chunk())).await {
                Ok(true) => {}
                _ => return Next::End,
            }
            if searched == 0 {
                deadline = Instant::now() + LINE_WITHIN;
            }
        }
    }

    /// How much is read next. Of a line that is longer than one chunk all that it may still have: a turn for each of
    /// its chunks would cost more than what is in them.
    fn chunk(&self) -> usize {
        if self.long.is_some() { LINE_MAX + CHUNK - self.read.len().min(LINE_MAX) } else { CHUNK }
    }

    fn has_room(&mut self) -> bool {
        if self.read.len() < CHUNK {
            self.long = None;
            return true;
        }
        if self.long.is_none() {
            self.long = self.bytes.take(self.peer, LONG_LINE);
        }
        self.long.is_some()
    }

    /// The turn in which the last line was read, for who looks at it.
    pub fn turn(&mut self) -> Option<Turn> {
        self.turn.take()
    }

    /// The last line is in memory no more; what was read behind it may be.
    pub fn is_over(&mut self) {
        if self.read.len() < CHUNK {
            self.long = None;
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

    /// Reads what is there, in the peer's turn; false at the end of the stream.
    async fn more(&mut self, chunk: usize) -> bool {
        loop {
            if self.stream.readable().await.is_err() {
                return false;
            }
            self.turn = Some(self.turns.take(self.peer).await);
            // Into its place at once: a line is a secret, and a buffer between would keep a copy of it.
            self.read.reserve_exact(chunk);
            match self.stream.read(&mut self.read).await {
                Ok(Some(0)) | Err(_) => return false,
                Ok(Some(_)) => return true,
                Ok(None) => self.turn = None,
            }
        }
    }

    /// Sends a reply; false if the peer does not take it, or has too many others to take.
    pub async fn reply(&mut self, line: &[u8]) -> bool {
        // Nearly every reply fits at once: no timer for those.
        let written = match self.stream.send(line) {
            Ok(written) if written == line.len() => return true,
            Ok(written) => written,
            Err(_) => return false,
        };
        let Some(_kept) = self.bytes.take(self.peer, line.len()) else { return false };
        let rest = line.get(written..).unwrap_or_default();
        matches!(timeout(REPLY_WITHIN, self.stream.send_all(rest)).await, Ok(Ok(())))
    }

    /// Sends a last reply to a peer that may still be sending, and reads on for a moment: a socket closed with bytes
    /// unread would take the reply with it.
    pub async fn reply_and_close(&mut self, line: &[u8]) {
        (self.read, self.long, self.turn) = (Vec::new(), None, None);
        if !self.reply(line).await || self.stream.shutdown(Shutdown::Write).is_err() {
            return;
        }
        let drained = async {
            while self.more(UNHEARD).await {
                self.read.clear();
                self.turn = None;
                sleep(UNHEARD_EVERY).await;
            }
        };
        let _either_way = timeout(LINE_WITHIN, drained).await;
        // Whoever still writes is told that nobody reads: its reply waits for it all the same.
        let _gone = self.stream.shutdown(Shutdown::Both);
    }

    /// Returns when the peer has closed both directions. One that closed its writing side alone may wait for a reply.
    pub async fn gone(&self) {
        while !self.stream.is_gone() {
            sleep(LOOK_EVERY).await;
        }
    }

    /// Closes what nobody is at the other end of any more: its place is kept all the same, at no more cost than that.
    pub fn let_go_if_gone(&mut self) {
        if self.stream.is_gone() {
            (self.read, self.long) = (Vec::new(), None);
            self.stream.close();
        }
    }

    /// Returns when the peer has taken everything, or has gone. What it leaves lies in the kernel at the daemon's cost,
    /// so its connection counts as long as that does.
    pub async fn taken(mut self) {
        // Nothing of it waits with the connection: nobody's turn least of all.
        (self.read, self.long, self.turn) = (Vec::new(), None, None);
        while self.stream.is_unread() && !self.stream.is_gone() {
            sleep(LOOK_EVERY).await;
        }
    }
}
