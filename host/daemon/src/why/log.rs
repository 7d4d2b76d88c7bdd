//! What the audit log still knows of a refusal that memory has forgotten, or that was before the last start.

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};

use regent_protocol::{Code, Origin, RuleView, State, WhyView};
use serde::Deserialize;

use super::ended;
use super::explained::Explained;
use crate::held::{self, Held};
use crate::kept::event::{EventKind, Recovery};
use crate::record::hold::{Hold, HoldId};
use crate::record::reason::Decider;
use crate::record::why::ReasonWord;
use regent_resolve::users;

/// A longer line is none of a refusal.
const LINE_MAX: u64 = 64 << 10;

#[derive(Deserialize)]
struct RecordLine {
    event: EventKind,
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
    decider: Option<Decider>,
    code: Option<Code>,
    said: Option<String>,
    reason: Option<ReasonWord>,
    why: Option<String>,
    rule: Option<RuleView>,
    #[serde(flatten)]
    recovery: Recovery,
}

#[derive(Default)]
pub struct LogFindings {
    /// The last record that tells of a refusal or a failure.
    explained: Option<Explained>,
    /// The hold that it names, by its last record.
    hold: Option<RecordLine>,
}

/// The refusal or failure of this reference, in the log at this path. Of a hold that is still kept the store knows
/// more.
pub(crate) async fn in_log(path: PathBuf, held: &Held, reference: &str) -> Option<Explained> {
    // What else could stand between quotes would be looked for in vain.
    if !reference.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return None;
    }
    let named = reference.to_owned();
    let found = tokio::task::spawn_blocking(move || in_file(&path, &named)).await.ok()?;
    let kept = match found.hold.and_then(|line| HoldId::parse(&line.hold?)) {
        Some(id) => held.by_id(&id).await.filter(|hold| hold.reference == reference),
        None => None,
    };
    kept.and_then(|hold| kept_hold(&hold)).or(found.explained)
}

fn kept_hold(hold: &Hold) -> Option<Explained> {
    let refused = hold.state.is_over() && hold.state != State::Done;
    refused.then(|| ended::of(hold, &held::refusal(hold)).into())
}

fn in_file(path: &Path, reference: &str) -> LogFindings {
    File::open(path).map(|file| search(BufReader::new(file), reference)).unwrap_or_default()
}

/// Reads a log from its beginning. A line that is too long is passed over as a whole: a piece of it could be what a
/// requester sent, made to look like a line.
pub fn search(mut log: impl BufRead, reference: &str) -> LogFindings {
    let (mut found, mut line) = (LogFindings::default(), Vec::new());
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

impl LogFindings {
    pub fn explained(self) -> Option<WhyView> {
        self.explained.map(|explained| explained.view)
    }

    fn take(&mut self, line: &str, reference: &str) {
        let Ok(line) = serde_json::from_str::<RecordLine>(line) else { return };
        if line.event == EventKind::Recovery {
            let ended = self.hold.as_ref().and_then(|hold| recovered(hold, &line));
            self.explained = ended.or(self.explained.take());
        } else if line.reference.as_deref() == Some(reference) {
            self.explained = explained(&line, reference).or(self.explained.take());
            self.hold = line.hold.is_some().then_some(line).or(self.hold.take());
        }
    }
}

/// The end that a start gave to a hold of its predecessor.
fn recovered(hold: &RecordLine, line: &RecordLine) -> Option<Explained> {
    let id = HoldId::parse(hold.hold.as_deref()?)?;
    let Recovery { interrupted, void, done } = &line.recovery;
    let ends = [(State::Interrupted, interrupted), (State::Void, void), (State::Done, done)];
    let (ended, _) = ends.into_iter().find(|(_, ids)| ids.contains(&id))?;
    let said = ended.refusal()?.text;
    Some(told(hold, hold.reference.as_deref()?, said, format!("hold {id}: {}", ended::by_state(ended))))
}

fn explained(line: &RecordLine, reference: &str) -> Option<Explained> {
    let (said, why) = (line.said.clone().unwrap_or_default(), line.why.clone().unwrap_or_default());
    match line.event {
        EventKind::Refused | EventKind::Failed => Some(told(line, reference, said, why)),
        EventKind::Hold => of_hold(line, reference, State::of_word(line.state.as_deref()?)?),
        _ => None,
    }
}

/// `None`: it has not ended so that anybody would ask why.
fn of_hold(line: &RecordLine, reference: &str, state: State) -> Option<Explained> {
    let (said, why) = (line.said.clone().unwrap_or_default(), line.why.as_deref());
    let (said, how) = match (state, &line.decider) {
        (State::Failed, _) => {
            let code = line.code.map(|code| format!("{code}: ")).unwrap_or_default();
            let why = why.map(|why| format!(": {why}")).unwrap_or_default();
            let how = ended::failed(&format!("{code}{said}{why}"));
            (said, how)
        }
        (State::Void, _) if why.is_some() => (state.refusal()?.text, ended::void(why.unwrap_or_default())),
        (State::Denied, Some(decider)) => (state.refusal()?.text, format!("denied by {}", decider.name())),
        _ => (state.refusal()?.text, ended::by_state(state)),
    };
    Some(told(line, reference, said, format!("hold {}: {how}", line.hold.as_deref()?)))
}

fn told(line: &RecordLine, reference: &str, said: String, why: String) -> Explained {
    let uid = line.uid.unwrap_or(u32::MAX);
    let socket = line.socket.clone().unwrap_or_default();
    let view = WhyView {
        reference: reference.to_owned(),
        at: line.at.clone(),
        requester: users::name_of(uid),
        from: Origin { socket, uid, gid: line.gid.unwrap_or(u32::MAX), pid: line.pid },
        operation: line.operation.clone(),
        data: None,
        said,
        code: None,
        why,
        rule: line.rule.clone(),
        allow: None,
    };
    Explained { view, word: line.reason }
}
