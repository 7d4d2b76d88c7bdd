//! Landlock: no right to any file, to any port, or to a process outside, in whatever namespace that is.

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, CompatLevel, Compatible as _, Ruleset, RulesetAttr as _, RulesetStatus,
    Scope,
};
use regent_lane::{Demands, Layer};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use crate::Missing;

/// What every kernel with Landlock can take away (Linux 5.13): the least that is worth the name.
const LEAST: ABI = ABI::V1;
/// What the newest can. Of this as much as the kernel knows.
const NEWEST: ABI = ABI::V10;

/// Takes all of it away for ever, and looks whether that holds.
///
/// # Errors
/// [`Missing`].
pub fn restrict(demands: &Demands) -> Result<(), Missing> {
    if !demands.layer(Layer::Landlock) {
        return Ok(());
    }
    let missing = |why: String| Missing::layer(Layer::Landlock, why);
    match take_all() {
        Ok(RulesetStatus::NotEnforced) => Err(missing("the kernel does not enforce it".into())),
        Ok(_) => holds().map_err(missing),
        Err(_) => {
            Err(missing("this kernel has none (Linux 5.13), or it was not enabled at boot (lsm=…,landlock)".into()))
        }
    }
}

fn take_all() -> Result<RulesetStatus, landlock::RulesetError> {
    let status = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(LEAST))?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()?
        .restrict_self()?;
    Ok(status.ruleset)
}

/// Every process has a root, and nobody who is restricted may read it.
fn holds() -> Result<(), String> {
    match rustix::fs::open("/", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()) {
        Err(Errno::ACCESS) => Ok(()),
        Ok(_) => Err("it was accepted, and the root can still be read".into()),
        Err(why) => Err(format!("it was accepted, and the root says: {why}")),
    }
}

#[cfg(test)]
mod tests {
    use landlock::BitFlags;

    use super::*;

    #[test]
    fn nothing_that_the_library_knows_of_is_left_out() {
        assert_eq!(AccessFs::from_all(NEWEST), BitFlags::all());
        assert_eq!(AccessNet::from_all(NEWEST), BitFlags::all());
        assert_eq!(Scope::from_all(NEWEST), BitFlags::all());
    }
}
