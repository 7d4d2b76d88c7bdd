//! The audit log as a start finds it, whatever is in the file: it is added to or refused, nothing of it is lost, and
//! what is added goes on from the last whole record. `regent why` reads it line by line.

use std::sync::Arc;

use regent_protocol::{Ask, Data, Line};
use regentd::kept::audit::{Audit, Kept, Mark};
use regentd::kept::event::{Event, EventKind};
use regentd::why::log;
use sha2::{Digest as _, Sha256};

use crate::medium::Medium;

/// The target.
pub fn read(bytes: &[u8]) {
    asked(bytes);
    let medium = Medium::new(bytes);
    let open = || Audit::open(Arc::<Medium>::clone(&medium), "boot".into());
    let Ok(mut audit) = open() else {
        // Refused as it is, or after a torn line was closed.
        return assert!(medium.bytes().starts_with(bytes));
    };
    let (found, data) = (medium.bytes(), data(bytes));
    assert!(found.starts_with(bytes) && (found.is_empty() || found.ends_with(b"\n")));
    let event = Event { hold: Some("*"), data: data.as_ref(), ..Event::of(EventKind::Hold) };
    let mark = audit.append(&event).expect("memory takes it");
    let after = medium.bytes();
    let line = after.strip_prefix(found.as_slice()).and_then(|line| line.strip_suffix(b"\n")).expect("one more line");
    assert!(line.iter().all(|byte| byte.is_ascii() && !byte.is_ascii_control()), "a terminal would obey it");
    chained(&found, line, &mark);
    let since = audit.since(&mark).expect("memory is read");
    assert_eq!(since.map(|records| records.len()), Some(1));
    assert_eq!(audit.end(), after.len() as u64);
    assert_eq!(open().map(|audit| audit.end()).ok(), Some(audit.end()), "what was written is read again");
    from_the_start(&audit, &after);
}

/// The last record goes on from the one before it, if that is one.
fn chained(found: &[u8], line: &[u8], mark: &Mark) {
    let kept: Kept = serde_json::from_slice(line).expect("a record");
    assert_eq!((kept.seq, mark.offset), (mark.number, found.len() as u64));
    assert_eq!(<[u8; 32]>::from(Sha256::digest(line)), mark.hash);
    let before = found.strip_suffix(b"\n").map(|lines| lines.rsplit(|byte| *byte == b'\n').next().unwrap_or_default());
    let hash = |line: &[u8]| Sha256::digest(line).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    match before {
        Some(before) => assert_eq!(kept.prev, hash(before)),
        None => assert_eq!((kept.seq, kept.prev), (1, "0".repeat(64))),
    }
}

/// From the first line on, if that is a record, every record is there in its order.
fn from_the_start(audit: &Audit, all: &[u8]) {
    let first = all.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if serde_json::from_slice::<Kept>(first).is_err() {
        return;
    }
    let mark = Mark { number: 0, hash: Sha256::digest(first).into(), offset: 0 };
    let lines = all.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Kept>(line).ok());
    let found = audit.since(&mark).expect("memory is read").expect("the first line is there");
    assert!(found.into_iter().map(|(_, kept)| kept).eq(lines));
}

/// What a requester may have sent: the log's own first line.
fn data(bytes: &[u8]) -> Option<Data> {
    let first = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = [br#"{"secret":"s","op":"o","data":"#, first, b"}"].concat();
    match Line::read(&line).ok()?.request().ok()?.ask {
        Ask::Operation { data, .. } => Some(data),
        _ => None,
    }
}

/// Of a reference that is asked about, only a whole line tells.
fn asked(bytes: &[u8]) {
    if let Some(view) = log::search(bytes, "abcdefgh").explained() {
        assert_eq!(view.reference, "abcdefgh");
        let by = |line: &[u8]| line.windows(10).any(|word| word == b"\"abcdefgh\"");
        assert!(bytes.split(|byte| *byte == b'\n').any(by));
    }
}
