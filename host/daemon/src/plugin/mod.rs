//! A plugin that serves: its module's digest, its description, and its sandbox, which is started anew whenever it has ended.
//!
//! The daemon never maps what a plugin supplied. It hands sealed bytes to a process without rights and asks over lanes; what
//! comes back is a stranger's word, checked in [`exchange`].

// Who may use a lane next.
pub mod places;
// One lane.
pub mod lane;
// One sandbox process, and a lane of it for one exchange.
pub mod sandbox;
// What is asked in an exchange.
pub mod exchange;
// What the plugin says of itself.
pub mod description;
// A module's bytes, sealed.
pub mod module;
// Compiled code, kept; and in memory, once for each module.
pub mod cache;
pub mod codes;
// What this machine confines with.
pub mod confinement;
// Compiler and sandboxes as processes.
pub mod programs;
// From a module's bytes to a plugin that serves.
pub mod load;
// The same for one that is only tried.
pub mod alone;

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use regent_grants::Engine;
use regent_lane::Blame;
use tokio::time::Instant;

use codes::Code;
use description::{Description, Operation};
use exchange::NoAnswer;
use module::ModuleDigest;
use places::{Peer, Places};
use programs::Programs;
use sandbox::{Exchange, Sandbox};

/// A sandbox that ended so many times within [`BREATHER`] is left alone for as long: a crash a second is enough to tell.
const ENDS_MAX: u32 = 5;
/// See [`ENDS_MAX`].
const BREATHER: Duration = Duration::from_secs(10);

/// A plugin that serves.
#[derive(Debug)]
pub struct Plugin {
    /// The grants file's name, and so the instance's.
    pub name: String,
    /// SHA-256 of its module.
    pub digest: ModuleDigest,
    description: Description,
    settings: String,
    engine: Engine,
    code: Rc<Code>,
    /// The uid of its sandboxes; `None` when nobody but root could give it one.
    uid: Option<u32>,
    programs: Rc<Programs>,
    places: Rc<Places>,
    sandbox: RefCell<Rc<Sandbox>>,
    starting: tokio::sync::Mutex<()>,
    ends: Cell<(u32, Instant)>,
}

/// What a plugin did that no plugin may, or what happened to it. The caller hears `Operation failed`, the log hears why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Its code broke a rule, by the sandbox's word; its process goes on.
    Guest(Blame, String),
    /// It broke a rule that the daemon keeps.
    Rule(String),
    /// What it planned is granted and cannot be done: the administrator's fault, or this machine's.
    Host(String),
    /// Its process ended, perhaps through another request's fault.
    Ended(String),
}

impl Fault {
    /// The word for it, in logs and for who looks for help: it stays what it is when the texts are worded better.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Guest(blame, _) => blame.code(),
            Self::Rule(_) => "plugin-fault",
            Self::Ended(_) => "plugin-ended",
            Self::Host(_) => "host",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, text) = match self {
            Self::Guest(Blame::Trap, text) => ("it trapped: ", text),
            Self::Guest(Blame::Time, text) => ("it ran too long: ", text),
            Self::Guest(Blame::Memory, text) => ("it wanted too much: ", text),
            Self::Guest(Blame::Denied, text) => ("it called what it may not: ", text),
            Self::Guest(Blame::Answer, text) => ("its answer is none: ", text),
            Self::Rule(text) | Self::Host(text) | Self::Ended(text) => ("", text),
        };
        write!(f, "{}: {what}{text}", self.code())
    }
}

impl Plugin {
    /// What it says of one of its operations; of one that it does not know, that it has no optional interface.
    #[must_use]
    pub fn operation(&self, name: &str) -> Operation {
        self.description.operation(name).cloned().unwrap_or_default()
    }

    /// What it says of itself.
    #[must_use]
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// Whether it is of this module, was told these settings and runs on this engine.
    #[must_use]
    pub fn serves_as(&self, module: &ModuleDigest, settings: &str, engine: Engine) -> bool {
        self.digest == *module && self.settings == settings && self.engine == engine
    }

    /// What runs its code.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// The sandbox that serves now.
    #[must_use]
    pub fn sandbox(&self) -> Rc<Sandbox> {
        Rc::clone(&self.sandbox.borrow())
    }

    /// A lane for one exchange, on a process that is started for it if need be.
    ///
    /// # Errors
    /// [`NoAnswer::Busy`] if no lane comes free until the deadline, [`NoAnswer::Fault`] if no process can be had.
    async fn exchange(self: &Rc<Self>, peer: Peer, deadline: Instant) -> Result<Exchange, NoAnswer> {
        let mut place = self.places.take(peer, deadline).await?;
        // Once on what runs, once on what was started because that was of no use.
        for _ in 0..2 {
            let sandbox = self.usable(deadline).await.map_err(NoAnswer::Fault)?;
            match Exchange::begin(&sandbox, place) {
                Ok(exchange) => return Ok(exchange),
                Err(back) => place = back,
            }
        }
        Err(NoAnswer::Fault(Fault::Ended("its sandbox ended again as soon as it was started".into())))
    }

    /// The sandbox, or a new one in its place.
    async fn usable(&self, deadline: Instant) -> Result<Rc<Sandbox>, Fault> {
        if self.sandbox().is_usable() {
            return Ok(self.sandbox());
        }
        let _one_at_a_time = self.starting.lock().await;
        if self.sandbox().is_usable() {
            return Ok(self.sandbox());
        }
        self.breathe(deadline).await?;
        let started = self.programs.sandbox(&self.name, self.uid, self.engine, &self.code.sealed, &self.settings).await;
        let (sandbox, _exports) = started.map_err(|why| Fault::Ended(why.to_string()))?;
        crate::info!("plugin {}: a new sandbox serves (pid {})", self.name, sandbox.pid());
        sandbox.serve();
        *self.sandbox.borrow_mut() = Rc::clone(&sandbox);
        Ok(sandbox)
    }

    /// Counts an end, and refuses to start again for a while what ends again and again.
    async fn breathe(&self, deadline: Instant) -> Result<(), Fault> {
        let (count, since) = self.ends.get();
        if since.elapsed() > BREATHER {
            self.ends.set((1, Instant::now()));
            return Ok(());
        }
        self.ends.set((count + 1, since));
        if count < ENDS_MAX {
            return Ok(());
        }
        let until = since + BREATHER;
        if until > deadline {
            return Err(Fault::Ended(format!("its sandbox ended {count} times in {} s", BREATHER.as_secs())));
        }
        tokio::time::sleep_until(until).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_has_its_code_and_its_text_begins_with_it() {
        let guest = |blame| Fault::Guest(blame, "why".into());
        for (fault, text) in [
            (guest(Blame::Time), "plugin-timeout: it ran too long: why"),
            (guest(Blame::Memory), "plugin-memory: it wanted too much: why"),
            (guest(Blame::Trap), "plugin-trap: it trapped: why"),
            (guest(Blame::Denied), "plugin-fault: it called what it may not: why"),
            (guest(Blame::Answer), "plugin-fault: its answer is none: why"),
            (Fault::Rule("why".into()), "plugin-fault: why"),
            (Fault::Ended("why".into()), "plugin-ended: why"),
            (Fault::Host("why".into()), "host: why"),
        ] {
            assert_eq!(fault.to_string(), text);
        }
    }
}
