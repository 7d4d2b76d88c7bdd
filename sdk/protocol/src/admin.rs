//! What an administrator asks over an admin socket. There is no secret: the kernel says who it is.
//!
//! These frames are unstable until 1.0.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::data::Data;
use crate::line::Line;
use crate::refusal::{Refusal, Rejection};
use crate::reply::{error_line, line};
use crate::request::{text, typed};
use crate::serving::{PluginView, Reloaded, StatusView, WhyView};
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
    /// Read all files again; the reply is a [`Reloaded`].
    Reload,
    /// The daemon as it stands, as a [`StatusView`].
    Status,
    /// Every plugin, as a list of [`PluginView`].
    Plugins,
    /// One refusal, as a [`WhyView`].
    Why {
        /// What the caller was told.
        reference: String,
    },
}

impl Line<'_> {
    /// What this line asks of an admin socket. The peer is to be judged before.
    ///
    /// # Errors
    /// In this order: [`Rejection::DuplicateKey`], [`Rejection::WrongType`] (also a missing `hold` or `ref`),
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
            Some("reload") => Ok(AdminRequest::Reload),
            Some("status") => Ok(AdminRequest::Status),
            Some("plugins") => Ok(AdminRequest::Plugins),
            Some("why") => {
                let reference = typed(self, "ref", text)?.ok_or(Rejection::WrongType("ref"))?;
                Ok(AdminRequest::Why { reference })
            }
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
            Self::Reload => "reload",
            Self::Status => "status",
            Self::Plugins => "plugins",
            Self::Why { .. } => "why",
        }
    }

    /// The hold that it is about.
    #[must_use]
    pub fn hold(&self) -> Option<&str> {
        match self {
            Self::Show { hold } | Self::Approve { hold } | Self::Deny { hold } => Some(hold),
            _ => None,
        }
    }

    /// The line that asks this, its newline included; for clients.
    #[must_use]
    pub fn to_line(&self) -> Vec<u8> {
        #[derive(Serialize)]
        struct AdminRequestFrame<'a> {
            admin: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            hold: Option<&'a str>,
            #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
            reference: Option<&'a str>,
        }
        let reference = match self {
            Self::Why { reference } => Some(reference.as_str()),
            _ => None,
        };
        line(&AdminRequestFrame { admin: self.verb(), hold: self.hold(), reference })
    }
}

/// A reply on an admin socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdminReply {
    /// To `pending`.
    Pending(Vec<HoldView>),
    /// To `show`, and to `approve` and `deny`, where it is the hold afterwards.
    Hold(Box<HoldView>),
    /// To `reload`.
    Reloaded(Reloaded),
    /// To `status`.
    Status(Box<StatusView>),
    /// To `plugins`.
    Plugins(Vec<PluginView>),
    /// To `why`.
    Why(Box<WhyView>),
    /// "No", with its reference.
    Refused(Refusal),
}

impl AdminReply {
    /// The line, its newline included; `id` is what came with the request.
    #[must_use]
    pub fn to_line(&self, id: Option<&str>) -> Vec<u8> {
        #[derive(Serialize)]
        struct AdminReplyFrame<'a, T> {
            success: bool,
            data: &'a T,
            #[serde(skip_serializing_if = "Option::is_none")]
            id: Option<&'a str>,
        }
        match self {
            Self::Pending(holds) => line(&AdminReplyFrame { success: true, data: holds, id }),
            Self::Hold(hold) => line(&AdminReplyFrame { success: true, data: hold, id }),
            Self::Reloaded(reloaded) => line(&AdminReplyFrame { success: true, data: reloaded, id }),
            Self::Status(status) => line(&AdminReplyFrame { success: true, data: status, id }),
            Self::Plugins(plugins) => line(&AdminReplyFrame { success: true, data: plugins, id }),
            Self::Why(why) => line(&AdminReplyFrame { success: true, data: why, id }),
            Self::Refused(refusal) => error_line(refusal, None, id),
        }
    }

    /// What the `data` of a reply is, by its type; for clients. `None` if it is none.
    #[must_use]
    pub fn read<T: DeserializeOwned>(data: &Data) -> Option<T> {
        serde_json::from_str(data.as_str()).ok()
    }
}
