//! A plugin that serves: its module's digest, its description, and its sandbox, which is replaced when it has ended or is worn.
//!
//! The daemon never maps what a plugin supplied. It hands sealed bytes to a process without rights and asks over lanes; what
//! comes back is a stranger's word, checked in [`exchange`].

// Who may use a lane next.
pub mod places;
// One lane.
pub mod lane;
// One sandbox process, and a lane of it for one exchange.
pub mod sandbox;
// When one that serves is replaced.
pub mod wear;
// How all of them have fared, and when the next may be started.
pub mod life;
// That one is always there, as far as that can be.
pub mod keeping;
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

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use regent_grants::Engine;
use regent_lane::Blame;
use tokio::time::Instant;

use crate::fair::Peer;
use codes::Code;
use description::{Description, Operation};
use exchange::NoAnswer;
use keeping::Keeping;
use module::ModuleDigest;
use places::Places;
use programs::Programs;
use sandbox::{Exchange, Sandbox};

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
    keeping: Keeping,
}

/// What a plugin did that no plugin may, or what happened to it. The caller hears `Operation failed`, the log hears why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Its code broke a rule, by the sandbox's word.
    Guest(Blame, String),
    /// It broke a rule that the daemon keeps.
    Rule(String),
    /// What it planned is granted and cannot be done: the administrator's fault, or this machine's.
    Host(String),
    /// Its process ended, perhaps through another request's fault.
    Ended(String),
    /// No process of it runs, and none will in time.
    Resting(String),
}

impl Fault {
    /// The word for it, in logs and for who looks for help: it stays what it is when the texts are worded better.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Guest(blame, _) => blame.code(),
            Self::Rule(_) => "plugin-fault",
            Self::Ended(_) => "plugin-ended",
            Self::Resting(_) => "plugin-resting",
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
            Self::Rule(text) | Self::Host(text) | Self::Ended(text) | Self::Resting(text) => ("", text),
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
            (Fault::Resting("why".into()), "plugin-resting: why"),
            (Fault::Host("why".into()), "host: why"),
        ] {
            assert_eq!(fault.to_string(), text);
        }
    }
}
