//! Why a hold ended as it did, and who decided.

use std::fmt;

use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, EnumIter};

use super::why::Why;

/// Why a hold was invalidated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, EnumDiscriminants)]
#[serde(rename_all = "kebab-case")]
#[strum_discriminants(name(VoidWord), derive(Serialize, Deserialize, EnumIter), serde(rename_all = "kebab-case"))]
pub enum VoidCause {
    /// This field differs from what was approved.
    Differs(BoundField),
    /// The plan cannot be made again, or makes something else.
    Plan(String),
    /// Its socket is no longer configured.
    Socket,
    /// Its operation is no longer served to its requester.
    Operation,
    /// This person's consent no longer counts.
    Consent(String),
    /// The audit log no longer has the record of the store's last change.
    LogCut,
    /// The audit log tells of more than one change that the store does not know.
    StoreOlder,
    /// Its last change is in the audit log, and cannot be stored.
    NotStored,
}

/// What a consent is bound to. The first in this order that differs is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, EnumIter)]
#[serde(rename_all = "kebab-case")]
pub enum BoundField {
    /// The request's data.
    Data,
    /// When consent comes too late.
    Expiry,
    /// The grants that bear on the operation.
    Grants,
    /// The state folder's own name.
    Instance,
    /// SHA-256 of the module.
    Module,
    /// The operation, as callers name it.
    Operation,
    /// The requester's uid.
    PeerUid,
    /// What runs.
    Plan,
    /// The socket it was asked on.
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

/// As an administrator is told: the name of what changed.
impl fmt::Display for VoidCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Differs(field) => field.fmt(f),
            Self::Plan(why) => write!(f, "plan: {why}"),
            Self::Socket => f.write_str("socket"),
            Self::Operation => f.write_str("operation"),
            Self::Consent(person) => write!(f, "consent of {person}"),
            Self::LogCut => f.write_str("the audit log no longer has the record of its last change"),
            Self::StoreOlder => f.write_str("the store is older than the audit log"),
            Self::NotStored => f.write_str("its last change was not stored"),
        }
    }
}

impl fmt::Display for BoundField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Instance => "instance",
            Self::Socket => "socket",
            Self::PeerUid => "peer uid",
            Self::Operation => "operation",
            Self::Data => "data",
            Self::State => "state",
            Self::Plan => "plan",
            Self::Module => "module",
            Self::Grants => "grants",
            Self::Expiry => "expiry",
        })
    }
}

impl Decider {
    /// The person, or `root` for one without a name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.person.as_deref().unwrap_or("root")
    }
}
