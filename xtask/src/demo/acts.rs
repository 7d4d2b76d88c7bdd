//! What is said, in order; each reply is compared with what it should be.

use std::fs;

use serde_json::{Value, json};

use super::files;
use super::props::Props;
use super::stage::{APPROVER, SECRET, Stage};
use super::talk::{Said, Talk};
use crate::error::{At, Error, Result};
use crate::run::Run;

/// `regent`'s numbers; see `regent --help`.
const DONE: i32 = 0;
const FAILED: i32 = 1;
const REFUSED: i32 = 77;
/// Seconds for a reply; the client of 2022 gives up after 5.
const WAIT: u32 = 4;
const OPENED: &str = "8.8.8.8";
const NEVER_OPENED: &str = "8.8.4.4";

/// A held operation, by both its handles.
pub(super) struct Held {
    /// The requester's, which can never approve.
    uid: String,
    /// The approvers', which never passes through the requester.
    id: String,
}

pub(super) fn whoami(talk: &Talk, stage: &Stage) -> Result<()> {
    let user = Run::new("id").arg("-un").text()?;
    let user = user.trim();
    say("whoami, by the unchanged Python client of 2022", "one granted command, planned by a WebAssembly operation");
    expect(&talk.python(SECRET, "whoami", Value::Null)?, &json!({"success": true, "uid": null, "data": user}))?;
    say("whoami, by `regent call`", "the same over the same wire");
    let said = talk.requester(&["call", "whoami"])?;
    ended(&said, DONE, user)?;
    say("What ran", "from the audit log, shortened: a record before, and one after");
    let records = audit(stage, "whoami")?;
    for record in records.iter().rev().take(2).rev() {
        println!("  {record}");
    }
    let events: Vec<_> = records.iter().filter_map(|record| record["event"].as_str()).collect();
    expect(&json!(events), &json!(["performing", "done", "performing", "done"]))?;
    records.iter().filter(|record| record["event"] == "performing").try_for_each(|record| expect(&record["plan"], &json!([["/usr/bin/whoami"]])))
}

pub(super) fn wrong_secret(talk: &Talk) -> Result<()> {
    say("A wrong secret", "answered after a second, which delays nobody else");
    refused(&talk.python("wrong", "whoami", Value::Null)?, "Permission denied", "denied")
}

pub(super) fn refused_address(talk: &Talk, stage: &Stage) -> Result<()> {
    say("An address that is not public", "refused by the operation; the grant's own type would not take it either");
    let reply = talk.python(SECRET, "open", json!({"ip": "10.0.0.1", "port": 22}))?;
    refused(&reply, "Invalid data: IP not allowed", "invalid-data")?;
    nothing_ran(stage)
}
