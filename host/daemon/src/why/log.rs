//! What the audit log still knows of a refusal that memory has forgotten, or that was before the last start.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use regent_protocol::{Origin, WhyView};
use serde::Deserialize;

use crate::daemon::Daemon;
use crate::users;

/// A longer line is none of a refusal.
const LINE_MAX: u64 = 64 << 10;

#[derive(Deserialize)]
struct Line {
    event: String,
    at: String,
    #[serde(rename = "ref")]
    reference: Option<String>,
    socket: Option<String>,
    uid: Option<u32>,
    gid: Option<u32>,
    pid: Option<i32>,
    operation: Option<String>,
    outcome: Option<String>,
}

/// The last record of this reference that tells of a refusal or a failure.
pub(crate) async fn in_log(daemon: &Daemon, reference: &str) -> Option<WhyView> {
    // What else could stand between quotes would be looked for in vain.
    if !reference.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return None;
    }
    let (path, reference) = (daemon.policy().config.audit.clone(), reference.to_owned());
    tokio::task::spawn_blocking(move || search(&path, &reference)).await.ok().flatten()
}

fn search(path: &Path, reference: &str) -> Option<WhyView> {
    let mut reader = BufReader::new(File::open(path).ok()?);
    let (needle, mut line, mut found) = (format!("\"ref\":\"{reference}\""), String::new(), None);
    loop {
        line.clear();
        let read = std::io::Read::take(&mut reader, LINE_MAX).read_line(&mut line);
        match read {
            Ok(1..) => {}
            _ => return found,
        }
        if line.contains(&needle) {
            found = explained(&line, reference).or(found);
        }
    }
}

fn explained(line: &str, reference: &str) -> Option<WhyView> {
    let line: Line = serde_json::from_str(line).ok()?;
    let refused = ["refused", "failed"].contains(&line.event.as_str());
    if !refused || line.reference.as_deref() != Some(reference) {
        return None;
    }
    let outcome = line.outcome.unwrap_or_default();
    let (said, why) = outcome.split_once(": ").unwrap_or((&outcome, ""));
    let uid = line.uid.unwrap_or(u32::MAX);
    Some(WhyView {
        reference: reference.to_owned(),
        at: line.at,
        requester: users::name_of(uid),
        from: Origin { socket: line.socket.unwrap_or_default(), uid, gid: line.gid.unwrap_or(u32::MAX), pid: line.pid },
        operation: line.operation,
        data: None,
        said: said.to_owned(),
        code: None,
        why: why.to_owned(),
        rule: None,
        allow: None,
    })
}
