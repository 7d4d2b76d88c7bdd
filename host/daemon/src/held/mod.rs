//! The life of a held operation: asked, held, decided, and handed on to be run or to end.
//!
//! Every change is one job on the disk's thread, which reads the record, judges, logs and stores: so two decisions at
//! once are one after the other, and what a caller is told has happened is on the disk.

// From a prepared request to a record.
mod asked;
// What must be known without asking the disk.
mod index;
// Keys on their way to the disk.
mod storing;
// What approvers see and decide.
mod decisions;
// How a hold ends: its run is over, or its time.
mod ends;
// A hold as it is told.
mod views;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use jiff::Timestamp;
use regent_protocol::{Code, Refusal, State};
use tokio::time::{Instant, timeout_at};

use crate::auth::consent::No;
use crate::kept::disk::Disk;
use crate::kept::store::StoreError;
use crate::record::denial::Because;
use crate::record::hold::{Handle, Hold, HoldId};
use crate::record::key::Key;
use crate::record::reason::{Decider, EndReason, VoidCause};
use crate::record::requester::Requester;
use crate::record::why::Why;
use crate::time::Clock;

pub use asked::{can_run, draft, dry_run};
pub use index::{ENDED_EACH, KEYED, LIVE};
pub(crate) use views::refusal;
pub use views::{reply, view};

use index::Index;
use storing::Storing;

#[derive(Debug)]
pub struct Held {
    disk: Disk,
    /// The name of the state folder, to which consents are bound.
    pub(crate) instance: String,
    index: RefCell<Index>,
    storing: Storing,
    /// The time by which holds expire.
    pub(crate) clock: Clock,
    /// That what has expired cannot be written down has been said.
    unwritten: Cell<bool>,
}

type Decided = Result<Hold, No>;
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotHeld {
    /// Its requester, or all requesters together, hold too many.
    NoRoom,
    /// Its requester gave the same key to a request that was faster.
    KeyTaken,
    /// It could not be written down, for this reason.
    NotWritten(String),
}

impl Held {
    /// Of what the store of this instance has. `known` is a time that is known to have been.
    pub fn new(disk: Disk, instance: String, holds: &[Hold], known: Option<Timestamp>) -> Rc<Self> {
        let clock = Clock::not_before(known_by(holds, known));
        Rc::new(Self {
            disk,
            instance,
            index: RefCell::new(Index::of(holds)),
            storing: Storing::default(),
            clock,
            unwritten: Cell::new(false),
        })
    }

    /// Whether this requester may hold one more; says so before a plan is made for nothing.
    pub fn has_room(&self, requester: &Requester) -> bool {
        self.index.borrow().has_room(&requester.owner())
    }

    /// Puts a request on hold. When this returns it survives whatever happens to the daemon.
    pub async fn hold(&self, hold: Hold) -> Result<Hold, NotHeld> {
        let Some(name) = hold.key.as_ref().map(|key| key.name) else { return self.store(hold).await };
        let Some(_turn) = self.storing.turn(name).await else { return Err(NotHeld::KeyTaken) };
        match self.store(hold).await {
            // A place that is not there may be the one that somebody took with this key.
            Err(NotHeld::NoRoom) if self.by_name(name).await.is_some() => Err(NotHeld::KeyTaken),
            stored => stored,
        }
    }

    async fn store(&self, hold: Hold) -> Result<Hold, NotHeld> {
        let owner = hold.requester.owner();
        let forget = {
            let mut index = self.index.borrow_mut();
            if !index.has_room(&owner) || hold.key.is_some() && !index.has_room_for_a_key(&owner) {
                return Err(NotHeld::NoRoom);
            }
            // Its place is taken before the disk is waited for, so that nobody else takes it meanwhile.
            index.put(&hold);
            index.crowded_out(&owner)
        };
        let (id, forgotten) = (hold.id.clone(), forget.clone());
        let stored = self.disk.run(move |ledger| {
            let mut hold = hold;
            if let Some(key) = &hold.key
                && ledger.store.by_key(&key.name)?.is_some()
            {
                return Err(StoreError::Conflict);
            }
            ledger.transition(&mut hold, None, &forget)?;
            Ok(hold)
        });
        let stored = stored.await;
        let gone = if stored.is_ok() { forgotten } else { vec![id] };
        self.index.borrow_mut().forget(&gone);
        stored.map_err(|why| match why {
            StoreError::Conflict => NotHeld::KeyTaken,
            why => NotHeld::NotWritten(why.to_string()),
        })
    }

    /// What the requester's handle leads to, if it is the requester's. One that is another's is not even read, which
    /// would take longer than one that is nobody's.
    pub async fn find(&self, requester: &Requester, uid: &str) -> Option<Hold> {
        let handle = Handle::of(uid);
        let id = self.disk.run_or_log(move |ledger| ledger.store.by_handle(&handle)).await.flatten()?;
        if !self.index.borrow().is_of(&id, &requester.owner()) {
            return None;
        }
        self.by_id(&id).await.filter(|hold| hold.requester.owner() == requester.owner())
    }

    /// What its requester gave this key to.
    pub async fn by_key(&self, key: &Key<'_>) -> Option<Hold> {
        self.by_name(key.name).await
    }

    async fn by_name(&self, name: [u8; 32]) -> Option<Hold> {
        self.disk.run_or_log(move |ledger| ledger.store.by_key(&name)).await.flatten()
    }

    /// Waits for the end of a hold, but no longer than `wait`; `None` if it is forgotten meanwhile. Who waits keeps
    /// nothing of it in memory: a hold may have some MiB.
    pub async fn wait(&self, id: &HoldId, wait: Duration) -> Option<Hold> {
        let deadline = Instant::now() + wait;
        loop {
            let Some(changes) = self.index.borrow().changes(id) else { return self.by_id(id).await };
            let changed = changes.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            // Read after the ear is open, so that no change falls between.
            let hold = self.by_id(id).await?;
            if !hold.is_live() || Instant::now() >= deadline {
                return Some(hold);
            }
            drop(hold);
            let _in_time_or_not = timeout_at(deadline, changed).await;
        }
    }

    pub async fn by_id(&self, id: &HoldId) -> Option<Hold> {
        let id = id.clone();
        self.disk.run_or_log(move |ledger| ledger.store.hold(&id)).await.flatten()
    }

    /// Changes one hold: `decide` judges the record as it is, and what it makes of it is logged and stored.
    async fn change(
        &self,
        id: &HoldId,
        decide: impl FnOnce(Hold) -> Result<(Hold, Option<Decider>), No> + Send + 'static,
    ) -> Decided {
        let id = id.clone();
        let changed = self.disk.run(move |ledger| {
            let Some(hold) = ledger.store.hold(&id)? else { return Ok(Err(No::Unknown)) };
            let (mut next, by) = match decide(hold) {
                Ok(decided) => decided,
                Err(no) => return Ok(Err(no)),
            };
            ledger.transition(&mut next, by.as_ref(), &[])?;
            Ok(Ok(next))
        });
        let changed = match changed.await {
            Err(why @ StoreError::NotLogged(_)) => Err(No::NotWritten(why.to_string())),
            Err(why) => {
                crate::error!("{why}");
                Err(No::Unknown)
            }
            Ok(changed) => changed,
        }?;
        self.index.borrow_mut().put(&changed);
        Ok(changed)
    }

    /// The requester gives it up. What it is told is the state reached, whoever was faster.
    pub async fn cancel(&self, requester: &Requester, uid: &str) -> Result<Hold, Because> {
        let hold = self.find(requester, uid).await.ok_or_else(Refusal::unknown_uid)?;
        match self.end(&hold.id, State::Cancelled, None).await {
            Ok(hold) => Ok(hold),
            Err(No::NotWritten(why)) => Err(Because::ours(Code::Failed, Why::NotStored(why))),
            Err(_) => Ok(self.by_id(&hold.id).await.ok_or_else(Refusal::unknown_uid)?),
        }
    }

    /// What was consented to is no longer what would run.
    pub async fn void(&self, id: &HoldId, cause: VoidCause) -> Decided {
        self.end(id, State::Void, Some(EndReason::Void(cause))).await
    }

    /// Ends a hold that has not begun to run.
    async fn end(&self, id: &HoldId, end: State, reason: Option<EndReason>) -> Decided {
        let now = self.clock.now();
        self.change(id, move |hold| match hold.state {
            State::Held | State::Approved => Ok((hold.ended(end, reason, now), None)),
            state => Err(No::NotHeld(state)),
        })
        .await
    }

    /// The run begins: only from approved, only in time, and on the disk when this returns.
    pub async fn begin(&self, id: &HoldId) -> Decided {
        let now = self.clock.now();
        self.change(id, move |hold| {
            let in_time = hold.deadline().is_some_and(|due| now < due);
            match hold.state {
                State::Approved if in_time => Ok((Hold { state: State::Performing, ..hold }, None)),
                state => Err(No::NotHeld(state)),
            }
        })
        .await
    }

    /// What had been approved and not begun when the predecessor ended.
    pub async fn approved(&self) -> Vec<HoldId> {
        let all = self.live().await;
        all.into_iter().filter(|hold| hold.state == State::Approved).map(|hold| hold.id).collect()
    }

    /// Those that have not ended, of which there are few, among all that are kept.
    async fn live(&self) -> Vec<Hold> {
        let ids: Vec<HoldId> = self.index.borrow().live().cloned().collect();
        let read = self.disk.run_or_log(move |ledger| {
            ids.iter().filter_map(|id| ledger.store.hold(id).transpose()).collect::<Result<Vec<_>, _>>()
        });
        read.await.unwrap_or_default()
    }

    pub fn waiting(&self) -> usize {
        self.index.borrow().live().count()
    }
}

/// The latest time that is known to have been, as far as there is anything that could expire by it.
fn known_by(holds: &[Hold], known: Option<Timestamp>) -> Timestamp {
    let live = holds.iter().filter(|hold| hold.is_live());
    live.flat_map(|hold| [Some(hold.asked), hold.approved, known]).flatten().max().unwrap_or(Timestamp::MIN)
}
