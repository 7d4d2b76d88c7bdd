//! The audit log: one line of ASCII JSON a record, each with its number and the hash of the line before.
//!
//! A line is written before a privileged act and after it; if it cannot be written, nothing runs. A line that could not
//! be written whole is taken back; if even that fails the log takes no more, and so nothing runs, until it can be.

use std::fmt::Write as _;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redb::StorageBackend;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::event::{Event, EventKind};
use crate::record::reason::Decider;
use crate::record::why::Why;
use crate::time::uptime;

/// Bytes read at a time when the log is searched.
const CHUNK: usize = 64 << 10;
/// The longest line that is believed when the log is read again: a record holds a request's line (64 KiB), a plan of 64
/// steps and little else, each character of which ASCII may make six.
const LINE_MAX: usize = 4 << 20;

/// Which record: its number, the SHA-256 of its line, and where the line begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Mark {
    /// Counted from 1.
    pub number: u64,
    /// SHA-256 of the line without its end.
    pub hash: [u8; 32],
    /// Byte offset of the line in the file.
    pub offset: u64,
}

#[derive(Serialize)]
struct AuditLine<'a> {
    seq: u64,
    prev: &'a str,
    boot: &'a str,
    at: String,
    /// Seconds since the machine started.
    up: f64,
    #[serde(flatten)]
    event: &'a Event<'a>,
}

/// What of a record the daemon reads back.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub struct Kept {
    pub seq: u64,
    /// The hash of the record before, in hex.
    pub prev: String,
    /// What both sides can call the request by.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// The held operation, if the record is a transition.
    pub hold: Option<String>,
    /// Its state from then on; a later version may know other states.
    pub state: Option<String>,
    pub decider: Option<Decider>,
}

/// The log, as it is shared by those who write it and the thread that syncs it.
#[derive(Debug, Clone)]
pub struct AuditLog(Arc<Mutex<Audit>>);

/// The log took no record, so nothing may be done that the record was to tell of.
#[derive(Debug, thiserror::Error)]
#[error("the audit log cannot be written: {0}")]
pub struct NotLogged(pub io::Error);

impl From<NotLogged> for Why {
    fn from(NotLogged(error): NotLogged) -> Self {
        Self::NotLogged(error.to_string())
    }
}

impl AuditLog {
    pub fn new(audit: Audit) -> Self {
        Self(Arc::new(Mutex::new(audit)))
    }

    pub fn record(&self, event: &Event<'_>) -> Result<Mark, NotLogged> {
        self.lock().append(event).map_err(NotLogged)
    }

    /// For what happens whether or not it can be on record.
    pub fn record_or_log(&self, event: &Event<'_>) {
        if let Err(why) = self.record(event) {
            crate::error!("{why}");
        }
    }

    /// The log, whatever a thread that panicked did: an append is whole or taken back.
    pub fn lock(&self) -> MutexGuard<'_, Audit> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When a record was written, by both clocks.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
struct Moment {
    at: jiff::Timestamp,
    up: f64,
    boot: String,
}

/// The log, open for writing at its end.
#[derive(Debug)]
pub struct Audit {
    pub(super) medium: Arc<dyn StorageBackend>,
    /// The boot of this host in which it is written.
    pub(super) boot: String,
    number: u64,
    last: [u8; 32],
    end: u64,
    broken: bool,
    /// When the last record was written that was there at the start.
    last_moment: Option<Moment>,
}

impl Audit {
    /// Opens the log and finds its end. A last line that was torn is closed and said, not forgiven.
    pub fn open(medium: Arc<dyn StorageBackend>, boot: String) -> io::Result<Self> {
        let length = medium.len()?;
        let mut audit = Self { medium, boot, number: 0, last: [0; 32], end: length, broken: false, last_moment: None };
        let Some((start, line, whole)) = audit.last_line(length)? else { return Ok(audit) };
        if whole {
            audit.follow(&line)?;
            return Ok(audit);
        }
        // The torn bytes stay, as a line of their own that no chain goes through.
        if let Some((_, before, _)) = audit.last_line(start)? {
            audit.follow(&before)?;
        }
        audit.medium.write(length, b"\n")?;
        audit.end = length + 1;
        audit.append(&Event { bytes: Some(line.len()), ..Event::of(EventKind::Torn) })?;
        Ok(audit)
    }

    fn follow(&mut self, line: &[u8]) -> io::Result<()> {
        let kept: Kept = serde_json::from_slice(line).map_err(|why| strange(&format!("its last line: {why}")))?;
        (self.number, self.last) = (kept.seq, Sha256::digest(line).into());
        self.last_moment = serde_json::from_slice(line).ok();
        Ok(())
    }

    /// The last line before `end`: where it starts, its bytes, and whether its end is there. `None` in an empty log.
    fn last_line(&self, end: u64) -> io::Result<Option<(u64, Vec<u8>, bool)>> {
        if end == 0 {
            return Ok(None);
        }
        let mut tail = Vec::new();
        let mut start = end;
        loop {
            let step = start.min(CHUNK as u64);
            start -= step;
            let mut chunk = vec![0; usize::try_from(step).unwrap_or(CHUNK)];
            self.medium.read(start, &mut chunk)?;
            chunk.extend_from_slice(&tail);
            tail = chunk;
            let (body, whole) = match tail.split_last() {
                Some((b'\n', body)) => (body, true),
                _ => (tail.as_slice(), false),
            };
            let newline = body.iter().rposition(|byte| *byte == b'\n');
            if newline.is_some() || start == 0 {
                let from = newline.map_or(0, |at| at + 1);
                let line = body.get(from..).unwrap_or_default().to_vec();
                return Ok(Some((start + from as u64, line, whole)));
            }
            if tail.len() > LINE_MAX {
                return Err(strange("a line without end"));
            }
        }
    }

    /// Writes a record; it is in the file when this returns, and on the disk after the next sync.
    ///
    /// # Errors
    /// What the disk says: then nothing may be done that the record was to tell of.
    pub fn append(&mut self, event: &Event<'_>) -> io::Result<Mark> {
        if self.broken {
            let back = self.medium.set_len(self.end);
            back.map_err(|why| {
                io::Error::new(why.kind(), format!("a record that failed cannot be taken back: {why}"))
            })?;
            self.broken = false;
        }
        let mark = Mark { number: self.number + 1, hash: [0; 32], offset: self.end };
        let prev = hex::encode(self.last);
        let at = jiff::Timestamp::now().to_string();
        let up = uptime().as_secs_f64();
        let line = ascii(&AuditLine { seq: mark.number, prev: &prev, boot: &self.boot, at, up, event })?;
        if line.len() > LINE_MAX {
            let why = format!("a record of {} bytes: at most {LINE_MAX} are read again", line.len());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        let hash = Sha256::digest(line.as_bytes()).into();
        if let Err(why) = self.medium.write(self.end, format!("{line}\n").as_bytes()) {
            self.broken = self.medium.set_len(self.end).is_err();
            return Err(why);
        }
        (self.number, self.last, self.end) = (mark.number, hash, self.end + line.len() as u64 + 1);
        Ok(Mark { hash, ..mark })
    }

    /// The time by what has passed since the predecessor wrote last, if that was in this boot: no clock that was set
    /// back meanwhile changes it.
    pub fn time_by_uptime(&self) -> Option<jiff::Timestamp> {
        let last = self.last_moment.as_ref().filter(|last| last.boot == self.boot && !last.boot.is_empty())?;
        let passed = uptime().checked_sub(Duration::try_from_secs_f64(last.up).ok()?)?;
        last.at.checked_add(passed).ok()
    }

    /// How long the log is, in bytes.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Every whole record from `mark` on, itself first, with its mark; `None` if that record is not there.
    pub fn since(&self, mark: &Mark) -> io::Result<Option<Vec<(Mark, Kept)>>> {
        let mut records = Vec::new();
        let mut offset = mark.offset;
        while offset < self.end {
            let Some(line) = self.line_at(offset)? else { break };
            let at = Mark { number: 0, hash: Sha256::digest(&line).into(), offset };
            if records.is_empty() && at.hash != mark.hash {
                return Ok(None);
            }
            // What does not read as a record is a torn line: it was said when it was found.
            if let Ok(kept) = serde_json::from_slice::<Kept>(&line) {
                records.push((Mark { number: kept.seq, ..at }, kept));
            }
            offset += line.len() as u64 + 1;
        }
        Ok((!records.is_empty()).then_some(records))
    }

    fn line_at(&self, offset: u64) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        while line.len() <= LINE_MAX {
            let from = offset + line.len() as u64;
            let step = CHUNK.min(usize::try_from(self.end.saturating_sub(from)).unwrap_or(CHUNK));
            if step == 0 {
                return Ok(None);
            }
            let mut chunk = vec![0; step];
            self.medium.read(from, &mut chunk)?;
            if let Some(newline) = chunk.iter().position(|byte| *byte == b'\n') {
                line.extend_from_slice(chunk.get(..newline).unwrap_or_default());
                return Ok(Some(line));
            }
            line.extend_from_slice(&chunk);
        }
        Err(strange("a line without end"))
    }
}

fn strange(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the audit log is not as this daemon writes it: {what}"))
}

/// JSON in which every character beyond ASCII is an escape, so that no terminal reads a meaning into the log.
fn ascii(line: &impl Serialize) -> io::Result<String> {
    let text = serde_json::to_string(line)?;
    if text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
        return Ok(text);
    }
    let mut escaped = String::with_capacity(text.len() * 2);
    for c in text.chars() {
        match c {
            // Between the parts of what a requester sent: strings have none.
            '\0'..=' ' => escaped.push(' '),
            c if c.is_ascii_graphic() => escaped.push(c),
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(escaped, "\\u{unit:04x}").map_err(io::Error::other)?;
                }
            }
        }
    }
    Ok(escaped)
}
