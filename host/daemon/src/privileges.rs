//! What a daemon that root started gives away before it reads anything, and a trial before it reads what a stranger
//! wrote: everything. What needs root's rights from then on it asks of its spawner.

use std::error::Error;

use nix::unistd::{Gid, Uid, setgroups, setresgid, setresuid};
use regent_spawner::Ids;
use rustix::io::Errno;
use rustix::process::{Signal, set_parent_process_death_signal};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, remove_capability_from_bounding_set, set_capabilities,
    set_no_new_privs,
};

use crate::hardening::{self, HardeningError};
use crate::system_calls;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    Own,
    /// Whoever started it, killed at that moment: what somebody else's module says may have taken it over.
    Starters,
}

/// Everything, before there is a second thread; returns what of it this machine does not let it give.
pub fn give_away(user: Option<&Ids>, life: Life) -> Result<Vec<String>, HardeningError> {
    if let Some(user) = user {
        become_user(user)?;
        // The kernel has undone it with the change of user.
        hardening::keep_to_itself()?;
    }
    // That too would be undone by it.
    if life == Life::Starters {
        let set = set_parent_process_death_signal(Some(Signal::KILL));
        set.map_err(|why| HardeningError::new("to end with its starter", why))?;
    }
    set_no_new_privs(true).map_err(|why| HardeningError::new("no new privileges", why))?;
    let filtered = system_calls::keep();
    Ok(filtered.err().map(|why| format!("regentd may make any system call: {why}")).into_iter().collect())
}

/// Becomes this user with these groups, for good, and sees that nothing is left.
pub fn become_user((uid, gid, groups): &Ids) -> Result<(), HardeningError> {
    let failed = |step: &str, why: Box<dyn Error>| HardeningError::new(format!("cannot become uid {uid}: {step}"), why);
    empty_bounding_set().map_err(|why| failed("bounding set", why.into()))?;
    let groups: Vec<_> = groups.iter().copied().map(Gid::from_raw).collect();
    let (uid, gid) = (Uid::from_raw(*uid), Gid::from_raw(*gid));
    setgroups(&groups).map_err(|why| failed("groups", why.into()))?;
    setresgid(gid, gid, gid).map_err(|why| failed("group", why.into()))?;
    setresuid(uid, uid, uid).map_err(|why| failed("user", why.into()))?;
    let none = CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    set_capabilities(None, none).map_err(|why| failed("capabilities", why.into()))?;
    if capabilities(None) != Ok(none) || Uid::effective() != uid || setresuid(uid, Uid::from_raw(0), uid).is_ok() {
        return Err(failed("user", "the kernel did not let go of root's rights".into()));
    }
    Ok(())
}

/// Every kernel that has Landlock knows so many capabilities and more: CAP_AUDIT_READ, of Linux 3.16.
const LAST_OF_OLD: u32 = 37;

fn empty_bounding_set() -> Result<(), Errno> {
    for number in 0..u64::BITS {
        match remove_capability_from_bounding_set(CapabilitySet::from_bits_retain(1 << number)) {
            Ok(()) => {}
            // The first number that is no capability of this kernel.
            Err(Errno::INVAL) if number > LAST_OF_OLD => return Ok(()),
            Err(why) => return Err(why),
        }
    }
    Ok(())
}
