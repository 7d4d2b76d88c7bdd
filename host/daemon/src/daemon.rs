//! What the stages share: the state of the one daemon. Owned by the one thread of the request path.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use jiff::Timestamp;

use tokio::sync::{Mutex, watch};

use crate::catalog::Catalog;
use crate::held::Held;
use crate::installed::Installed;
use crate::kept::audit::{Event, Mark};
use crate::kept::ledger::{SharedAudit, lock};
use crate::listening::Listening;
use crate::policy::Policy;
use crate::process::Spawner;
use crate::refusals::Budget;
use crate::serve::Crowd;
use crate::shares::{Limit, Shares};
use crate::why::Remembered;

/// Requests of one peer, and of all, that are prepared or run at a time: each may be a process of its own. What waits for consent
/// is not among them.
pub const ASKING: Limit = Limit { each: 128, most: 1_152 };

/// The daemon.
#[derive(Debug)]
pub struct Daemon {
    /// regent.toml.
    policy: RefCell<Rc<Policy>>,
    /// The grants, and the plugins that they are for.
    pub installed: Rc<Installed>,
    /// The sockets.
    pub listening: Listening,
    /// What is held.
    pub held: Rc<Held>,
    /// The door through which programs start.
    pub spawner: Rc<Spawner>,
    /// The state folder's own name.
    pub instance: String,
    /// The log of what was done.
    pub audit: SharedAudit,
    /// Requests that are being served.
    pub asking: Rc<Shares>,
    /// How much may still be written of refusals.
    pub refusals: Budget,
    /// Refusals that can still be asked about.
    pub remembered: Remembered,
    /// How many operations run now.
    pub running: Cell<usize>,
    /// No more is begun.
    pub ending: Cell<bool>,
    /// What still runs or waits is given up.
    over: watch::Sender<bool>,
    /// When the sockets listened.
    pub since: Timestamp,
    /// What this machine or this user lacks, and what that means.
    pub lacks: Vec<String>,
    /// What was to be looked at in regent.toml when it was read last.
    pub warnings: RefCell<Vec<String>>,
    /// Why it was not taken when it was read last; then it is lived by as it was before.
    pub not_taken: RefCell<Vec<String>>,
    /// Held while regent.toml is read again.
    pub(crate) one_reload: Mutex<()>,
}

/// What a daemon is made of.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) policy: Policy,
    pub(crate) installed: Rc<Installed>,
    pub(crate) held: Rc<Held>,
    pub(crate) spawner: Rc<Spawner>,
    pub(crate) instance: String,
    pub(crate) audit: SharedAudit,
    pub(crate) lacks: Vec<String>,
    pub(crate) warnings: Vec<String>,
}

impl Daemon {
    pub(crate) fn of(parts: Parts) -> Rc<Self> {
        Rc::new(Self {
            policy: RefCell::new(Rc::new(parts.policy)),
            installed: parts.installed,
            listening: Listening::of(Crowd::new()),
            held: parts.held,
            spawner: parts.spawner,
            instance: parts.instance,
            audit: parts.audit,
            asking: Shares::of(ASKING),
            refusals: Budget::new(),
            remembered: Remembered::default(),
            running: Cell::new(0),
            ending: Cell::new(false),
            over: watch::Sender::new(false),
            since: Timestamp::now(),
            lacks: parts.lacks,
            warnings: RefCell::new(parts.warnings),
            not_taken: RefCell::default(),
            one_reload: Mutex::default(),
        })
    }

    /// regent.toml, as it is lived by now.
    #[must_use]
    pub fn policy(&self) -> Rc<Policy> {
        Rc::clone(&self.policy.borrow())
    }

    /// Another takes its place.
    pub(crate) fn set_policy(&self, policy: Policy) {
        *self.policy.borrow_mut() = Rc::new(policy);
    }

    /// What is granted now.
    #[must_use]
    pub fn catalog(&self) -> Rc<Catalog> {
        self.installed.catalog()
    }

    /// Writes an audit record.
    ///
    /// # Errors
    /// For the log: then nothing may be done that the record was to tell of.
    pub fn record(&self, event: &Event<'_>) -> Result<Mark, String> {
        lock(&self.audit).append(event).map_err(|why| format!("the audit log cannot be written: {why}"))
    }

    /// Whoever still waits for an answer gets its last one.
    pub fn give_up(&self) {
        self.over.send_replace(true);
    }

    /// When it is given up.
    pub async fn over(&self) {
        // It is sent by what is borrowed here, so it never ends otherwise.
        let mut over = self.over.subscribe();
        let _sent = over.wait_for(|over| *over).await;
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
