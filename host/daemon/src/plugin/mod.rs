//! A plugin that serves: its module's digest, its description, and its sandbox, which is replaced when it has ended or
//! is worn.
//!
//! The daemon never maps what a plugin supplied. It hands sealed bytes to a process without rights and asks over lanes;
//! what comes back is a stranger's word, checked in [`exchange`].

// Who may use a lane next.
pub mod lane;
pub mod places;
// Why an exchange came to nothing.
mod fault;
// One sandbox process, and a lane of it for one exchange.
pub mod sandbox;
pub mod wear;
// How all of them have fared, and when the next may be started.
pub mod life;
// What a plugin and its processes both know of these.
pub mod care;
// That one is always there, as far as that can be.
pub mod cache;
pub mod codes;
pub mod confinement;
pub mod description;
pub mod exchange;
pub mod keeping;
pub mod module;
// Compiler and sandboxes as processes.
mod compile;
pub mod load_error;
pub mod programs;
mod starting;
// From a module's bytes to a plugin that serves.
pub mod load;
// The same for one that is only tried.
pub mod alone;

use std::cell::RefCell;
use std::rc::Rc;

use regent_grants::Engine;
use tokio_util::task::AbortOnDropHandle;

use care::Care;
use codes::Code;
use description::{Description, Operation};
use module::ModuleDigest;
use places::LanePermits;
use programs::{Launch, Programs};
use sandbox::Sandbox;

pub use fault::Fault;

#[derive(Debug)]
pub struct Plugin {
    /// The grants file's name, and so the instance's.
    pub name: String,
    pub digest: ModuleDigest,
    description: Description,
    settings: String,
    engine: Engine,
    code: Rc<Code>,
    /// The uid of its sandboxes; `None` when nobody but root could give it one.
    uid: Option<u32>,
    programs: Rc<Programs>,
    places: Rc<LanePermits>,
    sandbox: RefCell<Rc<Sandbox>>,
    care: Rc<Care>,
    _keeper: AbortOnDropHandle<()>,
}

impl Plugin {
    /// What it says of one of its operations; of one that it does not know, that it has no optional interface.
    pub fn operation(&self, name: &str) -> Operation {
        self.description.operation(name).cloned().unwrap_or_default()
    }

    pub fn description(&self) -> &Description {
        &self.description
    }

    /// Whether it is of this module, was told these settings and runs on this engine.
    pub fn serves_as(&self, module: &ModuleDigest, settings: &str, engine: Engine) -> bool {
        self.digest == *module && self.settings == settings && self.engine == engine
    }

    pub fn engine(&self) -> Engine {
        self.engine
    }

    fn launch(&self) -> Launch<'_> {
        Launch { name: &self.name, uid: self.uid, engine: self.engine, settings: &self.settings }
    }
    pub fn sandbox(&self) -> Rc<Sandbox> {
        Rc::clone(&self.sandbox.borrow())
    }
}
