//! Nothing was lost and nothing was done twice: what clients were told, beside the audit log and what commands wrote
//! down.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use regent_build::{At as _, Error, Result};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::clients::{End, Kind, Told};
use super::stage::Stage;

/// What the log says of one request: its events, or the states of its hold.
type Events = Vec<String>;

/// The log, as far as it is asked here.
#[derive(Debug, Default)]
struct Log {
    records: u64,
    /// By reference.
    events: BTreeMap<String, Events>,
    /// From a client's token to the reference of its request.
    tokens: BTreeMap<String, String>,
    /// How often a run of a client's token began.
    begun: BTreeMap<String, u64>,
    /// No-ops done, by uid.
    echoes: BTreeMap<u64, u64>,
}

/// Looks at everything; what was found, in a line or two.
pub(super) fn judge(stage: &Stage, told: &Path) -> Result<String> {
    let (log, told, ran) = (Log::read(stage.audit())?, read(told)?, ran(&stage.ran()));
    if let Some((token, _)) = ran.iter().find(|(_, times)| **times > 1) {
        return Err(Error::new(format!("{token} has run twice")));
    }
    if let Some((token, _)) = log.begun.iter().find(|(_, times)| **times > 1) {
        return Err(Error::new(format!("{token} began twice:\n{}", log.records_of(token, stage)?)));
    }
    log.every_run_has_its_end()?;
    for told in &told {
        one(told, &log, &ran)
            .or_else(|why| Err(Error::new(format!("{why}\n{}", log.records_of(&told.token, stage)?))))?;
    }
    // Each once: there are hundreds of thousands of requests.
    for uid in told.iter().map(|told| told.uid).collect::<BTreeSet<_>>() {
        let done =
            told.iter().filter(|told| told.kind == Kind::Echo && told.uid == uid && told.end == End::Done).count();
        if log.echoes.get(&u64::from(uid)).is_none_or(|logged| *logged < done as u64) {
            return Err(Error::new(format!("uid {uid} was told of {done} no-ops, and the log has fewer")));
        }
    }
    let count = |end: &End| told.iter().filter(|told| told.end == *end).count();
    let again = told.iter().filter(|told| matches!(told.end, End::DoneAfter(_))).count();
    Ok(format!(
        "- {} requests of good clients: {} done, {} cancelled, {} failed (killed), {} refused (busy, or too many)\n\
         - {} records in the audit log, each with the hash of the one before; {} commands ran, none twice",
        told.len(),
        count(&End::Done) + again,
        count(&End::Cancelled),
        count(&End::Failed),
        count(&End::Refused),
        log.records,
        ran.len(),
    ))
}

/// What one client was told is what the log has, and what happened.
fn one(told: &Told, log: &Log, ran: &BTreeMap<String, u64>) -> Result<()> {
    let wrong = |why: &str| Err(Error::new(format!("{told:?}: {why}; the log has {:?}", log.of(&told.token))));
    if let End::Wrong(_) | End::Waits = told.end {
        return wrong("nobody should hear that");
    }
    if told.kind == Kind::Echo {
        return Ok(());
    }
    let has_run = ran.contains_key(&told.token);
    let (events, end) = (log.of(&told.token), log.of(&told.token).last().map(String::as_str));
    match &told.end {
        End::DoneAfter(failed) if log.events.contains_key(failed) => wrong("what had failed at first had begun"),
        End::Done | End::DoneAfter(_) if !has_run => wrong("it has not run"),
        End::Done | End::DoneAfter(_) if end != Some("done") => wrong("it is not on record as done"),
        End::Cancelled if has_run || end != Some("cancelled") => wrong("it is not on record as cancelled"),
        End::Refused if has_run || !events.is_empty() => wrong("it began"),
        End::Failed if has_run && !matches!(end, Some("failed" | "done")) => {
            wrong("it ran, and its end is not on record")
        }
        _ => Ok(()),
    }
}

impl Log {
    fn read(path: &Path) -> Result<Self> {
        let (mut log, mut before) = (Self::default(), "0".repeat(64));
        for line in BufReader::new(File::open(path).at(path)?).lines() {
            let line = line.at(path)?;
            let record: Value = serde_json::from_str(&line).map_err(|why| Error::new(format!("{why}: {line}")))?;
            log.records += 1;
            if record.get("seq") != Some(&log.records.into()) || record.get("prev") != Some(&before.as_str().into()) {
                return Err(Error::new(format!("the chain of the audit log is broken at: {line}")));
            }
            before = hex::encode(Sha256::digest(line.as_bytes()));
            log.take(&record);
        }
        Ok(log)
    }

    fn take(&mut self, record: &Value) {
        let text = |key: &str| record.get(key).and_then(Value::as_str);
        let (Some(reference), Some(event)) = (text("ref"), text("event")) else { return };
        let event = if event == "hold" { text("state").unwrap_or_default() } else { event };
        if event == "refused" {
            return;
        }
        if event == "done" && text("operation") == Some("echo") {
            *self.echoes.entry(record.get("uid").and_then(Value::as_u64).unwrap_or_default()).or_default() += 1;
            return;
        }
        if let Some(token) = record.pointer("/data/token").and_then(Value::as_str) {
            self.tokens.insert(token.to_owned(), reference.to_owned());
            if event == "performing" {
                *self.begun.entry(token.to_owned()).or_default() += 1;
            }
        }
        self.events.entry(reference.to_owned()).or_default().push(event.to_owned());
    }

    fn of(&self, token: &str) -> &[String] {
        self.tokens.get(token).and_then(|reference| self.events.get(reference)).map_or(&[], Vec::as_slice)
    }

    /// All that the log has of it, for who asks why.
    fn records_of(&self, token: &str, stage: &Stage) -> Result<String> {
        let Some(reference) = self.tokens.get(token) else { return Ok("no record of it".into()) };
        let path = stage.audit();
        let lines = BufReader::new(File::open(path).at(path)?).lines().map_while(std::result::Result::ok);
        Ok(lines.filter(|line| line.contains(reference)).collect::<Vec<_>>().join("\n"))
    }

    /// Begun once, and ended once.
    fn every_run_has_its_end(&self) -> Result<()> {
        for (reference, events) in &self.events {
            let count = |of: &[&str]| events.iter().filter(|event| of.contains(&event.as_str())).count();
            let begun = count(&["performing"]);
            if begun > 1 || begun == 1 && count(&["done", "failed"]) != 1 {
                return Err(Error::new(format!(
                    "ref {reference}: {events:?} is no run with one beginning and one end"
                )));
            }
            if begun == 0 && count(&["held"]) == 1 && count(&["cancelled", "expired", "denied", "void"]) != 1 {
                return Err(Error::new(format!("ref {reference}: {events:?}: a hold was lost")));
            }
        }
        Ok(())
    }
}

/// Of all clients.
fn read(folder: &Path) -> Result<Vec<Told>> {
    let mut told = Vec::new();
    for file in fs::read_dir(folder).at(folder)? {
        let path = file.at(folder)?.path();
        for line in fs::read_to_string(&path).at(&path)?.lines() {
            told.push(serde_json::from_str(line).map_err(|why| Error::new(format!("{why}: {line}")))?);
        }
    }
    Ok(told)
}

/// How often each token was written down by the command.
fn ran(text: &str) -> BTreeMap<String, u64> {
    let mut ran = BTreeMap::new();
    text.lines().for_each(|token| *ran.entry(token.to_owned()).or_default() += 1);
    ran
}
