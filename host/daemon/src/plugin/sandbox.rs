//! One sandbox process and its lanes, and the use of a lane for one exchange. Whatever goes wrong on a lane is the end of the
//! process: nothing that it says afterwards is heard.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use regent_lane::{Ask, Say};
use tokio::time::Instant;

use super::Fault;
use super::lane::{Lane, LaneError};
use super::places::Place;
use crate::process::{Cgroup, Running};

/// A running sandbox.
#[derive(Debug)]
pub struct Sandbox {
    plugin: String,
    lanes: RefCell<Vec<Lane>>,
    running: Running,
    /// Where it was born; removed when it has ended.
    _group: Option<Cgroup>,
    condemned: RefCell<Option<String>>,
    /// Whether a plugin serves by it: before that its end is the end of a load, which is told as such.
    serves: Cell<bool>,
}

impl Sandbox {
    /// Over a started process and the lanes to it.
    #[must_use]
    pub fn new(plugin: String, running: Running, group: Option<Cgroup>, lanes: Vec<Lane>) -> Rc<Self> {
        Rc::new(Self {
            plugin,
            lanes: RefCell::new(lanes),
            running,
            _group: group,
            condemned: RefCell::new(None),
            serves: Cell::new(false),
        })
    }

    /// It has been seen to load: whatever ends it from now on is worth a line.
    pub fn serve(&self) {
        self.serves.set(true);
    }

    /// Whether it can still be asked.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.condemned.borrow().is_none()
    }

    /// The process, for who looks at it from outside.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.running.pid()
    }

    /// A lane on which nothing came while it was idle. A byte that nobody asked for condemns the process.
    fn take(&self) -> Option<Lane> {
        let lane = self.lanes.borrow_mut().pop()?;
        if lane.is_quiet() {
            return Some(lane);
        }
        self.condemn("it spoke on an idle lane, or ended");
        None
    }

    /// Kills the process, and says why once.
    pub fn condemn(&self, why: &str) {
        let mut condemned = self.condemned.borrow_mut();
        if condemned.is_none() {
            if self.serves.get() {
                crate::warning!("plugin {}: its sandbox is ended: {why}", self.plugin);
            }
            *condemned = Some(why.to_owned());
            self.running.kill();
        }
    }
}

/// A lane for one exchange. Dropped before its `end` the process is condemned, for nobody knows what it would say.
#[derive(Debug)]
pub struct Exchange {
    sandbox: Rc<Sandbox>,
    lane: Option<Lane>,
    _place: Place,
}

impl Exchange {
    /// On a free lane; gives the place back if the sandbox turns out to be of no use.
    pub(super) fn begin(sandbox: &Rc<Sandbox>, place: Place) -> Result<Self, Place> {
        match sandbox.take() {
            Some(lane) => Ok(Self { sandbox: Rc::clone(sandbox), lane: Some(lane), _place: place }),
            None => Err(place),
        }
    }

    /// Sends a word.
    pub(super) async fn ask(&mut self, word: &Ask, deadline: Instant) -> Result<(), Fault> {
        let asked = match &mut self.lane {
            Some(lane) => lane.ask(word, deadline).await,
            None => Err(LaneError::Closed),
        };
        asked.map_err(|why| self.failed(why))
    }

    /// Waits for a word.
    pub(super) async fn say(&mut self, deadline: Instant) -> Result<Say, Fault> {
        let said = match &mut self.lane {
            Some(lane) => lane.say(deadline).await,
            None => Err(LaneError::Closed),
        };
        said.map_err(|why| self.failed(why))
    }

    fn failed(&mut self, why: LaneError) -> Fault {
        self.condemn(&why.to_string());
        why.into()
    }

    /// Ends the process, since it broke a rule on this lane.
    pub(super) fn condemn(&mut self, why: &str) -> Fault {
        self.sandbox.condemn(why);
        self.lane = None;
        Fault::Rule(why.to_owned())
    }

    /// The exchange is over: the lane is free for the next.
    pub(super) fn end(mut self) {
        if let Some(lane) = self.lane.take() {
            self.sandbox.lanes.borrow_mut().push(lane);
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if self.lane.is_some() {
            self.sandbox.condemn("an exchange was given up");
        }
    }
}
