//! `docs/reference/audit-log.md` and the code name the same fields and words.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::collections::BTreeSet;
use std::sync::Arc;

use regent_protocol::{Code, Data, RuleView, Serving, State};
use regentd::kept::audit::Audit;
use regentd::kept::event::{Event, EventKind, Recovery};
use regentd::kept::medium::OnDisk;
use regentd::record::reason::{BoundField, Decider, VoidWord};
use regentd::record::why::ReasonWord;
use serde::Serialize;
use strum::IntoEnumIterator;

const PAGE: &str = include_str!("../../../docs/reference/audit-log.md");

/// The words in the first column of the table below this heading.
fn documented(heading: &str) -> BTreeSet<String> {
    let section = PAGE.split("\n## ").find(|section| section.lines().next() == Some(heading)).unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    rows.map(|(word, _)| word.to_owned()).collect()
}

/// Every word of an enum, as the log has it.
fn words<T: IntoEnumIterator + Serialize>() -> BTreeSet<String> {
    T::iter().map(|word| serde_json::to_value(word).unwrap().as_str().unwrap().to_owned()).collect()
}

fn without(mut words: BTreeSet<String>, never_written: &str) -> BTreeSet<String> {
    assert!(words.remove(never_written), "{never_written}");
    words
}

/// A record with every field. A field that is added to `Event` has to be added here.
fn record_with_every_field() -> serde_json::Value {
    let rule = RuleView { file: "f".into(), line: Some(1), rule: "r".into() };
    let decider = Decider { person: Some("anna".into()), uid: 1 };
    let event = Event {
        event: EventKind::Hold,
        hold: Some("*"),
        state: Some(State::Held),
        reference: Some("abcdefgh"),
        socket: Some("web"),
        uid: Some(1),
        gid: Some(1),
        pid: Some(1),
        operation: Some("open"),
        data: Some(&Data::null()),
        plugin: Some("firewall"),
        serving: Some(Serving::Serving),
        operations: Some(&["open"]),
        module: Some("00"),
        plan: Some(&[]),
        decider: Some(&decider),
        code: Some(Code::Failed),
        said: Some("said"),
        reason: Some(ReasonWord::Host),
        command: Some("reload"),
        exit_status: Some(1),
        signal: Some(9),
        cause: Some(VoidWord::Plan),
        field: Some(BoundField::Plan),
        why: Some("why"),
        rule: Some(&rule),
        recovery: Some(&Recovery::default()),
        version: Some("0.1.0"),
        bytes: Some(1),
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    Audit::open(Arc::new(OnDisk::open(&path).unwrap()), "boot".into()).unwrap().append(&event).unwrap();
    serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap()
}

#[test]
fn every_field_is_documented_and_no_other() {
    let record = record_with_every_field();
    let fields: BTreeSet<String> = record.as_object().unwrap().keys().cloned().collect();
    assert_eq!(documented("Fields"), fields);
}

#[test]
fn every_event_is_documented_and_no_other() {
    assert_eq!(documented("Events"), without(words::<EventKind>(), "unknown"));
}

#[test]
fn every_state_is_documented_and_no_other() {
    let states = documented("States");
    assert!(states.iter().all(|word| State::of_word(word).is_some()), "{states:?}");
    // No state is missing from this list, or it does not compile.
    let every = |state: State| match state {
        State::Held | State::Approved | State::Performing | State::Done | State::Failed => 10,
        State::Denied | State::Expired | State::Void | State::Cancelled | State::Interrupted => 10,
    };
    assert_eq!(states.len(), every(State::Held));
}

#[test]
fn every_code_is_documented_and_no_other() {
    assert_eq!(documented("Codes"), Code::ALL.iter().map(ToString::to_string).collect());
}

#[test]
fn every_reason_is_documented_and_no_other() {
    assert_eq!(documented("Reasons"), without(words::<ReasonWord>(), "unsaid"));
}

#[test]
fn every_cause_is_documented_and_no_other() {
    assert_eq!(documented("Causes"), words::<VoidWord>());
}

#[test]
fn every_field_of_a_consent_is_documented_and_no_other() {
    assert_eq!(documented("Fields of a consent"), words::<BoundField>());
}
