//! Deciding about held operations over an admin socket. There is no secret: the kernel tells the daemon who asks.

use std::path::PathBuf;
use std::time::Duration;

use regent_protocol::{
    AdminReply, AdminRequest, AnswerLine, Data, HoldView, PluginView, Reloaded, StatusView, WhyView,
};
use serde::de::DeserializeOwned;

use crate::client::refused;
use crate::connection::Line;
use crate::error::Error;

/// How long to wait for a reply: longer than anything that a daemon does before it answers here.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a daemon says is not of the kind that was asked for.
const NOT_ASKED: Error = Error::Protocol("what came back is not what was asked for");

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
        self.read(&AdminRequest::Pending)
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

    /// Has the daemon read all files again.
    ///
    /// # Errors
    /// As [`Admin::pending`]; mistakes in the files are in the answer.
    pub fn reload(&mut self) -> Result<Reloaded, Error> {
        self.read(&AdminRequest::Reload)
    }

    /// The daemon as it stands.
    ///
    /// # Errors
    /// As [`Admin::pending`].
    pub fn status(&mut self) -> Result<StatusView, Error> {
        self.read(&AdminRequest::Status)
    }

    /// Every plugin.
    ///
    /// # Errors
    /// As [`Admin::pending`].
    pub fn plugins(&mut self) -> Result<Vec<PluginView>, Error> {
        self.read(&AdminRequest::Plugins)
    }

    /// A refusal, by what its caller was told.
    ///
    /// # Errors
    /// As [`Admin::pending`].
    pub fn why(&mut self, reference: &str) -> Result<WhyView, Error> {
        self.read(&AdminRequest::Why { reference: reference.to_owned() })
    }

    fn about(&mut self, request: AdminRequest) -> Result<HoldView, Error> {
        self.read(&request)
    }

    fn read<T: DeserializeOwned>(&mut self, request: &AdminRequest) -> Result<T, Error> {
        AdminReply::read(&self.ask(request)?).ok_or(NOT_ASKED)
    }
}
