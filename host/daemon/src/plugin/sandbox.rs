//! One sandbox process and its lanes, and the use of a lane for one exchange. Whatever goes wrong on a lane is the end
//! of the process: nothing that it says afterwards is heard. One that has been retired takes no further exchange, and
//! ends with the last that it has.

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;

use regent_lane::{Ask, Say};
use regent_spawner::Exit;
use tokio::task::spawn_local;
use tokio::time::Instant;

use super::care::Care;
use super::fault::Fault;
use super::lane::{Lane, LaneError};
use super::places::LanePermit;
use super::wear::Wear;
use crate::process::{Cgroup, Running};

#[derive(Debug)]
pub struct Sandbox {
    pub(super) plugin: String,
    lanes: RefCell<Vec<Lane>>,
    running: Rc<Running>,
    /// Where it was born; removed when it has ended.
    _group: Option<Cgroup>,
    stands: Cell<Stands>,
    /// Exchanges that it has now, and all that it had.
    busy: Cell<usize>,
    served: Cell<u64>,
    used: Cell<Instant>,
    /// When it is replaced for a fault that was one too many to be replaced at once.
    owed: Cell<Option<Instant>>,
    /// Who cares, once a plugin serves by it: before that its end is the end of a load, which is told as such.
    care: OnceCell<Rc<Care>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stands {
    Serving,
    Retired,
    Ended,
}

impl Sandbox {
    pub fn new(plugin: String, running: Running, group: Option<Cgroup>, lanes: Vec<Lane>) -> Rc<Self> {
        Rc::new(Self {
            plugin,
            lanes: RefCell::new(lanes),
            running: Rc::new(running),
            _group: group,
            stands: Cell::new(Stands::Serving),
            busy: Cell::new(0),
            served: Cell::new(0),
            used: Cell::new(Instant::now()),
            owed: Cell::new(None),
            care: OnceCell::new(),
        })
    }

    /// It has been seen to load: whatever ends it from now on is worth a line, and counts, also where nobody asks it.
    pub fn serve(self: &Rc<Self>, care: &Rc<Care>) {
        if self.care.set(Rc::clone(care)).is_err() {
            return;
        }
        let (sandbox, running) = (Rc::downgrade(self), Rc::clone(&self.running));
        spawn_local(async move {
            let end = running.ended().await;
            if let Some(sandbox) = sandbox.upgrade() {
                sandbox.condemn(&match end {
                    Ok(Exit::Signal(signal)) => format!("its process was ended by signal {signal}"),
                    Ok(Exit::Status(status)) => format!("its process ended with status {status}"),
                    Err(why) => format!("its process was never there: {why}"),
                });
            }
        });
    }

    pub fn is_usable(&self) -> bool {
        self.stands.get() == Stands::Serving
    }

    pub fn pid(&self) -> i32 {
        self.running.pid()
    }

    pub fn wear(&self) -> Wear {
        Wear { usable: self.is_usable(), owed: self.owed.get(), served: self.served.get(), used: self.used.get() }
    }

    /// A lane on which nothing came while it was idle. A byte that nobody asked for condemns the process.
    fn take(&self) -> Option<Lane> {
        if !self.is_usable() {
            return None;
        }
        let lane = self.lanes.borrow_mut().pop()?;
        if !lane.is_quiet() {
            self.condemn("it spoke on an idle lane, or ended");
            return None;
        }
        self.busy.set(self.busy.get() + 1);
        self.served.set(self.served.get() + 1);
        self.used.set(Instant::now());
        Some(lane)
    }

    /// An exchange is over, well or not.
    fn left(&self) {
        self.busy.set(self.busy.get().saturating_sub(1));
        self.used.set(Instant::now());
        if self.stands.get() == Stands::Retired && self.busy.get() == 0 {
            self.end();
        }
        // Only the first makes it one that can be idle, and only the last ones wear it out: the others wake nobody.
        let served = self.served.get();
        let care = self.care.get().filter(|care| self.is_usable() && (served == 1 || care.is_worn(served)));
        care.into_iter().for_each(|care| care.look());
    }

    /// It takes no further exchange, and ends with the last that it has.
    pub fn retire(&self) {
        if self.is_usable() {
            self.stands.set(Stands::Retired);
            if self.busy.get() == 0 {
                self.end();
            }
        }
    }

    /// Its code broke a rule: it is replaced, now or as soon as the rate of faults allows.
    fn faulted(&self) {
        let Some(care) = self.care.get().filter(|_| self.is_usable() && self.owed.get().is_none()) else { return };
        match care.fault() {
            Some(Ok(())) => self.retire(),
            Some(Err(at)) => self.owed.set(Some(at)),
            None => return,
        }
        care.look();
    }

    /// Kills the process, and says why once. It crashed.
    pub fn condemn(&self, why: &str) {
        if !self.end() {
            return;
        }
        if let Some(care) = self.care.get() {
            crate::warning!("plugin {}: its sandbox is ended: {why}", self.plugin);
            care.crashed(why);
        }
    }

    /// Kills the process; false if that was done before.
    fn end(&self) -> bool {
        if self.stands.replace(Stands::Ended) == Stands::Ended {
            return false;
        }
        self.running.kill();
        self.lanes.borrow_mut().clear();
        true
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // Whoever listens for its end would keep it otherwise.
        self.end();
    }
}

/// A lane for one exchange. Dropped before its `end` the process is ended, for nobody knows what it would say.
#[derive(Debug)]
pub struct Exchange {
    pub(super) sandbox: Rc<Sandbox>,
    lane: Option<Lane>,
    _place: LanePermit,
}

impl Exchange {
    /// On a free lane; gives the place back if the sandbox turns out to be of no use.
    pub(super) fn begin(sandbox: &Rc<Sandbox>, place: LanePermit) -> Result<Self, LanePermit> {
        match sandbox.take() {
            Some(lane) => Ok(Self { sandbox: Rc::clone(sandbox), lane: Some(lane), _place: place }),
            None => Err(place),
        }
    }

    pub(super) async fn ask(&mut self, word: &Ask, deadline: Instant) -> Result<(), Fault> {
        let Some(lane) = &mut self.lane else { return Err(self.failed(LaneError::Closed)) };
        let asked = lane.ask(word, deadline).await;
        asked.map_err(|why| self.failed(why))
    }

    pub(super) async fn say(&mut self, deadline: Instant) -> Result<Say, Fault> {
        let Some(lane) = &mut self.lane else { return Err(self.failed(LaneError::Closed)) };
        let said = lane.say(deadline).await;
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

    /// The exchange is over: the lane is free for the next, unless what came of it is the fault of the plugin's code.
    pub(super) fn end(mut self, fault: Option<&Fault>) {
        let Some(lane) = self.lane.take().filter(|_| self.sandbox.stands.get() != Stands::Ended) else { return };
        self.sandbox.lanes.borrow_mut().push(lane);
        match fault {
            Some(Fault::Guest(..) | Fault::Rule(_)) => self.sandbox.faulted(),
            Some(Fault::Host(_) | Fault::Ended(_) | Fault::Resting(_)) => {}
            None => self.sandbox.care.get().into_iter().for_each(|care| care.life.borrow_mut().well()),
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if self.lane.is_some() && self.sandbox.end() {
            crate::warning!("plugin {}: its sandbox is ended: an exchange was given up", self.sandbox.plugin);
            self.sandbox.care.get().into_iter().for_each(|care| care.look());
        }
        self.sandbox.left();
    }
}
