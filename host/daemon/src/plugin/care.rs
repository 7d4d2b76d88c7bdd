//! How a plugin's processes have fared and when the next is due. The plugin and each of its processes share it, so that
//! the end of one counts as it happens.

use std::cell::RefCell;
use std::rc::Rc;

use regent_grants::Recycle;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::fault::Fault;
use super::life::{CRASHES_MAX, CrashBreaker, REST, WITHIN};

#[derive(Debug)]
pub struct Care {
    plugin: String,
    /// When a process is worn. `None`: never, and no fault costs one either.
    pub(super) recycle: Option<Recycle>,
    pub(super) life: RefCell<CrashBreaker>,
    pub(super) due: Notify,
    /// Another process serves, or none will for now.
    pub(super) changed: Notify,
}

impl Care {
    pub(super) fn new(plugin: &str, recycle: Option<Recycle>) -> Rc<Self> {
        Rc::new(Self {
            plugin: plugin.to_owned(),
            recycle,
            life: RefCell::new(CrashBreaker::new(Instant::now())),
            due: Notify::new(),
            changed: Notify::new(),
        })
    }

    pub(super) fn crashed(&self, why: &str) {
        let opened = self.life.borrow_mut().crashed(why, Instant::now());
        if opened {
            crate::error!(
                "plugin {}: its sandbox has ended {CRASHES_MAX} times within {} s, or again after a rest, at last because \
                 {why}: nothing of it is started for {} s, and its requests are refused. If what ended it is mended: regent \
                 reload starts it at once. If not: regent plugin rollback {} goes back to the module before, and its author \
                 should hear of this line",
                self.plugin,
                WITHIN.as_secs(),
                REST.as_secs(),
                self.plugin
            );
        }
        self.look();
    }

    /// What faults may cost: a process now, or one at that time; `None`: none at all.
    pub(super) fn fault(&self) -> Option<Result<(), Instant>> {
        self.recycle.as_ref().map(|_| self.life.borrow_mut().fault(Instant::now()))
    }

    /// A process has been asked so many times: true if it is worn by that.
    pub(super) fn is_worn(&self, served: u64) -> bool {
        self.recycle.as_ref().is_some_and(|recycle| served >= recycle.after)
    }

    /// Something may be due, and whoever waits may have heard enough.
    pub(super) fn look(&self) {
        self.due.notify_one();
        self.changed.notify_waiters();
    }

    /// Why nothing will serve until then, if nothing will.
    pub(super) fn vain(&self, deadline: Instant) -> Result<(), Fault> {
        let (now, life) = (Instant::now(), self.life.borrow());
        let (rests, start) = (life.rests(now), life.start_at(now));
        let left = start.saturating_duration_since(now).as_millis();
        match rests {
            Some(_) => Err(Fault::Resting(format!(
                "it crashed too often, at last because {}: nothing of it is started for {left} ms more: regent plugin list {}",
                life.last(),
                self.plugin
            ))),
            None if start > deadline => Err(Fault::Resting(format!(
                "{}: its next start is in {left} ms, which is past the request's deadline",
                life.last()
            ))),
            None => Ok(()),
        }
    }
}
