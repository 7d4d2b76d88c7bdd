//! What the audit log still knows of a refusal that memory has forgotten, or that was before the last start.

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::path::Path;

use regent_protocol::{Origin, RuleView, State, WhyView};
use serde::Deserialize;

use super::{ended, view};
use crate::daemon::Daemon;
use crate::held;
use crate::hold::{Hold, HoldId};
use regent_resolve::users;

/// A longer line is none of a refusal.
const LINE_MAX: u64 = 64 << 10;

#[derive(Deserialize)]
struct Line {
    event: String,
    at: String,
    hold: Option<String>,
    state: Option<String>,
    #[serde(rename = "ref")]
    reference: Option<String>,
    socket: Option<String>,
    uid: Option<u32>,
    gid: Option<u32>,
    pid: Option<i32>,
    operation: Option<String>,
    outcome: Option<String>,
    rule: Option<RuleView>,
}

/// What the log tells of a reference.
#[derive(Default)]
pub struct Found {
    /// The last record that tells of a refusal or a failure.
    explained: Option<WhyView>,
    /// The hold that it names, by its last record.
    hold: Option<Line>,
}

/// The refusal or failure of this reference. Of a hold that is still kept the store knows more than the log.
pub(crate) async fn in_log(daemon: &Daemon, reference: &str) -> Option<WhyView> {
    // What else could stand between quotes would be looked for in vain.
    if !reference.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return None;
    }
    let (path, named) = (daemon.policy().config.audit.clone(), reference.to_owned());
    let found = tokio::task::spawn_blocking(move || in_file(&path, &named)).await.ok()?;
    let kept = match found.hold.and_then(|line| HoldId::parse(&line.hold?)) {
        Some(id) => daemon.held.by_id(&id).await.filter(|hold| hold.reference == reference),
        None => None,
    };
    kept.and_then(|hold| kept_hold(&hold)).or(found.explained)
}

fn kept_hold(hold: &Hold) -> Option<WhyView> {
    let refused = hold.state.is_over() && hold.state != State::Done;
    refused.then(|| view(ended::of(hold, &held::refusal(hold))))
}

fn in_file(path: &Path, reference: &str) -> Found {
    File::open(path).map(|file| search(BufReader::new(file), reference)).unwrap_or_default()
}

/// Reads a log from its beginning. A line that is too long is passed over as a whole: a piece of it could be what a requester
/// sent, made to look like a line.
pub fn search(mut log: impl BufRead, reference: &str) -> Found {
    let (mut found, mut line) = (Found::default(), Vec::new());
    let needle = format!("\"ref\":\"{reference}\"");
    loop {
        line.clear();
        match log.by_ref().take(LINE_MAX).read_until(b'\n', &mut line) {
            Ok(1..) => {}
            _ => return found,
        }
        if !line.ends_with(b"\n") {
            let _unreadable_ends_it = log.skip_until(b'\n');
            continue;
        }
        let Ok(line) = str::from_utf8(&line) else { continue };
        if line.contains(&needle) || found.hold.is_some() && line.contains("\"event\":\"recovery\"") {
            found.take(line, reference);
        }
    }
}

impl Found {
    /// The refusal or failure, as the log has it.
    #[must_use]
    pub fn explained(self) -> Option<WhyView> {
        self.explained
    }

    fn take(&mut self, line: &str, reference: &str) {
        let Ok(line) = serde_json::from_str::<Line>(line) else { return };
        if line.event == "recovery" {
            let ended = self.hold.as_ref().and_then(|hold| recovered(hold, &line));
            self.explained = ended.or(self.explained.take());
        } else if line.reference.as_deref() == Some(reference) {
            self.explained = explained(&line, reference).or(self.explained.take());
            self.hold = line.hold.is_some().then_some(line).or(self.hold.take());
        }
    }
}

/// The end that a start gave to a hold of its predecessor.
fn recovered(hold: &Line, recovery: &Line) -> Option<WhyView> {
    let (id, mut lists) = (hold.hold.as_deref()?, recovery.outcome.as_deref()?.split("; "));
    let ended = lists.find_map(|list| {
        let (state, ids) = list.split_once(": ")?;
        ids.split(' ').any(|listed| listed == id).then(|| State::of_word(state)).flatten()
    })?;
    of_hold(hold, hold.reference.as_deref()?, ended, "")
}

fn explained(line: &Line, reference: &str) -> Option<WhyView> {
    let outcome = line.outcome.as_deref().unwrap_or_default();
    match line.event.as_str() {
        "refused" | "failed" => {
            let (said, why) = outcome.split_once(": ").unwrap_or((outcome, ""));
            Some(told(line, reference, said, why.to_owned()))
        }
        "hold" => of_hold(line, reference, State::of_word(line.state.as_deref()?)?, outcome),
        _ => None,
    }
}

/// `None`: it has not ended so that anybody would ask why.
fn of_hold(line: &Line, reference: &str, state: State, reason: &str) -> Option<WhyView> {
    let said = match state {
        // Its code, and what its requester heard.
        State::Failed => reason.split(": ").nth(1).unwrap_or_default().to_owned(),
        state => state.refusal()?.text,
    };
    let why = format!("hold {}: {}", line.hold.as_deref()?, ended::in_words(state, reason));
    Some(told(line, reference, &said, why))
}

fn told(line: &Line, reference: &str, said: &str, why: String) -> WhyView {
    let uid = line.uid.unwrap_or(u32::MAX);
    let socket = line.socket.clone().unwrap_or_default();
    WhyView {
        reference: reference.to_owned(),
        at: line.at.clone(),
        requester: users::name_of(uid),
        from: Origin { socket, uid, gid: line.gid.unwrap_or(u32::MAX), pid: line.pid },
        operation: line.operation.clone(),
        data: None,
        said: said.to_owned(),
        code: None,
        why,
        rule: line.rule.clone(),
        allow: None,
    }
}
