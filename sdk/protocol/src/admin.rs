//! What an administrator asks over an admin socket. There is no secret: the kernel says who it is.
//!
//! These frames are unstable until 1.0.

use serde::Serialize;

use crate::data::Data;
use crate::line::Line;
use crate::refusal::{Refusal, Rejection};
use crate::reply::{error_line, line};
use crate::request::{text, typed};
use crate::view::HoldView;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdminRequest {
    /// All holds that still wait, as a list of [`HoldView`].
    Pending,
    /// One hold, as a [`HoldView`].
    Show {
        /// The approver's name for it.
        hold: String,
    },
    /// Say yes to one; the reply is its [`HoldView`] afterwards.
    Approve {
        /// The approver's name for it.
        hold: String,
    },
    /// Say no to one; the reply is its [`HoldView`] afterwards.
    Deny {
        /// The approver's name for it.
        hold: String,
    },
}

impl Line<'_> {
    /// What this line asks of an admin socket. The peer is to be judged before.
    ///
    /// # Errors
    /// In this order: [`Rejection::DuplicateKey`], [`Rejection::WrongType`] (also a missing `hold`),
    /// [`Rejection::OperationNotFound`] without a verb, [`Rejection::UnknownVerb`].
    pub fn admin(&self) -> Result<AdminRequest, Rejection> {
        self.check_duplicates()?;
        let verb = typed(self, "admin", text)?;
        let hold = typed(self, "hold", text)?;
        let hold = || hold.ok_or(Rejection::WrongType("hold"));
        match verb.as_deref() {
            Some("pending") => Ok(AdminRequest::Pending),
            Some("show") => Ok(AdminRequest::Show { hold: hold()? }),
            Some("approve") => Ok(AdminRequest::Approve { hold: hold()? }),
            Some("deny") => Ok(AdminRequest::Deny { hold: hold()? }),
            Some(_) => Err(Rejection::UnknownVerb),
            None => Err(Rejection::OperationNotFound),
        }
    }
}

impl AdminRequest {
    /// The word on the wire.
    #[must_use]
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Show { .. } => "show",
            Self::Approve { .. } => "approve",
            Self::Deny { .. } => "deny",
        }
    }

    /// The hold that it is about.
    #[must_use]
    pub fn hold(&self) -> Option<&str> {
        match self {
            Self::Pending => None,
            Self::Show { hold } | Self::Approve { hold } | Self::Deny { hold } => Some(hold),
        }
    }

    /// The line that asks this, its newline included; for clients.
    #[must_use]
    pub fn to_line(&self) -> Vec<u8> {
        #[derive(Serialize)]
        struct Frame<'a> {
            admin: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            hold: Option<&'a str>,
        }
        line(&Frame { admin: self.verb(), hold: self.hold() })
    }
}

/// A reply on an admin socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdminReply {
    /// To `pending`.
    Pending(Vec<HoldView>),
    /// To `show`, and to `approve` and `deny`, where it is the hold afterwards.
    Hold(Box<HoldView>),
    /// "No", with its reference.
    Refused(Refusal),
}

impl AdminReply {
    /// The line, its newline included; `id` is what came with the request.
    #[must_use]
    pub fn to_line(&self, id: Option<&str>) -> Vec<u8> {
        #[derive(Serialize)]
        struct Frame<'a, T> {
            success: bool,
            data: &'a T,
            #[serde(skip_serializing_if = "Option::is_none")]
            id: Option<&'a str>,
        }
        match self {
            Self::Pending(holds) => line(&Frame { success: true, data: holds, id }),
            Self::Hold(hold) => line(&Frame { success: true, data: hold, id }),
            Self::Refused(refusal) => error_line(refusal, None, id),
        }
    }

    /// The list that the `data` of a reply to `pending` is; for clients. `None` if it is none.
    #[must_use]
    pub fn read_pending(data: &Data) -> Option<Vec<HoldView>> {
        serde_json::from_str(data.as_str()).ok()
    }

    /// The hold that the `data` of any other reply is; for clients. `None` if it is none.
    #[must_use]
    pub fn read_hold(data: &Data) -> Option<HoldView> {
        serde_json::from_str(data.as_str()).ok()
    }
}
