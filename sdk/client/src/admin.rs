//! Deciding about held operations over an admin socket. There is no secret: the kernel tells the daemon who asks.

use std::path::PathBuf;
use std::time::Duration;

use regent_protocol::{AdminReply, AdminRequest, AnswerLine, Data, HoldView};

use crate::client::refused;
use crate::connection::Line;
use crate::error::Error;

/// How long to wait for a reply: longer than anything that a daemon does before it answers here.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a daemon says is one hold or a list of them, and is not.
const NO_HOLD: Error = Error::Protocol("what came back is not what was asked for");

/// A client of one admin socket.
#[derive(Debug)]
pub struct Admin {
    line: Line,
}

impl Admin {
    /// A client of the admin socket at this path.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { line: Line::to(path.into()) }
    }

    /// What still waits.
    ///
    /// # Errors
    /// Any [`Error`]; the daemon's own "no" is [`Error::Refused`].
    pub fn pending(&mut self) -> Result<Vec<HoldView>, Error> {
        AdminReply::read_pending(&self.ask(&AdminRequest::Pending)?).ok_or(NO_HOLD)
    }

    /// One hold, by its ID.
    ///
    /// # Errors
    /// As [`Admin::pending`].
    pub fn show(&mut self, hold: &str) -> Result<HoldView, Error> {
        self.about(AdminRequest::Show { hold: hold.to_owned() })
    }

    /// Says yes, and returns the hold as it then is.
    ///
    /// # Errors
    /// As [`Admin::pending`].
    pub fn approve(&mut self, hold: &str) -> Result<HoldView, Error> {
        self.about(AdminRequest::Approve { hold: hold.to_owned() })
    }

    /// Says no, and returns the hold as it then is.
    ///
    /// # Errors
    /// As [`Admin::pending`].
    pub fn deny(&mut self, hold: &str) -> Result<HoldView, Error> {
        self.about(AdminRequest::Deny { hold: hold.to_owned() })
    }

    /// Asks anything, and returns the daemon's own JSON.
    ///
    /// # Errors
    /// As [`Admin::pending`].
    pub fn ask(&mut self, request: &AdminRequest) -> Result<Data, Error> {
        match self.line.exchange(&request.to_line(), PATIENCE)? {
            AnswerLine::Success { data, .. } => Ok(data),
            error @ AnswerLine::Error { .. } => Err(refused(error)),
        }
    }

    fn about(&mut self, request: AdminRequest) -> Result<HoldView, Error> {
        AdminReply::read_hold(&self.ask(&request)?).ok_or(NO_HOLD)
    }
}
