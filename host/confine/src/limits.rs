//! Resources, which only ever go down: what the spawner has set lower stays. And the right to gain rights.

use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};

/// Lowers a limit, soft and hard.
///
/// # Errors
/// What the kernel says, with the resource.
pub fn lower(resource: Resource, most: u64) -> Result<(), String> {
    let now = getrlimit(resource);
    let limit = Some(now.current.map_or(most, |now| now.min(most)));
    setrlimit(resource, Rlimit { current: limit, maximum: limit })
        .map_err(|why| format!("cannot limit {resource:?}: {why}"))
}

/// From here on no exec and no file gives a right, and nobody without rights over root looks into this process.
///
/// # Errors
/// What the kernel says.
pub fn give_up() -> Result<(), String> {
    rustix::thread::set_no_new_privs(true).map_err(|why| format!("cannot set no_new_privs: {why}"))?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(|why| format!("cannot become undumpable: {why}"))
}
