//! A plugin's processes are kept: whenever the one that serves is gone or worn another is started beside everything
//! else, one at a time, and requests that need it wait. A task for each plugin does it; it sleeps until something is
//! due.

use std::rc::{Rc, Weak};

use tokio::time::{Instant, sleep_until, timeout_at};

use super::care::Care;
use super::programs::Unloadable;
use super::sandbox::Sandbox;
use super::wear::Reason;
use super::{Fault, Plugin};

/// How a plugin's processes have fared, for an administrator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fared {
    pub crashes: u64,
    /// Why the last one did.
    pub last: String,
    /// Until when nothing is started, if nothing serves meanwhile.
    pub rests: Option<Instant>,
}

impl Plugin {
    pub fn fared(&self) -> Fared {
        let life = self.care.life.borrow();
        let rests = life.rests(Instant::now()).filter(|_| !self.sandbox().is_usable());
        Fared { crashes: life.count(), last: life.last().to_owned(), rests }
    }

    /// An administrator has looked: whatever its processes did counts no more, and what rests is started.
    pub fn forgive(&self) {
        self.care.life.borrow_mut().forgive(Instant::now());
        self.care.look();
    }

    /// The process that takes exchanges, waited for until the deadline.
    ///
    /// # Errors
    /// [`Fault::Resting`]: at once where waiting is in vain.
    pub(super) async fn usable(&self, deadline: Instant) -> Result<Rc<Sandbox>, Fault> {
        loop {
            let sandbox = self.sandbox();
            if sandbox.is_usable() {
                return Ok(sandbox);
            }
            drop(sandbox);
            self.care.vain(deadline)?;
            if timeout_at(deadline, self.care.changed.notified()).await.is_err() {
                let last = self.care.life.borrow().last().to_owned();
                return Err(Fault::Resting(format!("no sandbox of it was ready in time: {last}")));
            }
        }
    }

    fn due(&self, now: Instant) -> Option<(Instant, Reason)> {
        let Care { recycle, life, .. } = &*self.care;
        let (at, reason) = self.sandbox().wear().due(recycle.as_ref(), now)?;
        Some((at.max(life.borrow().start_at(now)), reason))
    }

    /// Another process in the place of the one that is there, which ends with the last of its exchanges.
    async fn replace(&self, reason: Reason) {
        let care = &self.care;
        care.life.borrow_mut().begins();
        if reason == Reason::Fault {
            // Late by a moment, if at all.
            let _either_way = care.fault();
        }
        match self.programs.sandbox(self.launch(), &self.code.sealed).await {
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
        crate::warning!("plugin {}: no new sandbox serves: {why}", self.name);
        match why {
            Unloadable::NotStarted(why) => {
                self.care.life.borrow_mut().not_started(why, Instant::now());
                self.care.look();
            }
            why => self.care.crashed(&why.to_string()),
        }
    }
}

pub(super) async fn keep(plugin: Weak<Plugin>, care: Rc<Care>) {
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
