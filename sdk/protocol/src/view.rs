//! Plans and held operations as people and programs are shown them. What a requester or a plugin wrote stands in them
//! as it was written: whoever shows it to a person passes it through [`crate::visible`] first.

use std::fmt;
use std::time::Duration;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::data::Data;
use crate::state::State;

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedStepView {
    /// The granted command's name.
    pub command: String,
    /// Slots and their texts.
    pub values: Values,
    /// The rendered command line; on request sockets only if the grants say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub argv: Option<Vec<String>>,
    /// Whom it runs as; likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_as: Option<String>,
    /// How long it may take.
    pub timeout: Seconds,
    /// The request's data stands on its standard input.
    #[serde(default, skip_serializing_if = "is_not")]
    pub stdin_data: bool,
    /// It ends the host.
    #[serde(default, skip_serializing_if = "is_not")]
    pub ends_host: bool,
    /// Who starts it, if not the daemon's own spawner: `systemd`, as a transient unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
fn is_not(so: &bool) -> bool {
    !so
}

impl PlannedStepView {
    /// The step as a caller may see it who was not granted its command line.
    #[must_use]
    pub fn without_command_line(mut self) -> Self {
        self.argv = None;
        self.run_as = None;
        self
    }
}

/// The `data` of the reply to a `dry_run`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DryRun {
    /// The plugin's word.
    pub summary: String,
    /// What would run.
    pub plan: Vec<PlannedStepView>,
    /// Which steps of authorisation it would take.
    pub require: Vec<StepView>,
}

/// A step of authorisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepView {
    /// Its kind, such as `approval`.
    pub step: String,
    /// Whose it is: a person or a team.
    pub of: String,
    /// How many different persons.
    pub count: u32,
    /// Who said yes so far.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approved_by: Vec<String>,
}

/// Where a request came from, as the kernel said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The socket's name.
    pub socket: String,
    /// The peer's user.
    pub uid: u32,
    /// The peer's group.
    pub gid: u32,
    /// The peer's process; recorded, never decided by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<i32>,
}

/// A held operation as an approver sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldView {
    /// The approver's name for it: worth nothing without an admin socket.
    pub id: String,
    /// The operation, as callers name it.
    pub operation: String,
    /// Where it stands.
    pub state: State,
    /// Who asks: `www-data`, `uid 1234`, or `socket:web` where the peer's uid is not to be trusted.
    pub requester: String,
    /// From where.
    pub from: Origin,
    /// When (RFC 3339).
    pub asked: String,
    /// Until when it can be approved, or begun (RFC 3339).
    pub expires: String,
    /// The request's data, the requester's own text.
    pub data: Data,
    /// The plugin's word.
    pub summary: String,
    /// Exactly what will run.
    pub plan: Vec<PlannedStepView>,
    /// What it waits for, and who said yes so far.
    pub steps: Vec<StepView>,
    /// Words by which people can tell this hold from another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phrase: Option<String>,
    /// After its end: how it ended and why, such as `void: module`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// After a decision: who made it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decided_by: Vec<String>,
}

/// Slots and their texts in the order of the plan: a JSON object, in which a slot with several texts is a list of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Values(pub Vec<(String, String)>);

impl Serialize for Values {
    fn serialize<S: Serializer>(&self, writer: S) -> Result<S::Ok, S::Error> {
        let mut members: Vec<(&str, Vec<&str>)> = Vec::new();
        for (slot, text) in &self.0 {
            match members.iter_mut().find(|(known, _)| known == slot) {
                Some((_, texts)) => texts.push(text),
                None => members.push((slot, vec![text])),
            }
        }
        writer.collect_map(members.into_iter().map(|(slot, texts)| (slot, Texts::of(texts))))
    }
}

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Values;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of strings and lists of strings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Values, A::Error> {
                let mut values = Vec::new();
                while let Some((slot, texts)) = members.next_entry::<String, Texts<String>>()? {
                    values.extend(texts.each().map(|text| (slot.clone(), text)));
                }
                Ok(Values(values))
            }
        }
        reader.deserialize_map(InOrder)
    }
}

/// What stands under a slot.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Texts<T> {
    One(T),
    Several(Vec<T>),
}

impl<T> Texts<T> {
    fn of(mut texts: Vec<T>) -> Self {
        match texts.pop() {
            Some(only) if texts.is_empty() => Self::One(only),
            last => {
                texts.extend(last);
                Self::Several(texts)
            }
        }
    }

    fn each(self) -> impl Iterator<Item = T> {
        let (one, several) = match self {
            Self::One(text) => (Some(text), Vec::new()),
            Self::Several(texts) => (None, texts),
        };
        one.into_iter().chain(several)
    }
}

/// A time span as JSON has it: a number of seconds, whole where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seconds(pub Duration);

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, writer: S) -> Result<S::Ok, S::Error> {
        if self.0.subsec_nanos() == 0 {
            writer.serialize_u64(self.0.as_secs())
        } else {
            writer.serialize_f64(self.0.as_secs_f64())
        }
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        let seconds = f64::deserialize(reader)?;
        Duration::try_from_secs_f64(seconds).map(Self).map_err(serde::de::Error::custom)
    }
}
