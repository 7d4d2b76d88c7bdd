//! This end of a lane: words in, words out, and the log, which travels with the next word that somebody waits for.
//!
//! The log is kept here because everything that a plugin says leaves here: one write carries its lines and its answer.

use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use regent_lane::{Ask, HEADER, LOG_MAX, Level, Say, Side, decode, encode, frame_length};

use crate::fault::Stop;

/// Read at once: most words are smaller, header and all.
const CHUNK: usize = 8 << 10;
/// Kept between words; what a larger word took is given back.
const KEPT: usize = 64 << 10;
/// The longest line of printed text: then it is a line without its end.
const LINE_MAX: usize = 4 << 10;

/// A lane that the lane's thread shares with the instance that it runs. The lock is never waited for.
#[derive(Debug, Clone)]
pub(crate) struct SharedLane(Arc<Mutex<Lane>>);

/// Where a plugin prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

impl SharedLane {
    pub(crate) fn new(lane: Lane) -> Self {
        Self(Arc::new(Mutex::new(lane)))
    }

    fn lane(&self) -> MutexGuard<'_, Lane> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its number, which native code would know.
    #[cfg(feature = "stand-in")]
    pub(crate) fn descriptor(&self) -> std::os::fd::RawFd {
        std::os::fd::AsRawFd::as_raw_fd(&self.lane().socket)
    }

    /// The next word; `None` if the lane has ended between two words.
    pub(crate) fn ask(&self) -> Result<Option<Ask>, Stop> {
        self.lane().ask()
    }

    /// Says it, after what was logged.
    pub(crate) fn say(&self, word: &Say) -> Result<(), Stop> {
        self.lane().say(word)
    }

    /// Says the last word of an exchange.
    pub(crate) fn answer(&self, word: &Say) -> Result<(), Stop> {
        let mut lane = self.lane();
        lane.end_lines();
        let said = lane.say(word);
        lane.log = Log::default();
        said
    }

    /// A line of the plugin's log.
    pub(crate) fn log(&self, level: Level, text: String) {
        self.lane().log(level, text);
    }

    /// What the plugin printed: its whole lines are logged.
    pub(crate) fn print(&self, stream: Stream, bytes: &[u8]) {
        let mut lane = self.lane();
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            lane.print(stream, part);
        }
    }
}

/// A lane.
#[derive(Debug)]
pub(crate) struct Lane {
    socket: OwnedFd,
    read: Vec<u8>,
    unsaid: Vec<u8>,
    log: Log,
}

/// What one exchange has logged.
#[derive(Debug, Default)]
struct Log {
    bytes: usize,
    cut: bool,
    out: Vec<u8>,
    err: Vec<u8>,
}

impl Lane {
    pub(crate) fn over(socket: OwnedFd) -> Self {
        Self { socket, read: Vec::new(), unsaid: Vec::new(), log: Log::default() }
    }

    fn ask(&mut self) -> Result<Option<Ask>, Stop> {
        loop {
            if let Some(word) = self.take_word()? {
                return Ok(Some(word));
            }
            self.read.reserve(CHUNK);
            match rustix::io::read(&self.socket, rustix::buffer::spare_capacity(&mut self.read)) {
                Ok(0) if self.read.is_empty() => return Ok(None),
                Ok(0) => return Err(Stop::Broken("a lane ended within a word".into())),
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(why) => return Err(Stop::Broken(format!("a lane cannot be read: {why}"))),
            }
        }
    }

    fn take_word(&mut self) -> Result<Option<Ask>, Stop> {
        let broken = |why: regent_lane::FrameError| Stop::Broken(why.to_string());
        let Some((header, rest)) = self.read.split_first_chunk::<HEADER>() else { return Ok(None) };
        let length = frame_length(Side::Daemon, *header).map_err(broken)?;
        let Some(body) = rest.get(..length) else { return Ok(None) };
        let word = decode(body).map_err(broken)?;
        self.read.drain(..HEADER + length);
        if self.read.is_empty() {
            self.read.shrink_to(KEPT);
        }
        Ok(Some(word))
    }

    fn say(&mut self, word: &Say) -> Result<(), Stop> {
        let mut frame = encode(Side::Sandbox, word).map_err(|why| Stop::Broken(why.to_string()))?;
        if !self.unsaid.is_empty() {
            self.unsaid.append(&mut frame);
            frame = std::mem::take(&mut self.unsaid);
        }
        let mut rest = frame.as_slice();
        while !rest.is_empty() {
            match rustix::io::retry_on_intr(|| rustix::io::write(&self.socket, rest)) {
                Ok(written) => rest = rest.get(written..).unwrap_or_default(),
                // The daemon has gone.
                Err(rustix::io::Errno::PIPE) => return Err(Stop::Ended),
                Err(why) => return Err(Stop::Broken(format!("a lane cannot be written: {why}"))),
            }
        }
        Ok(())
    }

    /// Keeps a line to be said, as long as the exchange may still log; an empty one costs a byte too.
    fn log(&mut self, level: Level, text: String) {
        if self.log.cut {
            return;
        }
        let bytes = self.log.bytes.saturating_add(text.len().max(1));
        let word = if bytes > LOG_MAX {
            self.log.cut = true;
            Say::Log(Level::Warning, format!("the rest of its log is dropped: {} KiB a request", LOG_MAX >> 10))
        } else {
            self.log.bytes = bytes;
            Say::Log(level, text)
        };
        if let Ok(mut frame) = encode(Side::Sandbox, &word) {
            self.unsaid.append(&mut frame);
        }
    }

    fn print(&mut self, stream: Stream, part: &[u8]) {
        let (text, ended) = match part.split_last() {
            Some((b'\n', text)) => (text, true),
            _ => (part, false),
        };
        for piece in text.chunks(LINE_MAX) {
            let line = self.line(stream);
            if line.len() + piece.len() > LINE_MAX {
                self.end_line(stream);
            }
            self.line(stream).extend_from_slice(piece);
        }
        if ended {
            self.end_line(stream);
        }
    }

    fn line(&mut self, stream: Stream) -> &mut Vec<u8> {
        match stream {
            Stream::Out => &mut self.log.out,
            Stream::Err => &mut self.log.err,
        }
    }

    fn end_line(&mut self, stream: Stream) {
        let line = std::mem::take(self.line(stream));
        self.log(Level::Debug, String::from_utf8_lossy(&line).into_owned());
    }

    fn end_lines(&mut self) {
        for stream in [Stream::Out, Stream::Err] {
            if !self.line(stream).is_empty() {
                self.end_line(stream);
            }
        }
    }
}
