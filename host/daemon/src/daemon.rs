//! What the stages share: the state of the one daemon. Owned by the one thread of the request path.

use std::cell::Cell;
use std::fs::File;
use std::rc::Rc;

use crate::catalog::Catalog;
use crate::held::Held;
use crate::kept::audit::{Event, Mark};
use crate::kept::ledger::{SharedAudit, lock};
use crate::policy::Policy;
use crate::process::Spawner;
use crate::refusals::Budget;

/// The daemon.
#[derive(Debug)]
pub struct Daemon {
    /// regent.toml.
    pub policy: Policy,
    /// The grants.
    pub catalog: Catalog,
    /// What is held.
    pub held: Rc<Held>,
    /// The door through which programs start.
    pub spawner: Rc<Spawner>,
    /// The state folder's own name.
    pub instance: String,
    /// The log of what was done.
    pub audit: SharedAudit,
    /// How much may still be written of refusals.
    pub refusals: Budget,
    /// How many operations run now.
    pub running: Cell<usize>,
    /// No more is begun.
    pub ending: Cell<bool>,
    /// Held as long as the daemon runs: two over one state folder would take one hold twice.
    pub(crate) _lock: File,
}

impl Daemon {
    /// Writes an audit record.
    ///
    /// # Errors
    /// For the log: then nothing may be done that the record was to tell of.
    pub fn record(&self, event: &Event<'_>) -> Result<Mark, String> {
        lock(&self.audit).append(event).map_err(|why| format!("the audit log cannot be written: {why}"))
    }

    /// Counts an operation as running until the guard is dropped.
    #[must_use]
    pub fn runs(self: &Rc<Self>) -> Runs {
        self.running.set(self.running.get() + 1);
        Runs(Rc::clone(self))
    }
}

/// An operation that runs.
#[derive(Debug)]
pub struct Runs(Rc<Daemon>);

impl Drop for Runs {
    fn drop(&mut self) {
        self.0.running.set(self.0.running.get() - 1);
    }
}
