//! The spawner of a trial that performs nothing: it starts what is confined, and no command. So whoever takes over the
//! process that tries a stranger's module, which root may have started, gains nothing of root's here.

use std::os::fd::OwnedFd;

use regent_spawner::{Descent, Ready, Start, TRIAL_SANDBOX, TRIAL_USER};

use crate::helpers::{Bounds, Helpers};
use crate::sys::is_root;

pub(crate) struct Trial(Helpers);

impl Trial {
    pub(crate) fn of(helpers: Helpers) -> Self {
        Self(helpers)
    }

    /// Nothing needs to be done for it; but whom it is to become is said.
    pub(crate) fn ready() -> Ready {
        let user = is_root().then_some((TRIAL_USER, TRIAL_USER, Vec::new()));
        Ready { root: is_root(), user, groups: None, ended: 0 }
    }

    /// The program of a confined start, if it may be started so: with every layer, in no group that somebody else
    /// chose.
    pub(crate) fn helper(&self, start: &Start) -> Option<OwnedFd> {
        let bounds = Bounds { uids: TRIAL_SANDBOX..TRIAL_SANDBOX + 1, allow_missing: &[] };
        let ungrouped = start.descent == Descent::Alone { grouped: false };
        self.0.program(start, &bounds).filter(|_| ungrouped)
    }
}
