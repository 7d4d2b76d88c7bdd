//! Why a hold ended as it did, and who decided.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumDiscriminants, EnumIter};
use thiserror::Error;

use super::why::Why;

/// Why a hold was invalidated; as a text, what has changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Error, EnumDiscriminants)]
#[serde(rename_all = "kebab-case")]
#[strum_discriminants(name(VoidWord), derive(Serialize, Deserialize, EnumIter), serde(rename_all = "kebab-case"))]
pub enum VoidCause {
    #[error("{0}")]
    Differs(BoundField),
    /// The plan cannot be made again, or makes something else.
    #[error("plan: {0}")]
    Plan(String),
    /// Its socket is no longer configured.
    #[error("socket")]
    Socket,
    /// Its operation is no longer served to its requester.
    #[error("operation")]
    Operation,
    /// This person's consent no longer counts.
    #[error("consent of {0}")]
    Consent(String),
    #[error("the audit log no longer has the record of its last change")]
    LogCut,
    #[error("the store is older than the audit log")]
    StoreOlder,
    #[error("its last change was not stored")]
    NotStored,
}

/// What a consent is bound to. The first in this order that differs is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Display, EnumIter)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "lowercase")]
pub enum BoundField {
    Data,
    Expiry,
    Grants,
    /// The state folder's own name.
    Instance,
    Module,
    Operation,
    #[strum(serialize = "peer uid")]
    PeerUid,
    Plan,
    Socket,
    /// The plugin's own bytes.
    State,
}

/// Who decided: a person by its name in `[people]` and its uid. Root and the daemon's own user need no name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decider {
    /// The person, if the uid is one's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// As the kernel said on the admin socket.
    pub uid: u32,
}

/// Why a hold ended as it did, where its state does not say all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndReason {
    Denied(Decider),
    Void(VoidCause),
    /// It ran and failed. What its requester was told is its outcome.
    Failed(Why),
}

impl VoidCause {
    /// The field that differs, if one does.
    pub fn field(&self) -> Option<BoundField> {
        match self {
            Self::Differs(field) => Some(*field),
            Self::Plan(_) => Some(BoundField::Plan),
            Self::Socket => Some(BoundField::Socket),
            Self::Operation => Some(BoundField::Operation),
            Self::Consent(_) | Self::LogCut | Self::StoreOlder | Self::NotStored => None,
        }
    }
}

impl Decider {
    /// The person, or `root` for one without a name.
    pub fn name(&self) -> &str {
        self.person.as_deref().unwrap_or("root")
    }
}
