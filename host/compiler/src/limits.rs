//! What one compilation may cost.

use rustix::process::Resource;

/// Processor time in seconds. A Python plugin of 18 MB takes 5 s.
const PROCESSOR: u64 = 30;
/// Address space in bytes. The same plugin takes 456 MiB.
const MEMORY: u64 = 2 << 30;
/// How far it stands back for whoever serves a request meanwhile: nobody waits for a compiler as for an answer.
const NICENESS: i32 = 15;
/// Descriptors: the three that there are, and their copies.
const DESCRIPTORS: u64 = 8;

/// Takes the limits, and the right to ever gain a right.
pub(crate) fn take() -> Result<(), String> {
    let limits =
        [(Resource::Cpu, PROCESSOR), (Resource::As, MEMORY), (Resource::Nofile, DESCRIPTORS), (Resource::Core, 0)];
    limits.into_iter().try_for_each(|(resource, most)| regent_confine::lower(resource, most))?;
    rustix::process::nice(NICENESS).map_err(|why| format!("cannot stand back: {why}"))?;
    regent_confine::give_up()
}
