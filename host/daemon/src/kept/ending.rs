//! What nobody may live to see the end of: an immediate operation that ends the host. It is on record as begun, and
//! noted in the store until its end is on record too. A start that finds such a note closes the record.
//!
//! The note is stored before the command runs and forgotten after its end is on the disk, so a crash leaves the note
//! and at most both; the log is what tells whether the end is there.

use redb::{ReadableDatabase as _, ReadableTable as _};
use serde::{Deserialize, Serialize};

use super::audit::Mark;
use super::store::{ENDINGS, Store, StoreError};

/// An immediate operation that has begun and may take the host with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    pub began: Mark,
    pub reference: String,
    pub socket: String,
    pub uid: u32,
    pub gid: u32,
    pub operation: String,
    /// Whether to end the host is all that it does.
    pub only: bool,
    pub boot: String,
}

/// An operation whose record a start has closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    pub reference: String,
    pub operation: String,
    /// Whether the host has ended, as it was to. If not, nobody knows how far it came.
    pub done: bool,
}

impl Ending {
    pub fn parse(record: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(record)
    }

    pub fn record(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }
}

impl Store {
    pub fn note_ending(&self, ending: &Ending) -> Result<(), StoreError> {
        let note = ending.record().map_err(StoreError::Unreadable)?;
        self.change(|change| {
            change.open_table(ENDINGS)?.insert(ending.reference.as_str(), note.as_slice())?;
            Ok(())
        })
    }

    pub fn forget_ending(&self, reference: &str) -> Result<(), StoreError> {
        self.change(|change| {
            change.open_table(ENDINGS)?.remove(reference)?;
            Ok(())
        })
    }

    pub fn endings(&self) -> Result<Vec<Ending>, StoreError> {
        let table = self.database.begin_read()?.open_table(ENDINGS)?;
        table.iter()?.map(|row| Ending::parse(row?.1.value()).map_err(StoreError::Unreadable)).collect()
    }
}
