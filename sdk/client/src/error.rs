//! What can go wrong between a caller and a daemon.

use std::io;

use regent_protocol::{Code, NotAReply, State};

/// Why there is no answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// Nobody listens at the path.
    NoDaemon(io::Error),
    /// The daemon said no, or the operation failed.
    Refused {
        /// For people; parts of it may be the operation's own words.
        text: String,
        /// For programs; `None` from a service that says none, or one that this client does not know.
        code: Option<Code>,
        /// The code as it was said.
        code_word: Option<String>,
        /// What to tell the administrator.
        reference: Option<String>,
        /// How the hold ended, if it was about one.
        state: Option<State>,
    },
    /// The request is longer than a daemon reads; nothing was sent.
    TooLong,
    /// The daemon did not answer in time. What was asked may have been done.
    Timeout,
    /// The daemon closed the connection without an answer. What was asked may have been done.
    Closed,
    /// What came back is no reply, or none to this request.
    Protocol(&'static str),
    /// The system's error, such as a socket that this user may not use.
    Io(io::Error),
}

impl Error {
    /// From a connection that could not be made.
    pub(crate) fn connecting(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused | io::ErrorKind::NotADirectory => {
                Self::NoDaemon(error)
            }
            // What a Unix socket says when its queue stayed full for the whole time.
            io::ErrorKind::WouldBlock => Self::Timeout,
            _ => Self::Io(error),
        }
    }

    /// From a connection that was made.
    pub(crate) fn talking(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Self::Timeout,
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => Self::Closed,
            _ => Self::Io(error),
        }
    }
}

impl From<NotAReply> for Error {
    fn from(_: NotAReply) -> Self {
        Self::Protocol("what came back is no reply")
    }
}

/// Not made harmless: `text` may come from a plugin.
impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoDaemon(error) => write!(f, "no daemon: {error}"),
            Self::Refused { text, code_word, reference, .. } => match (code_word, reference) {
                (Some(code), Some(reference)) => write!(f, "{text} ({code}, ref {reference})"),
                (Some(code), None) => write!(f, "{text} ({code})"),
                _ => f.write_str(text),
            },
            Self::TooLong => f.write_str("the request is too long"),
            Self::Timeout => f.write_str("no answer in time; what was asked may have been done"),
            Self::Closed => {
                f.write_str("the connection was closed without an answer; what was asked may have been done")
            }
            Self::Protocol(why) => f.write_str(why),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NoDaemon(error) | Self::Io(error) => Some(error),
            _ => None,
        }
    }
}
