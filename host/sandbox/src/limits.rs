//! What one instance may use of memory and time. Both ends are faults of the plugin, worded for its author.

use std::time::{Duration, Instant};

use regent_lane::{Blame, EXCHANGE_WALL, GUEST_MEMORY, GUEST_RUNNING};
use rustix::time::{ClockId, clock_gettime};
use wasmtime::ResourceLimiter;

use crate::fault::Broken;

/// Elements of all tables together. A Python plugin has 5,674.
const TABLE_ELEMENTS: usize = 20_000;
/// Core instances within a component. A Python plugin has more than 33.
const INSTANCES: usize = 64;
/// Memories. A JavaScript plugin has 3.
const MEMORIES: usize = 8;
/// Tables, likewise.
const TABLES: usize = 64;

/// Memory of one instance: all its memories together count, and so do all its tables.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    used: usize,
    elements: usize,
}

/// With a tenth, rounded up, so that what is above a limit never reads as the limit.
fn mebibytes(bytes: usize) -> String {
    let tenths = bytes.saturating_mul(10).div_ceil(1 << 20);
    format!("{}.{}", tenths / 10, tenths % 10)
}

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let used = self.used.saturating_sub(current).saturating_add(desired);
        if used > GUEST_MEMORY {
            return Err(too_much(format!(
                "it wanted {} MiB; the limit is {} MiB",
                mebibytes(used),
                GUEST_MEMORY >> 20
            )));
        }
        self.used = used;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        // The memory's own maximum, most often. The plugin is told so by memory.grow, as everywhere.
        Ok(())
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let elements = self.elements.saturating_sub(current).saturating_add(desired);
        if elements > TABLE_ELEMENTS {
            return Err(too_much(format!("it wanted {elements} elements of tables; the limit is {TABLE_ELEMENTS}")));
        }
        self.elements = elements;
        Ok(true)
    }

    fn instances(&self) -> usize {
        INSTANCES
    }

    fn tables(&self) -> usize {
        TABLES
    }

    fn memories(&self) -> usize {
        MEMORIES
    }
}

fn too_much(text: String) -> wasmtime::Error {
    Broken { blame: Blame::Memory, text }.into()
}

/// Time of one exchange: the processor time of the lane's thread, which does not pass while it waits for the daemon or
/// for a processor, and the time on the wall.
#[derive(Debug)]
pub(crate) struct Time {
    running_since: Duration,
    since: Instant,
}

impl Time {
    /// From now.
    pub(crate) fn begin() -> Self {
        Self { running_since: thread_time(), since: Instant::now() }
    }

    /// An error once either has run out.
    pub(crate) fn check(&self) -> Result<(), Broken> {
        let (ran, took) = (thread_time().saturating_sub(self.running_since), self.since.elapsed());
        let text = if ran > GUEST_RUNNING {
            format!("it ran for {} ms; the limit is {} ms", ran.as_millis(), GUEST_RUNNING.as_millis())
        } else if took > EXCHANGE_WALL {
            format!("it took {} ms in all; the limit is {} ms", took.as_millis(), EXCHANGE_WALL.as_millis())
        } else {
            return Ok(());
        };
        Err(Broken { blame: Blame::Time, text })
    }
}

fn thread_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}
