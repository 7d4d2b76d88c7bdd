//! A plugin's processes are kept: whenever the one that serves is gone or worn another is started beside everything else, one
//! at a time, and requests that need it wait. A task for each plugin does it; it sleeps until something is due.

use std::cell::{OnceCell, RefCell};
use std::rc::{Rc, Weak};

use regent_grants::Recycle;
use tokio::sync::Notify;
use tokio::task::{AbortHandle, spawn_local};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::life::{CRASHES_MAX, Life, REST, WITHIN};
use super::programs::Unloadable;
use super::sandbox::Sandbox;
use super::wear::Reason;
use super::{Fault, Plugin};

/// The care of a plugin's processes, which ends with the plugin.
#[derive(Debug)]
pub struct Keeping {
    care: Rc<Care>,
    task: OnceCell<AbortHandle>,
}

/// What a plugin shares with its processes, so that the end of one counts as it happens.
#[derive(Debug)]
pub struct Care {
    plugin: String,
    /// When a process is worn. `None`: never, and no fault costs one either.
    recycle: Option<Recycle>,
    life: RefCell<Life>,
    /// Something may be due.
    due: Notify,
    /// Another process serves, or none will for now.
    changed: Notify,
}

/// How a plugin's processes have fared, for an administrator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fared {
    /// How many crashed.
    pub crashes: u64,
    /// Why the last one did.
    pub last: String,
    /// Until when nothing is started, if nothing serves meanwhile.
    pub rests: Option<Instant>,
}

impl Keeping {
    /// Of a plugin that begins.
    #[must_use]
    pub fn new(plugin: &str, recycle: Option<Recycle>) -> Self {
        let care = Care {
            plugin: plugin.to_owned(),
            recycle,
            life: RefCell::new(Life::new(Instant::now())),
            due: Notify::new(),
            changed: Notify::new(),
        };
        Self { care: Rc::new(care), task: OnceCell::new() }
    }
}

impl Drop for Keeping {
    fn drop(&mut self) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }
}

impl Care {
    /// A process has crashed.
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

    /// An exchange ended well.
    pub(super) fn well(&self) {
        self.life.borrow_mut().well();
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
    fn vain(&self, deadline: Instant) -> Result<(), Fault> {
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

impl Plugin {
    /// Its processes are kept from now on.
    pub fn keep(self: &Rc<Self>) {
        let Keeping { care, task } = &self.keeping;
        self.sandbox().serve(care);
        let keep = spawn_local(keep(Rc::downgrade(self), Rc::clone(care)));
        if task.set(keep.abort_handle()).is_err() {
            keep.abort();
        }
    }

    /// How its processes have fared.
    #[must_use]
    pub fn fared(&self) -> Fared {
        let life = self.keeping.care.life.borrow();
        let rests = life.rests(Instant::now()).filter(|_| !self.sandbox().is_usable());
        Fared { crashes: life.count(), last: life.last().to_owned(), rests }
    }

    /// An administrator has looked: whatever its processes did counts no more, and what rests is started.
    pub fn forgive(&self) {
        self.keeping.care.life.borrow_mut().forgive(Instant::now());
        self.keeping.care.look();
    }

    /// The process that takes exchanges, waited for until the deadline.
    ///
    /// # Errors
    /// [`Fault::Resting`]: at once where waiting is in vain.
    pub(super) async fn usable(&self, deadline: Instant) -> Result<Rc<Sandbox>, Fault> {
        let care = &self.keeping.care;
        loop {
            let sandbox = self.sandbox();
            if sandbox.is_usable() {
                return Ok(sandbox);
            }
            drop(sandbox);
            care.vain(deadline)?;
            if timeout_at(deadline, care.changed.notified()).await.is_err() {
                let last = care.life.borrow().last().to_owned();
                return Err(Fault::Resting(format!("no sandbox of it was ready in time: {last}")));
            }
        }
    }

    /// What is due, and when.
    fn due(&self, now: Instant) -> Option<(Instant, Reason)> {
        let Care { recycle, life, .. } = &*self.keeping.care;
        let (at, reason) = self.sandbox().wear().due(recycle.as_ref(), now)?;
        Some((at.max(life.borrow().start_at(now)), reason))
    }

    /// Another process in the place of the one that is there, which ends with the last of its exchanges.
    async fn replace(&self, reason: Reason) {
        let care = &self.keeping.care;
        care.life.borrow_mut().begins();
        if reason == Reason::Fault {
            // Late by a moment, if at all.
            let _either_way = care.fault();
        }
        match self.programs.sandbox(&self.name, self.uid, self.engine, &self.code.sealed, &self.settings).await {
            Ok((sandbox, _exports)) => {
                crate::info!("plugin {}: a new sandbox serves (pid {}): {reason}", self.name, sandbox.pid());
                care.life.borrow_mut().started();
                sandbox.serve(care);
                self.sandbox.replace(sandbox).retire();
                care.look();
            }
            Err(why) => self.not_started(&why),
        }
    }

    fn not_started(&self, why: &Unloadable) {
        let care = &self.keeping.care;
        crate::warning!("plugin {}: no new sandbox serves: {why}", self.name);
        match why {
            Unloadable::NotStarted(why) => {
                care.life.borrow_mut().not_started(why, Instant::now());
                care.look();
            }
            why => care.crashed(&why.to_string()),
        }
    }
}

async fn keep(plugin: Weak<Plugin>, care: Rc<Care>) {
    loop {
        let now = Instant::now();
        let Some(kept) = plugin.upgrade() else { return };
        match kept.due(now) {
            Some((at, reason)) if at <= now => kept.replace(reason).await,
            Some((at, _)) => {
                drop(kept);
                tokio::select! {
                    () = care.due.notified() => {}
                    () = sleep_until(at) => {}
                }
            }
            None => {
                drop(kept);
                care.due.notified().await;
            }
        }
    }
}
