//! A disk that forgets: when the power goes, what was written since the last sync is kept, dropped or torn.

use std::io;
use std::sync::{Arc, Mutex};

use redb::StorageBackend;

/// What becomes of the writes that were not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unsynced {
    Kept,
    Dropped,
    /// Some whole, some in part, some not at all, by this seed.
    Torn(u64),
}

/// When the power goes: counted over both files.
#[derive(Debug)]
pub(crate) struct Power {
    pub(crate) syncs_left: Option<usize>,
    pub(crate) syncs: usize,
    pub(crate) out: bool,
}

#[derive(Debug)]
pub(crate) struct Medium {
    power: Arc<Mutex<Power>>,
    state: Mutex<Bytes>,
}

#[derive(Debug, Default, Clone)]
struct Bytes {
    durable: Vec<u8>,
    now: Vec<u8>,
    unsynced: Vec<Change>,
}

#[derive(Debug, Clone)]
enum Change {
    Length(usize),
    Write(usize, Vec<u8>),
}

fn power_is_out() -> io::Error {
    io::Error::other("the power is out")
}

impl Medium {
    pub(crate) fn new(power: &Arc<Mutex<Power>>, durable: Vec<u8>) -> Arc<Self> {
        let bytes = Bytes { now: durable.clone(), durable, unsynced: Vec::new() };
        Arc::new(Self { power: Arc::clone(power), state: Mutex::new(bytes) })
    }

    fn alive(&self) -> io::Result<()> {
        if self.power.lock().unwrap().out { Err(power_is_out()) } else { Ok(()) }
    }

    /// What a start finds.
    pub(crate) fn after(&self, unsynced: Unsynced) -> Vec<u8> {
        let state = self.state.lock().unwrap().clone();
        let mut bytes = state.durable;
        let mut random = match unsynced {
            Unsynced::Dropped => return bytes,
            Unsynced::Kept => None,
            Unsynced::Torn(seed) => Some(seed),
        };
        for change in state.unsynced {
            match (change, &mut random) {
                (change, None) => apply(&mut bytes, &change),
                (Change::Length(length), Some(seed)) => {
                    if next(seed).is_multiple_of(2) {
                        apply(&mut bytes, &Change::Length(length));
                    }
                }
                (Change::Write(at, data), Some(seed)) => {
                    let part = match next(seed) % 3 {
                        0 => 0,
                        1 => data.len(),
                        _ => usize::try_from(next(seed)).unwrap() % (data.len() + 1),
                    };
                    apply(&mut bytes, &Change::Write(at, data[..part].to_vec()));
                }
            }
        }
        bytes
    }
}

fn next(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *seed >> 33
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Length(length) => bytes.resize(*length, 0),
        Change::Write(_, data) if data.is_empty() => {}
        Change::Write(at, data) => {
            if bytes.len() < at + data.len() {
                bytes.resize(at + data.len(), 0);
            }
            bytes[*at..at + data.len()].copy_from_slice(data);
        }
    }
}

impl StorageBackend for Medium {
    fn len(&self) -> io::Result<u64> {
        self.alive()?;
        Ok(self.state.lock().unwrap().now.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.alive()?;
        let state = self.state.lock().unwrap();
        let from = usize::try_from(offset).unwrap();
        let found = state.now.get(from..from + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(found);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.change(Change::Length(usize::try_from(len).unwrap()))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.alive()?;
        let mut power = self.power.lock().unwrap();
        power.syncs += 1;
        if power.syncs_left == Some(0) {
            power.out = true;
            return Err(power_is_out());
        }
        power.syncs_left = power.syncs_left.map(|left| left - 1);
        let mut state = self.state.lock().unwrap();
        state.durable = state.now.clone();
        state.unsynced.clear();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.change(Change::Write(usize::try_from(offset).unwrap(), data.to_vec()))
    }
}

impl Medium {
    fn change(&self, change: Change) -> io::Result<()> {
        self.alive()?;
        let mut state = self.state.lock().unwrap();
        apply(&mut state.now, &change);
        state.unsynced.push(change);
        Ok(())
    }
}
