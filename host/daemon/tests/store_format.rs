//! A store of another format is refused, with what to do, and is left as it was.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::path::Path;

use redb::{Database, TableDefinition};
use regentd::kept::store::{Store, StoreError};

const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");

/// Changes what the store says of itself.
fn rewrite(path: &Path, format: Option<u32>) {
    let database = Database::open(path).unwrap();
    let change = database.begin_write().unwrap();
    {
        let mut meta = change.open_table(META).unwrap();
        match format {
            Some(format) => drop(meta.insert("format", format.to_le_bytes().as_slice()).unwrap()),
            None => drop(meta.remove("format").unwrap()),
        }
    }
    change.commit().unwrap();
}

#[test]
fn store_of_another_format_is_refused_and_kept() {
    // Format 1 did not name itself; format 3 is of a later version.
    for (format, named) in [(None, "has format 1,"), (Some(3), "has format 3,")] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("holds.redb");
        Store::open_at(&path).unwrap().instance().unwrap();
        rewrite(&path, format);
        let before = std::fs::read(&path).unwrap();
        let error = Store::open_at(&path).unwrap_err();
        assert!(matches!(error, StoreError::OtherFormat(found) if found == format.unwrap_or(1)), "{error}");
        let text = error.to_string();
        assert!(
            text.contains(named) && text.contains("reads format 2") && text.contains("move this file away"),
            "{text}"
        );
        assert!(std::fs::read(&path).unwrap() == before, "the file is as it was");
    }
}

#[test]
fn store_of_this_format_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("holds.redb");
    let made = Store::open_at(&path).unwrap().instance().unwrap();
    assert_eq!(Store::open_at(&path).unwrap().instance().unwrap(), made);
}
