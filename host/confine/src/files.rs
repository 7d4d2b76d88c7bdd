//! Landlock: no right to any file, to any port, or to a process outside, in whatever namespace that is.

use std::fmt;

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

/// How it is seen that Landlock does not hold.
enum Unrestricted {
    NotThere,
    NotEnforced,
    RootReadable,
    RootAnswers(Errno),
}

impl fmt::Display for Unrestricted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotThere => {
                f.write_str("this kernel has none (Linux 5.13), or it was not enabled at boot (lsm=…,landlock)")
            }
            Self::NotEnforced => f.write_str("the kernel does not enforce it"),
            Self::RootReadable => f.write_str("it was accepted, and the root can still be read"),
            Self::RootAnswers(errno) => write!(f, "it was accepted, and the root says: {errno}"),
        }
    }
}

/// Takes all of it away for ever, and looks whether that holds.
///
/// # Errors
/// [`Missing`].
pub fn restrict(demands: &Demands) -> Result<(), Missing> {
    if !demands.layer(Layer::Landlock) {
        return Ok(());
    }
    let restricted = match take_all() {
        Ok(RulesetStatus::NotEnforced) => Err(Unrestricted::NotEnforced),
        Ok(_) => holds(),
        Err(_) => Err(Unrestricted::NotThere),
    };
    restricted.map_err(|why| Missing::layer(Layer::Landlock, &why))
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
fn holds() -> Result<(), Unrestricted> {
    match rustix::fs::open("/", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()) {
        Err(Errno::ACCESS) => Ok(()),
        Ok(_) => Err(Unrestricted::RootReadable),
        Err(errno) => Err(Unrestricted::RootAnswers(errno)),
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
