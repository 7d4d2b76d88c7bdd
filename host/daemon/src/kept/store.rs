//! The store of holds: a redb file in which every change is one synced transaction.
//!
//! A hold is written as JSON, so that a later version can read it. Nothing here decides: each change is compare-and-set
//! on the hold's version, and what the change means was settled before.

use std::path::Path;
use std::sync::Arc;

use redb::{
    AccessGuard, Database, ReadOnlyDatabase, ReadableDatabase as _, ReadableTable as _, ReadableTableMetadata as _,
    StorageBackend, TableDefinition, WriteTransaction,
};

use super::audit::{Mark, NotLogged};
use super::medium::OnDisk;
use crate::record::hold::{Handle, Hold, HoldId};

const HOLDS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("holds");
const HANDLES: TableDefinition<'_, [u8; 32], &str> = TableDefinition::new("handles");
const KEYS: TableDefinition<'_, [u8; 32], &str> = TableDefinition::new("keys");
const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
pub(super) const ENDINGS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("endings");
const SANDBOXES: TableDefinition<'_, &str, u32> = TableDefinition::new("sandboxes");

/// The format of what is stored. It rises with each change that an older daemon could not read, or this one not of an
/// older.
const FORMAT: u32 = 2;
/// Format 1 did not say so.
const FORMAT_UNSAID: u32 = 1;

/// redb's cache: a hold is small and read seldom.
const CACHE: usize = 4 << 20;

#[derive(Debug)]
pub struct Store {
    pub(super) database: Database,
}
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The hold is not as the change was made for: read it again.
    #[error("the hold has changed meanwhile")]
    Conflict,
    /// The file or the disk failed. After a failed sync nothing is known of what was written, so the process must end.
    #[error("the store failed: {0}")]
    Lost(Box<redb::Error>),
    /// A hold in the store is none that this version can read.
    #[error("a hold in the store cannot be read: {0}")]
    Unreadable(serde_json::Error),
    /// The file is of this format, which this version does not read.
    #[error(
        "has format {0}, and this regentd reads format {FORMAT}. With the other regentd, decide or cancel what is held, \
         and stop it. Then move this file away and start again. Holds, results and keys in it are lost; the audit log \
         continues"
    )]
    OtherFormat(u32),
    /// The audit log took no record of the change, so it was not made. All that was written before is as it was.
    #[error("{0}")]
    NotLogged(NotLogged),
}

impl<E: Into<redb::Error>> From<E> for StoreError {
    fn from(why: E) -> Self {
        Self::Lost(Box::new(why.into()))
    }
}

/// A medium shared with the store, since redb wants one of its own.
#[derive(Debug)]
struct Shared(Arc<dyn StorageBackend>);

impl StorageBackend for Shared {
    fn len(&self) -> std::io::Result<u64> {
        self.0.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> std::io::Result<()> {
        self.0.read(offset, out)
    }
    fn set_len(&self, len: u64) -> std::io::Result<()> {
        self.0.set_len(len)
    }
    fn sync_data(&self) -> std::io::Result<()> {
        self.0.sync_data()
    }
    fn write(&self, offset: u64, data: &[u8]) -> std::io::Result<()> {
        self.0.write(offset, data)
    }
}

impl Store {
    /// Opens the store in a folder of the daemon's own, or makes it. It is made under another name first: a file that
    /// was half made when the power went is none that can be repaired.
    pub fn open_at(path: &Path) -> Result<Self, StoreError> {
        if !path.exists() {
            let made = path.with_extension("new");
            let _half_made = std::fs::remove_file(&made);
            drop(Self::open(Arc::new(OnDisk::open(&made)?))?);
            std::fs::rename(&made, path)?;
        }
        // Read before it is opened for writing, so that a store that is refused stays as it was. One that was not
        // closed cannot be read so: it is repaired first.
        if let Ok(before) = ReadOnlyDatabase::open(path) {
            check_format(before.begin_read()?.open_table(META)?.get("format")?)?;
        }
        Self::open(Arc::new(OnDisk::open(path)?))
    }

    /// Opens the store, or makes it in an empty medium.
    ///
    /// # Errors
    /// [`StoreError::Lost`]: the file is none of ours, or damaged beyond what a crash can do.
    /// [`StoreError::OtherFormat`].
    pub fn open(medium: Arc<dyn StorageBackend>) -> Result<Self, StoreError> {
        let mut builder = Database::builder();
        builder.set_cache_size(CACHE);
        let database = builder.create_with_backend(Shared(medium))?;
        let store = Self { database };
        store.change(|change| {
            change.open_table(HOLDS)?;
            change.open_table(HANDLES)?;
            change.open_table(KEYS)?;
            settle_format(&mut change.open_table(META)?)?;
            change.open_table(SANDBOXES)?;
            change.open_table(ENDINGS)?;
            Ok(())
        })?;
        Ok(store)
    }

    /// A transaction that is whole and synced when committed: two phases, since what a client chose stands in the file
    /// and redb's checksums are not cryptographic; and quick repair, so that a start after a crash need not read it
    /// all.
    pub(super) fn change<T>(
        &self,
        make: impl FnOnce(&WriteTransaction) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut change = self.database.begin_write()?;
        change.set_two_phase_commit(true);
        change.set_quick_repair(true);
        let made = make(&change)?;
        change.commit()?;
        Ok(made)
    }

    /// The random name of this state folder, made at its first start.
    pub fn instance(&self) -> Result<String, StoreError> {
        if let Some(found) = self.meta("instance")? {
            return Ok(String::from_utf8_lossy(&found).into_owned());
        }
        let made = uuid::Uuid::new_v4().simple().to_string();
        self.change(|change| {
            change.open_table(META)?.insert("instance", made.as_bytes())?;
            Ok(made)
        })
    }

    /// The number of the uid that sandboxes of this plugin run as: the same after every restart.
    ///
    /// # Errors
    /// [`StoreError::Lost`]; `Ok(None)` when all of the range are taken.
    pub fn sandbox(&self, plugin: &str, range: u32) -> Result<Option<u32>, StoreError> {
        // Asked for every plugin at every start, and given once: nothing is written for those that have one.
        if let Some(number) = self.database.begin_read()?.open_table(SANDBOXES)?.get(plugin)? {
            return Ok(Some(number.value()).filter(|number| *number < range));
        }
        self.change(|change| {
            let mut table = change.open_table(SANDBOXES)?;
            let next = u32::try_from(table.iter()?.count()).unwrap_or(u32::MAX);
            if next < range {
                table.insert(plugin, next)?;
            }
            Ok((next < range).then_some(next))
        })
    }

    /// The audit record of the last transition that the store knows of.
    pub fn last_transition(&self) -> Result<Option<Mark>, StoreError> {
        self.meta("transition")?.map(|found| serde_json::from_slice(&found).map_err(StoreError::Unreadable)).transpose()
    }

    fn meta(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let read = self.database.begin_read()?;
        Ok(read.open_table(META)?.get(key)?.map(|found| found.value().to_vec()))
    }

    pub fn hold(&self, id: &HoldId) -> Result<Option<Hold>, StoreError> {
        let holds = self.database.begin_read()?.open_table(HOLDS)?;
        let Some(found) = holds.get(id.as_str())? else { return Ok(None) };
        parse(found.value()).map(Some)
    }

    /// Which hold the handle of its requester leads to. The store knows the hash alone.
    pub fn by_handle(&self, handle: &Handle) -> Result<Option<HoldId>, StoreError> {
        let handles = self.database.begin_read()?.open_table(HANDLES)?;
        Ok(handles.get(handle.hash())?.and_then(|found| HoldId::parse(found.value())))
    }

    /// A hold by the name that its requester gave it.
    pub fn by_key(&self, name: &[u8; 32]) -> Result<Option<Hold>, StoreError> {
        let keys = self.database.begin_read()?.open_table(KEYS)?;
        let Some(found) = keys.get(name)? else { return Ok(None) };
        HoldId::parse(found.value()).map_or(Ok(None), |id| self.hold(&id))
    }

    /// Every hold, by no order that means anything, and without its result: all of these together may be gigabytes.
    pub fn holds(&self) -> Result<Vec<Hold>, StoreError> {
        let read = self.database.begin_read()?;
        let table = read.open_table(HOLDS)?;
        let mut holds = Vec::new();
        for row in table.iter()? {
            holds.push(Hold { outcome: None, ..parse(row?.1.value())? });
        }
        Ok(holds)
    }

    /// Whether the hold is at this version (0: not there), so that a change made for it may be logged.
    pub fn expect(&self, id: &HoldId, version: u64) -> Result<(), StoreError> {
        let found = self.hold(id)?.map_or(0, |hold| hold.version);
        if found == version { Ok(()) } else { Err(StoreError::Conflict) }
    }

    /// Writes the next versions of holds, with the mark of the audit record that tells of them, and forgets others.
    ///
    /// # Errors
    /// [`StoreError::Lost`]: whether it was written is then unknown.
    pub fn commit(&self, next: &[Hold], mark: &Mark, forget: &[HoldId]) -> Result<(), StoreError> {
        let mark = serde_json::to_vec(mark).map_err(StoreError::Unreadable)?;
        self.change(|change| {
            insert(change, next)?;
            change.open_table(META)?.insert("transition", mark.as_slice())?;
            remove(change, forget)
        })
    }

    /// Forgets holds whose results have been kept long enough.
    pub fn forget(&self, ids: &[HoldId]) -> Result<(), StoreError> {
        self.change(|change| remove(change, ids))
    }
}

/// A new store has this version's format.
fn settle_format(meta: &mut redb::Table<'_, &str, &[u8]>) -> Result<(), StoreError> {
    if meta.is_empty()? {
        meta.insert("format", FORMAT.to_le_bytes().as_slice())?;
    }
    check_format(meta.get("format")?)
}

fn check_format(found: Option<AccessGuard<'_, &[u8]>>) -> Result<(), StoreError> {
    let of = |found: AccessGuard<'_, &[u8]>| found.value().try_into().map_or(0, u32::from_le_bytes);
    match found.map_or(FORMAT_UNSAID, of) {
        FORMAT => Ok(()),
        other => Err(StoreError::OtherFormat(other)),
    }
}

fn insert(change: &WriteTransaction, holds: &[Hold]) -> Result<(), StoreError> {
    let mut records = change.open_table(HOLDS)?;
    let mut handles = change.open_table(HANDLES)?;
    let mut keys = change.open_table(KEYS)?;
    for hold in holds {
        let record = hold.record().map_err(StoreError::Unreadable)?;
        records.insert(hold.id.as_str(), record.as_slice())?;
        handles.insert(hold.handle.hash(), hold.id.as_str())?;
        if let Some(key) = &hold.key {
            keys.insert(key.name, hold.id.as_str())?;
        }
    }
    Ok(())
}

fn remove(change: &WriteTransaction, ids: &[HoldId]) -> Result<(), StoreError> {
    let mut holds = change.open_table(HOLDS)?;
    let mut handles = change.open_table(HANDLES)?;
    let mut keys = change.open_table(KEYS)?;
    for id in ids {
        let found = holds.remove(id.as_str())?.map(|found| parse(found.value())).transpose()?;
        if let Some(hold) = found {
            handles.remove(hold.handle.hash())?;
            if let Some(key) = &hold.key {
                keys.remove(key.name)?;
            }
        }
    }
    Ok(())
}

fn parse(record: &[u8]) -> Result<Hold, StoreError> {
    Hold::parse(record).map_err(StoreError::Unreadable)
}
