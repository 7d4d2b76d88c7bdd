//! What a caller asks, once its secret was right: an operation, or about a held one.

use std::time::Duration;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::data::Data;
use crate::json;
use crate::limits::{ID_MAX, WAIT_MAX, WAIT_MIN};
use crate::line::Line;
use crate::refusal::Rejection;
use crate::view::Seconds;

/// A request whose every known key has its right type. It borrows nothing from its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The caller's name for this exchange.
    pub id: Option<String>,
    /// What is asked.
    pub ask: Ask,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// Start an operation.
    Operation {
        /// Its name, as the administrator named it for callers.
        op: String,
        /// The caller's own text; `null` when there was none.
        data: Data,
        /// Say what would run, and hold and run nothing.
        dry_run: bool,
        /// If it is held, reply when that is decided, at the latest after so long.
        wait: Option<Duration>,
        /// The caller's own name for this deed: asked again under it, it is answered again and not done again.
        key: Option<String>,
    },
    /// What this caller may ask for.
    List,
    /// Read, answer or give up a held operation.
    Hold {
        /// The requester's handle.
        uid: String,
        /// The answer to its step; `None` (absent or `null`) only reads.
        data: Option<Data>,
        /// Reply when it is decided, at the latest after so long.
        wait: Option<Duration>,
        /// Give it up.
        cancel: bool,
    },
}

impl Line<'_> {
    /// What this line asks. Its secret is to be judged before.
    ///
    /// An absent optional key and a `null` one are the same, but `op` and `uid` are never `null`. A key that this
    /// request cannot honour (`cancel` with `op`, `dry_run` with `uid`) is refused like one that is not served at all.
    ///
    /// # Errors
    /// In this order: [`Rejection::DuplicateKey`], [`Rejection::WrongType`], [`Rejection::NotServed`],
    /// [`Rejection::OperationNotFound`].
    pub fn request(&self) -> Result<Request, Rejection> {
        self.check_duplicates()?;
        let keys = Keys::read(self)?;
        let asked_in_vain = match (&keys.op, &keys.uid) {
            _ if keys.stream => Some("stream"),
            (Some(_), _) if keys.cancel => Some("cancel"),
            (Some(_), _) | (None, Some(_)) if keys.list => Some("list"),
            // Nothing is done by a plan that is only shown, so there is nothing that could be done twice.
            (Some(_), _) if keys.dry_run && keys.key.is_some() => Some("key"),
            (None, _) if keys.key.is_some() => Some("key"),
            (None, _) if keys.dry_run => Some("dry_run"),
            (None, None) if keys.list && keys.cancel => Some("cancel"),
            (None, None) if keys.list && keys.wait.is_some() => Some("wait"),
            _ => None,
        };
        if let Some(key) = asked_in_vain {
            return Err(Rejection::NotServed(key));
        }
        let ask = match (keys.op, keys.uid) {
            (Some(op), _) => {
                let data = self.once("data").map_or_else(Data::null, Data::of_line);
                Ask::Operation { op, data, dry_run: keys.dry_run, wait: keys.wait, key: keys.key }
            }
            (None, Some(uid)) => {
                let data = self.once("data").map(Data::of_line).filter(|data| !data.is_null());
                Ask::Hold { uid, data, wait: keys.wait, cancel: keys.cancel }
            }
            (None, None) if keys.list => Ask::List,
            (None, None) => return Err(Rejection::OperationNotFound),
        };
        Ok(Request { id: keys.id, ask })
    }
}

/// Every known key but `secret`, which the gate has judged, and `data`, which may be anything.
struct Keys {
    op: Option<String>,
    uid: Option<String>,
    id: Option<String>,
    dry_run: bool,
    wait: Option<Duration>,
    cancel: bool,
    key: Option<String>,
    list: bool,
    stream: bool,
}

impl Keys {
    fn read(line: &Line<'_>) -> Result<Self, Rejection> {
        Ok(Self {
            op: typed(line, "op", text)?,
            uid: typed(line, "uid", text)?,
            id: optional(line, "id", |value| text(value).filter(|id| id.len() <= ID_MAX))?,
            dry_run: optional(line, "dry_run", boolean)?.unwrap_or(false),
            wait: optional(line, "wait", seconds)?,
            cancel: optional(line, "cancel", boolean)?.unwrap_or(false),
            key: optional(line, "key", |value| text(value).filter(|key| (1..=ID_MAX).contains(&key.len())))?,
            list: optional(line, "list", boolean)?.unwrap_or(false),
            stream: optional(line, "stream", boolean)?.unwrap_or(false),
        })
    }
}

/// A key's value, if the key is there.
pub(crate) fn typed<T>(
    line: &Line<'_>,
    key: &'static str,
    read: impl Fn(&RawValue) -> Option<T>,
) -> Result<Option<T>, Rejection> {
    line.once(key).map(|value| read(value).ok_or(Rejection::WrongType(key))).transpose()
}

/// The same for a key that may be `null`, which says as much as its absence.
fn optional<T>(
    line: &Line<'_>,
    key: &'static str,
    read: impl Fn(&RawValue) -> Option<T>,
) -> Result<Option<T>, Rejection> {
    match line.once(key) {
        Some(value) if value.get() == "null" => Ok(None),
        _ => typed(line, key, read),
    }
}

pub(crate) fn text(value: &RawValue) -> Option<String> {
    json::string(value).map(|text| text.into_owned())
}

fn boolean(value: &RawValue) -> Option<bool> {
    serde_json::from_str(value.get()).ok()
}

fn seconds(value: &RawValue) -> Option<Duration> {
    let seconds: f64 = serde_json::from_str(value.get()).ok()?;
    Duration::try_from_secs_f64(seconds).ok().filter(|wait| (WAIT_MIN..=WAIT_MAX).contains(wait))
}

/// A request as it crosses the socket.
#[derive(Default, Serialize)]
struct RequestFrame<'a> {
    secret: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    op: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<&'a str>,
    data: Option<&'a Data>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    dry_run: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    wait: Option<Seconds>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    cancel: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    list: bool,
}

impl Request {
    /// The line that asks this, its newline included; for clients. `None` if it would be longer than any daemon reads.
    #[must_use]
    pub fn to_line(&self, secret: &str) -> Option<Vec<u8>> {
        let id = self.id.as_deref();
        let frame = RequestFrame { secret, id, ..RequestFrame::default() };
        let frame = match &self.ask {
            Ask::Operation { op, data, dry_run, wait, key } => RequestFrame {
                op: Some(op),
                data: Some(data),
                dry_run: *dry_run,
                wait: wait.map(Seconds),
                key: key.as_deref(),
                ..frame
            },
            Ask::List => RequestFrame { list: true, ..frame },
            Ask::Hold { uid, data, wait, cancel } => {
                RequestFrame { uid: Some(uid), data: data.as_ref(), wait: wait.map(Seconds), cancel: *cancel, ..frame }
            }
        };
        let mut line = serde_json::to_vec(&frame).ok().filter(|line| line.len() <= crate::LINE_MAX)?;
        line.push(b'\n');
        Some(line)
    }
}
