//! What one compilation may cost. The limits only ever go down: what the spawner has set lower stays.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

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
    limits.into_iter().try_for_each(|(resource, most)| lower(resource, most))?;
    rustix::process::nice(NICENESS).map_err(|why| format!("cannot stand back: {why}"))?;
    rustix::thread::set_no_new_privs(true).map_err(|why| format!("cannot set no_new_privs: {why}"))?;
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
        .map_err(|why| format!("cannot become undumpable: {why}"))
}

fn lower(resource: Resource, most: u64) -> Result<(), String> {
    let now = getrlimit(resource);
    let limit = Some(now.current.map_or(most, |now| now.min(most)));
    setrlimit(resource, Rlimit { current: limit, maximum: limit })
        .map_err(|why| format!("cannot limit {resource:?}: {why}"))
}
