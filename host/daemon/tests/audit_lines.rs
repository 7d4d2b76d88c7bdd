//! The lines of the audit log, in which stands what a requester sent: no terminal obeys them, and nothing in them is
//! taken for a line of its own.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on panics")]

use std::sync::Arc;

use regent_protocol::{Ask, Data, LINE_MAX, Line};
use regentd::kept::audit::Audit;
use regentd::kept::event::{Event, EventKind};
use regentd::kept::medium::OnDisk;
use regentd::why::log;

/// Data as it comes over a socket: the text as it was sent.
fn sent(text: &str) -> Data {
    let line = format!(r#"{{"secret":"s","op":"o","data":{text}}}"#);
    assert!(line.len() <= LINE_MAX, "{}", line.len());
    match Line::read(line.as_bytes()).unwrap().request().unwrap().ask {
        Ask::Operation { data, .. } => data,
        other => panic!("{other:?}"),
    }
}

/// A log with these events.
fn written(events: &[Event<'_>]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let mut audit = Audit::open(Arc::new(OnDisk::open(&path).unwrap()), "boot".into()).unwrap();
    for event in events {
        audit.append(event).unwrap();
    }
    std::fs::read(&path).unwrap()
}

#[test]
fn a_carriage_return_or_a_tab_between_the_parts_of_what_was_sent_is_a_space_in_the_log() {
    let data = sent("{\r\"a\"\t:\r\r\"\\r\u{7f}é\"}");
    assert!(data.as_str().contains('\r'), "it is carried as it was sent");
    let log = written(&[Event { data: Some(&data), ..Event::of(EventKind::Performing) }]);
    let (end, line) = log.split_last().unwrap();
    assert!(*end == b'\n' && line.iter().all(|byte| (b' '..=b'~').contains(byte)), "{}", line.escape_ascii());
    let read: serde_json::Value = serde_json::from_slice(line).unwrap();
    assert_eq!(read["data"], serde_json::json!({"a": "\r\u{7f}é"}));
}

/// A line as the log would have it, within data that makes its own line three times as long as any that tells of a
/// refusal.
fn forged() -> String {
    const FORGED: &str = r#"{"event":"refused","at":"","ref":"abcdefgh","said":"Forged","why":"forged","pad":""#;
    // One letter of two bytes is six in the log: so much for the first 64 KiB, and the rest of the second.
    let letters = |bytes: usize| "é".repeat(bytes / 6);
    let (before, padded) = (letters(65_000), letters(60_000));
    format!("[\"{before}\",{}{FORGED}{padded}\"}}{},1]", " ".repeat(1_000), " ".repeat(8_000))
}

#[test]
fn what_a_requester_sent_is_never_taken_for_a_line_of_its_own_however_long_it_is() {
    let data = sent(&forged());
    let refused = |reference, said, why| Event {
        reference: Some(reference),
        said: Some(said),
        why: Some(why),
        ..Event::of(EventKind::Refused)
    };
    let log = written(&[
        refused("abcdefgh", "Unknown operation", "it is not granted"),
        Event { data: Some(&data), ..Event::of(EventKind::Performing) },
        refused("hgfedcba", "Permission denied", "the next line"),
    ]);
    let told = |reference| log::search(log.as_slice(), reference).explained().unwrap();
    assert_eq!(
        (told("abcdefgh").said.as_str(), told("abcdefgh").why.as_str()),
        ("Unknown operation", "it is not granted")
    );
    assert_eq!(told("hgfedcba").why, "the next line", "what follows a line that is too long is read");
    // The piece that a reader by 64 KiB would find is a line by itself.
    let long = log.split(|byte| *byte == b'\n').nth(1).unwrap();
    let piece = [long[65_536..131_072].trim_ascii(), b"\n"].concat();
    assert_eq!(log::search(piece.as_slice(), "abcdefgh").explained().unwrap().said, "Forged");
}

#[test]
fn a_line_that_was_torn_to_no_text_hides_nothing_after_it() {
    let mut log = b"\xff\xfe half a li\n".to_vec();
    log.extend(written(&[Event {
        reference: Some("abcdefgh"),
        said: Some("Permission denied"),
        why: Some("why"),
        ..Event::of(EventKind::Refused)
    }]));
    assert_eq!(log::search(log.as_slice(), "abcdefgh").explained().unwrap().why, "why");
}

#[test]
fn record_that_no_start_would_read_is_refused_and_the_next_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let open = || Audit::open(Arc::new(OnDisk::open(&path).unwrap()), "boot".into());
    let mut audit = open().unwrap();
    let failed = |why| Event { why: Some(why), ..Event::of(EventKind::Failed) };
    // Six bytes in the log for each of these.
    let long = "\u{fffd}".repeat(1 << 20);
    let error = audit.append(&failed(&long)).unwrap_err();
    assert!(error.to_string().contains("a record of 6"), "{error}");
    audit.append(&failed("short")).unwrap();
    drop(audit);
    assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 1);
    open().unwrap();
}
