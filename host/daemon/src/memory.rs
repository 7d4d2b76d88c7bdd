//! What is in this process' memory is for nobody else: no core is written of it, and whoever has its uid does not read it.

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// Closes it, before anything secret is in it, and again after a change of user: then the kernel makes it what
/// `fs.suid_dumpable` says, and with 2 of that a handler of cores is given one. What the daemon starts may be read again by whoever is the same user, and has the
/// limit of the core's size from it.
///
/// # Errors
/// What the kernel says.
pub fn keep_to_itself() -> Result<(), String> {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    setrlimit(Resource::Core, none).map_err(|why| format!("cannot forbid core dumps: {why}"))?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(|why| format!("cannot become undumpable: {why}"))
}
