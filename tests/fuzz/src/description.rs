//! What `describe` of a plugin returned, whatever it exports: what serves can be told to callers, and what does not is
//! told to the administrator.

use regent_lane::{Export, TEXT_MAX};
use regent_protocol::{Data, OperationView};
use regentd::plugin::description::Description;

use crate::cost;

/// An operation of a dozen bytes takes its name twice, its texts, and a place in a list and in a map.
const TIMES: usize = 200;
const BESIDE: usize = 4 << 10;
const EXPORTS: [Export; 4] = [Export::Authorising, Export::Judging, Export::Performing, Export::Finishing];

/// The target.
pub fn read(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let with = |exports: &[Export]| cost::within(bytes, TIMES, BESIDE, || Description::read(text, exports));
    let (all, none) = (with(&EXPORTS), with(&[]));
    match (&all, &none) {
        (Ok(all), Ok(none)) => assert!(all.names().eq(none.names())),
        (Err(_), Ok(_)) => panic!("what serves without an export does not with it"),
        _ => {}
    }
    for read in [all, none] {
        match read {
            Ok(description) => offered(&description),
            Err(reasons) => assert!(!reasons.is_empty() && reasons.iter().all(|reason| !reason.is_empty())),
        }
    }
}

/// All its operations can be told in one list, which can be read.
fn offered(description: &Description) {
    let names: Vec<&str> = description.names().collect();
    assert!(names.len() <= 256);
    let views = names.iter().map(|name| {
        let operation = description.operation(name).expect("it has what it names");
        assert!(operation.summary.len() <= TEXT_MAX);
        let schema = Data::parse(&operation.schema).expect("a schema is JSON");
        OperationView { operation: (*name).to_owned(), summary: operation.summary.clone(), schema, steps: Vec::new() }
    });
    let list = serde_json::to_string(&views.collect::<Vec<_>>()).expect("a list can be written");
    assert!(Data::parse(&list).is_ok(), "the list cannot be read: {list}");
}
