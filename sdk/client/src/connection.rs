//! One connection: a line out, a line in, before a deadline. The daemon is trusted to decide, not to be alive or brief.

use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use regent_protocol::{AnswerLine, REPLY_LINE_MAX};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, RecvFlags, SocketAddrUnix, SocketFlags, SocketType, connect, recv, socket_with};

use crate::error::Error;

/// How long to knock at a daemon whose queue is full.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// Bytes read at a time: most replies are far shorter.
const CHUNK: usize = 16 << 10;

/// A path and, between two exchanges that went well, the connection to it.
#[derive(Debug)]
pub(crate) struct Line {
    path: PathBuf,
    kept: Option<UnixStream>,
}

impl Line {
    pub(crate) fn to(path: PathBuf) -> Self {
        Self { path, kept: None }
    }

    /// Connects, unless a connection is kept on which nothing happened meanwhile.
    pub(crate) fn connect(&mut self) -> Result<(), Error> {
        let stream = self.take()?;
        self.kept = Some(stream);
        Ok(())
    }

    /// Sends a line and reads one. After any error the connection is gone, so that no later request can be given this
    /// one's reply.
    pub(crate) fn exchange(&mut self, line: &[u8], within: Duration) -> Result<AnswerLine, Error> {
        let mut stream = self.take()?;
        let deadline = Instant::now() + within;
        let sent = send(&mut stream, line, deadline);
        // Who refuses to read says why before closing, so an answer is worth more than a failed write.
        let reply = match (receive(&mut stream, deadline), sent) {
            (Ok(reply), _) => reply,
            (Err(_), Err(error)) | (Err(error), Ok(())) => return Err(Error::talking(error)),
        };
        let answer = match reply.split_last() {
            Some((b'\n', answer)) if !answer.contains(&b'\n') => AnswerLine::read(answer)?,
            Some((b'\n', _)) => return Err(Error::Protocol("more than one reply came back")),
            _ if reply.len() > REPLY_LINE_MAX => return Err(Error::Protocol("the reply is too long")),
            _ => return Err(Error::Closed),
        };
        self.kept = Some(stream);
        Ok(answer)
    }

    fn take(&mut self) -> Result<UnixStream, Error> {
        match self.kept.take() {
            Some(stream) if is_quiet(&stream) => Ok(stream),
            _ => dial(&self.path).map_err(Error::connecting),
        }
    }
}

fn dial(path: &Path) -> io::Result<UnixStream> {
    let address = SocketAddrUnix::new(path)?;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    // On Linux this bounds connect(2) too: see unix(7) and SO_SNDTIMEO in socket(7).
    set_socket_timeout(&socket, Timeout::Send, Some(CONNECT_WITHIN))?;
    connect(&socket, &address)?;
    Ok(UnixStream::from(socket))
}

/// Whether the other end neither closed the connection nor sent what nobody asked for.
fn is_quiet(stream: &UnixStream) -> bool {
    let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
    matches!(recv(stream, &mut [0_u8; 1][..], flags), Err(rustix::io::Errno::AGAIN))
}

fn send(stream: &mut UnixStream, mut line: &[u8], deadline: Instant) -> io::Result<()> {
    while !line.is_empty() {
        stream.set_write_timeout(Some(left(deadline)?))?;
        match stream.write(line) {
            Ok(sent) => line = line.get(sent..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Everything up to a newline, the connection's end, or one byte more than a reply may have.
fn receive(stream: &mut UnixStream, deadline: Instant) -> io::Result<Vec<u8>> {
    let mut reply = Vec::new();
    let mut chunk = [0; CHUNK];
    while reply.len() <= REPLY_LINE_MAX {
        stream.set_read_timeout(Some(left(deadline)?))?;
        let read = match stream.read(&mut chunk) {
            Ok(read) => chunk.get(..read).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        reply.extend_from_slice(read);
        if read.is_empty() || read.contains(&b'\n') {
            break;
        }
    }
    Ok(reply)
}

/// What is left of the time, never nothing: a socket takes a zero for "for ever".
fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left.max(Duration::from_millis(1))) }
}
