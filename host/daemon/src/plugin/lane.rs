//! One lane: words out, words in, every read with a deadline. What a sandbox sends is hostile.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::Duration;

use regent_lane::{Ask, FrameError, HEADER, LOG_MAX, Level, Say, Side, decode, encode, frame_length};
use rustix::event::{PollFd, PollFlags};
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use rustix::time::Timespec;
use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixStream;
use tokio::time::{Instant, timeout_at};

use crate::turns::is_wanted;

/// How long the loop may wait for a lane in place, if that lane's last answer came so soon: a wake-up through the
/// reactor costs more than most plugins do.
const IN_PLACE: Duration = Duration::from_micros(200);
/// The part of it in which the thread does not sleep: about what a plugin that only plans takes.
const AWAKE: Duration = Duration::from_micros(60);
/// Read at once with a frame's header: most words are smaller.
const CHUNK: usize = 4 << 10;

#[derive(Debug)]
pub struct Lane {
    stream: UnixStream,
    read: Vec<u8>,
    quick: bool,
}

/// Why an exchange came to nothing. Each is the sandbox's fault or its death, and the end of it.
#[derive(Debug, thiserror::Error)]
pub enum LaneError {
    #[error("it did not answer in time")]
    Late,
    #[error("its process has ended")]
    Closed,
    /// It sent what is no word, or what was not its turn to say.
    #[error("{0}")]
    Garbled(FrameError),
}

impl Lane {
    /// A lane, and its other end for the sandbox.
    pub fn pair() -> io::Result<(Self, OwnedFd)> {
        let flags = SocketFlags::CLOEXEC;
        let (ours, theirs) = rustix::net::socketpair(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        rustix::io::ioctl_fionbio(&ours, true)?;
        let stream = UnixStream::from_std(std::os::unix::net::UnixStream::from(ours))?;
        Ok((Self { stream, read: Vec::new(), quick: false }, theirs))
    }

    /// Whether nothing came while the lane was idle: neither a byte nor its end.
    pub fn is_quiet(&self) -> bool {
        self.read.is_empty()
            && matches!(self.stream.try_read(&mut [0; 1]), Err(why) if why.kind() == io::ErrorKind::WouldBlock)
    }

    pub async fn ask(&mut self, word: &Ask, deadline: Instant) -> Result<(), LaneError> {
        let frame = encode(Side::Daemon, word).map_err(LaneError::Garbled)?;
        let written = timeout_at(deadline, self.stream.write_all(&frame)).await.map_err(|_| LaneError::Late)?;
        written.map_err(|_| LaneError::Closed)
    }

    pub async fn say(&mut self, deadline: Instant) -> Result<Say, LaneError> {
        let asked = Instant::now();
        if self.quick && self.read.is_empty() && !is_wanted() {
            self.look_in_place(asked);
        }
        loop {
            if let Some(word) = self.take_word()? {
                self.quick = asked.elapsed() <= IN_PLACE;
                return Ok(word);
            }
            self.more(deadline).await?;
        }
    }

    /// Looks for the first bytes without giving up the thread: at first without sleeping, since waking up is what
    /// costs.
    fn look_in_place(&mut self, since: Instant) {
        let mut chunk = [0; CHUNK];
        while since.elapsed() < AWAKE {
            match rustix::io::read(self.stream.as_fd(), &mut chunk) {
                Ok(length) => return self.read.extend_from_slice(chunk.get(..length).unwrap_or_default()),
                Err(rustix::io::Errno::AGAIN) => std::hint::spin_loop(),
                Err(_) => return,
            }
        }
        let mut lane = [PollFd::new(&self.stream, PollFlags::IN)];
        let within = Timespec { tv_sec: 0, tv_nsec: i64::from((IN_PLACE - AWAKE).subsec_nanos()) };
        let _either_way = rustix::event::poll(&mut lane, Some(&within));
    }

    fn take_word(&mut self) -> Result<Option<Say>, LaneError> {
        let Some((header, rest)) = self.read.split_first_chunk::<HEADER>() else { return Ok(None) };
        let length = frame_length(Side::Sandbox, *header).map_err(LaneError::Garbled)?;
        let Some(body) = rest.get(..length) else { return Ok(None) };
        let word = decode(body).map_err(LaneError::Garbled)?;
        self.read.drain(..HEADER + length);
        if self.read.is_empty() {
            // A large word is seldom; its room is not kept.
            self.read.shrink_to(CHUNK);
        }
        Ok(Some(word))
    }

    async fn more(&mut self, deadline: Instant) -> Result<(), LaneError> {
        let mut chunk = [0; CHUNK];
        // The reactor need not be asked where the bytes are there already: read past what tokio knows.
        let read = rustix::io::retry_on_intr(|| rustix::io::read(self.stream.as_fd(), &mut chunk));
        let mut read = read.map_err(io::Error::from);
        loop {
            match read {
                Ok(length @ 1..) => {
                    self.read.extend_from_slice(chunk.get(..length).unwrap_or_default());
                    return Ok(());
                }
                Err(why) if why.kind() == io::ErrorKind::WouldBlock => {}
                Ok(0) | Err(_) => return Err(LaneError::Closed),
            }
            let readable = timeout_at(deadline, self.stream.readable()).await.map_err(|_| LaneError::Late)?;
            readable.map_err(|_| LaneError::Closed)?;
            // Clears what tokio believes, if that is stale.
            read = self.stream.try_read(&mut chunk);
        }
    }
}

/// A line of a plugin's log, as long as this exchange may still log.
pub(super) fn log(plugin: &str, level: Level, text: &str, logged: &mut usize) {
    let is_over = *logged >= LOG_MAX;
    *logged = logged.saturating_add(text.len().max(1));
    if is_over {
        return;
    }
    let level = match level {
        Level::Debug | Level::Info => crate::log::Level::Info,
        Level::Warning => crate::log::Level::Warning,
        Level::Error => crate::log::Level::Error,
    };
    crate::log::say(level, format_args!("plugin {plugin}: {text}"));
    if *logged >= LOG_MAX {
        crate::warning!("plugin {plugin}: the rest of its log of this request is dropped");
    }
}
