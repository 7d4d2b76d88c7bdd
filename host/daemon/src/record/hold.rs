//! A held operation as a record: what was asked, what would run, who has consented, and how it ended.
//!
//! All of it is data; what is done with it stands in `held` (the life) and `auth` (who may). The record never holds the
//! requester's handle, only its hash: who reads the store cannot answer for the requester.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use regent_protocol::{Data, RuleView, State};
pub use regent_resolve::PlannedStep;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::key::Keyed;
use super::outcome::{Failure, Outcome, Performed};
use super::reason::{BoundField, EndReason};
use super::requester::Requester;
use super::text::{TEXT_MAX, cut};
use super::why::Why;

/// The approver's name for a hold: ten letters and digits that are hard to confuse. It is worth nothing without the
/// admin socket, so it need not be secret; it is unlike the requester's handle, so it tells nothing of that.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HoldId(String);

/// Letters of an ID: none that are read for another.
const ID_LETTERS: &[u8] = b"23456789abcdefghjkmnpqrstuvwxyz";
/// Ten of 31 letters are 49 bits: two of a thousand holds never meet.
const ID_LENGTH: usize = 10;

impl HoldId {
    pub fn random() -> Self {
        Self(crate::random::letters(ID_LETTERS, ID_LENGTH))
    }

    /// What a person typed, if it can be an ID.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = text.len() == ID_LENGTH && text.bytes().all(|byte| ID_LETTERS.contains(&byte));
        fits.then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HoldId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The hash of the requester's handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Handle([u8; 32]);

impl Handle {
    /// Of a handle as a client sends it.
    pub fn of(uid: &str) -> Self {
        Self(Sha256::digest(uid.as_bytes()).into())
    }

    pub fn hash(&self) -> [u8; 32] {
        self.0
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Hold {
    /// Counted up by each transition.
    pub version: u64,
    pub id: HoldId,
    /// What its requester calls it, hashed.
    pub handle: Handle,
    pub state: State,
    pub requester: Requester,
    /// What people called it then.
    pub requester_name: String,
    /// The operation, as callers name it.
    pub operation: String,
    /// The grants file, and so the plugin, that serves it.
    pub plugin: String,
    /// The request's data, byte for byte.
    pub data: Data,
    /// The plugin's own bytes.
    #[serde(with = "hex")]
    pub plugin_state: Vec<u8>,
    pub summary: String,
    pub plan: Vec<PlannedStep>,
    /// What consent it needs and has.
    pub steps: Vec<ConsentStep>,
    /// What the consent is bound to, each as a SHA-256.
    pub bound: Bound,
    /// What the caller was told to say to the administrator.
    pub reference: String,
    pub asked: Timestamp,
    /// Consent after this time is too late.
    pub expires: Timestamp,
    /// How long after the consent it may begin, in seconds.
    pub run_within: u64,
    /// When it was consented, which starts the second clock.
    pub approved: Option<Timestamp>,
    /// The boot of this host in which it began to run.
    #[serde(default)]
    pub boot: Option<String>,
    pub ended: Option<Timestamp>,
    pub outcome: Option<Outcome>,
    /// Why it ended as it did, for administrators.
    pub reason: Option<EndReason>,
    /// The grant by which its run counts as failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleView>,
    /// The requester's own name for it, so that it is never done twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Keyed>,
}

/// One item of `require`, and who has consented.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentStep {
    /// The person or team whose step it is.
    pub of: String,
    pub count: u32,
    pub consents: Vec<Consent>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// By the name in `[people]`.
    pub person: String,
    /// As the kernel said on the admin socket.
    pub uid: u32,
    pub at: Timestamp,
}

/// What a consent is bound to: a SHA-256 for each field, compared again at the run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bound(BTreeMap<BoundField, String>);

impl Bound {
    pub fn of(fields: impl IntoIterator<Item = (BoundField, Vec<u8>)>) -> Self {
        let hashed = |(field, bytes): (BoundField, Vec<u8>)| (field, hex::encode(Sha256::digest(bytes)));
        Self(fields.into_iter().map(hashed).collect())
    }

    /// The first field in which two differ.
    pub fn difference(&self, other: &Self) -> Option<BoundField> {
        let here = self.0.iter().find(|(field, hash)| other.0.get(field) != Some(hash));
        here.or_else(|| other.0.iter().find(|(field, _)| !self.0.contains_key(field))).map(|(field, _)| *field)
    }
}

impl Hold {
    pub fn parse(record: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(record)
    }

    /// For the store: JSON, so that a later version can read it.
    pub fn record(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }

    /// The step that waits for consent now; `None` when all have it.
    pub fn open_step(&self) -> Option<&ConsentStep> {
        self.steps.iter().find(|step| !step.is_complete())
    }

    /// The record after this person's consent to the open step, and whether it was the last that was needed.
    pub fn consented(mut self, consent: Consent) -> Self {
        let at = consent.at;
        if let Some(step) = self.steps.iter_mut().find(|step| !step.is_complete()) {
            step.consents.push(consent);
        }
        if self.open_step().is_none() {
            (self.state, self.approved) = (State::Approved, Some(at));
        }
        self
    }

    /// The record in a state from which nothing more happens.
    pub fn ended(mut self, state: State, reason: Option<EndReason>, at: Timestamp) -> Self {
        (self.state, self.reason, self.ended) = (state, reason, Some(at));
        self
    }
    pub fn performed(self, performed: Performed, at: Timestamp) -> Self {
        match performed {
            Performed::Done(data) => Self { outcome: Some(Outcome::Done(data)), ..self.ended(State::Done, None, at) },
            Performed::Failed(Failure { refusal, why, rule }) => Self {
                outcome: Some(Outcome::Failed(refusal.text, refusal.code)),
                rule,
                ..self.ended(State::Failed, Some(EndReason::Failed(why)), at)
            },
        }
    }

    /// Why it ended as it did, for approvers; `None` where its state says all.
    pub fn reason_text(&self) -> Option<String> {
        let failed = |why: &Why| match (&self.outcome, why) {
            (Some(Outcome::Failed(text, code)), Why::Unsaid) => format!("{code}: {text}"),
            (Some(Outcome::Failed(text, code)), why) => format!("{code}: {text}: {why}"),
            _ => why.to_string(),
        };
        Some(match (self.state, self.reason.as_ref()) {
            (_, Some(EndReason::Denied(by))) => format!("denied by {}", by.name()),
            (_, Some(EndReason::Void(cause))) => format!("void: {cause}"),
            (_, Some(EndReason::Failed(why))) => cut(&failed(why), TEXT_MAX),
            (State::Interrupted, None) => format!("interrupted: {}", Why::DaemonEnded),
            (_, None) => return None,
        })
    }
    pub fn is_live(&self) -> bool {
        matches!(self.state, State::Held | State::Approved | State::Performing)
    }

    /// The time after which it may not go on from where it stands; `None` once it runs or has ended.
    pub fn deadline(&self) -> Option<Timestamp> {
        match self.state {
            State::Held => Some(self.expires),
            State::Approved => {
                let within = jiff::SignedDuration::from_secs(i64::try_from(self.run_within).unwrap_or(0));
                self.approved.and_then(|at| at.checked_add(within).ok())
            }
            _ => None,
        }
    }
}

impl ConsentStep {
    /// Whether enough different persons have consented.
    pub fn is_complete(&self) -> bool {
        self.consents.len() >= self.count as usize
    }

    /// Whether this person has, by either of its names.
    pub fn has(&self, person: &str, uid: u32) -> bool {
        self.consents.iter().any(|consent| consent.person == person || consent.uid == uid)
    }
}
