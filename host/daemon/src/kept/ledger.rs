//! Store and audit log together: the one order in which a hold changes.
//!
//! The record of a transition is appended and synced; then the store commits the new state and names that record. So a
//! crash leaves at most one record of a transition that the store does not know, and a start can tell: the record that the
//! store names is gone, the log was cut; more than one follows, the store is an older copy. Both void what is held.

use std::cell::Cell;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use redb::StorageBackend;
use regent_protocol::{Data, State};

use super::audit::{Audit, Event, Kept, Mark};
use super::ending::Closed;
use super::store::{Store, StoreError};
use crate::hold::{Consent, Hold, HoldId, Outcome};

/// The log, written by the request path and synced by the disk's thread.
pub type SharedAudit = Arc<Mutex<Audit>>;

/// Store and log.
#[derive(Debug)]
pub struct Ledger {
    /// The store. Read freely; only [`Ledger::transition`] changes a hold.
    pub store: Store,
    audit: SharedAudit,
    medium: Arc<dyn StorageBackend>,
    boot: String,
    /// How far the log is known to be on the disk, and since when.
    last_sync: Cell<(u64, Instant)>,
}

/// What a start found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Why all that was held is void, if it is.
    pub voided: Option<&'static str>,
    /// Operations that were running when the predecessor ended.
    pub interrupted: Vec<HoldId>,
    /// Operations that were to end the host, and it has ended.
    pub ended_host: Vec<HoldId>,
    /// A decision that was logged and not yet stored, and has been stored now.
    pub completed: Option<HoldId>,
    /// Immediate operations that were to end the host, and whose end was not on record.
    pub closed: Vec<Closed>,
}

impl Ledger {
    /// Over an open log and store; nothing is changed yet.
    #[must_use]
    pub fn new(store: Store, audit: SharedAudit) -> Self {
        let (medium, boot) = {
            let audit = lock(&audit);
            (audit.medium(), audit.boot().to_owned())
        };
        Self { store, audit, medium, boot, last_sync: Cell::new((0, Instant::now())) }
    }

    /// Brings a hold to its next state: logged, synced, then stored. When this returns the state is durable.
    ///
    /// # Errors
    /// [`StoreError::Conflict`], [`StoreError::NotLogged`]: nothing was done. Anything else: nothing is known, and the process
    /// must end.
    pub fn transition(&self, next: &mut Hold, by: Option<&str>, forget: &[HoldId]) -> Result<(), StoreError> {
        self.store.expect(&next.id, next.version)?;
        next.version += 1;
        if next.state == State::Performing {
            next.boot = Some(self.boot.clone());
        }
        let mark = self.append(next, by)?;
        self.sync()?;
        self.store.commit(std::slice::from_ref(next), &mark, forget)
    }

    fn append(&self, next: &Hold, by: Option<&str>) -> Result<Mark, StoreError> {
        let first = next.version == 1;
        let runs = next.state == State::Performing;
        let argv: Vec<Vec<String>> = next.plan.iter().map(|step| step.argv.clone()).collect();
        let state = next.state.to_string();
        let event = Event {
            event: "hold",
            hold: Some(next.id.as_str()),
            state: Some(&state),
            reference: Some(&next.reference),
            socket: Some(&next.requester.socket),
            uid: Some(next.requester.uid),
            gid: Some(next.requester.gid),
            pid: next.requester.pid,
            operation: Some(&next.operation),
            data: first.then_some(&next.data),
            plan: (first || runs).then_some(argv.as_slice()),
            by,
            outcome: next.reason.as_deref(),
            rule: next.rule.as_ref(),
            ..Event::default()
        };
        lock(&self.audit).append(&event).map_err(StoreError::NotLogged)
    }

    /// Makes all that was logged durable.
    ///
    /// # Errors
    /// [`StoreError::Lost`]: nothing is known of what was written, and the process must end.
    pub fn sync(&self) -> Result<(), StoreError> {
        let end = lock(&self.audit).end();
        self.medium.sync_data()?;
        self.last_sync.set((end, Instant::now()));
        Ok(())
    }

    /// Makes the log durable if it has grown and was not synced for so long.
    ///
    /// # Errors
    /// As [`sync`](Self::sync).
    pub fn sync_if_due(&self, every: Duration) -> Result<(), StoreError> {
        let end = lock(&self.audit).end();
        let (synced, at) = self.last_sync.get();
        if end == synced || at.elapsed() < every {
            return Ok(());
        }
        self.sync()
    }

    /// What must be settled after the predecessor's end, whatever ended it. Once, before anything else.
    ///
    /// It may end the same way itself: each of its steps is one record and one commit at most, and does nothing when
    /// done again.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn recover(&self, now: Timestamp) -> Result<Recovered, StoreError> {
        let mut found = Recovered { closed: self.close_endings()?, ..Recovered::default() };
        match self.beyond()? {
            Beyond::Nothing => {}
            Beyond::One(mark, kept) => found.completed = self.complete(&mark, &kept, now)?,
            Beyond::Apart(why) => found.voided = Some(why),
        }
        let live = self.store.holds()?.into_iter().filter(Hold::is_live);
        let mut settled: Vec<Hold> = live.filter_map(|hold| self.settle(hold, found.voided, now)).collect();
        if settled.is_empty() {
            return Ok(found);
        }
        let of = |state: State| settled.iter().filter(move |hold| hold.state == state).map(|hold| hold.id.clone());
        found.interrupted = of(State::Interrupted).collect();
        found.ended_host = of(State::Done).collect();
        let void: Vec<HoldId> = of(State::Void).collect();
        let done = list(&found.ended_host);
        let outcome = format!("interrupted: {}; void: {}; done: {done}", list(&found.interrupted), list(&void));
        let event = Event { event: "recovery", hold: Some("*"), outcome: Some(&outcome), ..Event::default() };
        let mark = lock(&self.audit).append(&event)?;
        self.sync()?;
        settled.iter_mut().for_each(|hold| hold.version += 1);
        self.store.commit(&settled, &mark, &[])?;
        Ok(found)
    }

    /// Stores what the log already tells of.
    fn complete(&self, mark: &Mark, kept: &Kept, now: Timestamp) -> Result<Option<HoldId>, StoreError> {
        let id = kept.hold.as_deref().and_then(HoldId::parse);
        let hold = id.map(|id| self.store.hold(&id)).transpose()?.flatten().filter(Hold::is_live);
        let mut next: Vec<Hold> = hold.map(|hold| rolled_forward(hold, kept, now)).into_iter().collect();
        next.iter_mut().for_each(|hold| hold.version += 1);
        self.store.commit(&next, mark, &[])?;
        Ok(next.into_iter().next().map(|hold| hold.id))
    }

    /// The end of a hold that cannot go on after a restart; `None` for one that can.
    fn settle(&self, mut hold: Hold, voided: Option<&str>, now: Timestamp) -> Option<Hold> {
        if hold.state == State::Performing && voided.is_none() && self.has_ended_its_host(&hold) {
            hold.outcome = Some(Outcome::Done(Data::null()));
            return Some(hold.ended(State::Done, None, now));
        }
        if hold.state == State::Performing {
            let why = "interrupted: the daemon ended while it ran";
            return Some(hold.ended(State::Interrupted, Some(why.into()), now));
        }
        voided.map(|why| hold.ended(State::Void, Some(format!("void: {why}")), now))
    }

    /// Whether all that it was to do was to end this host, and this is a later boot. Of a plan that had other steps nobody
    /// can say how far it came.
    fn has_ended_its_host(&self, hold: &Hold) -> bool {
        let later = self.is_later_than(hold.boot.as_deref().unwrap_or_default());
        later && !hold.plan.is_empty() && hold.plan.iter().all(|step| step.ends_host)
    }

    /// Whether this boot is another than that one, as far as both are known.
    pub(super) fn is_later_than(&self, began: &str) -> bool {
        !began.is_empty() && !self.boot.is_empty() && began != self.boot
    }

    pub(super) fn audit(&self) -> &SharedAudit {
        &self.audit
    }

    pub(super) fn boot(&self) -> &str {
        &self.boot
    }

    /// What the log has beyond the store.
    fn beyond(&self) -> Result<Beyond, StoreError> {
        let Some(mark) = self.store.last_transition()? else {
            // A store that knows of no transition has nothing to void.
            return Ok(Beyond::Nothing);
        };
        let Some(records) = lock(&self.audit).since(&mark)? else {
            return Ok(Beyond::Apart("the audit log no longer has the record of its last change"));
        };
        let mut beyond = records.into_iter().skip(1).filter(|(_, kept)| kept.hold.is_some());
        Ok(match (beyond.next(), beyond.next()) {
            (None, _) => Beyond::Nothing,
            (Some((mark, kept)), None) => Beyond::One(mark, kept),
            (Some(_), Some(_)) => Beyond::Apart("the store is older than the audit log"),
        })
    }
}

/// What the log tells of that the store does not know.
enum Beyond {
    Nothing,
    /// One transition, which a crash explains.
    One(Mark, Kept),
    /// What no crash explains: the two do not belong together.
    Apart(&'static str),
}

/// The state that the log tells of. A consent counts though the approver was never told that it did; a run that was
/// logged counts as begun, though nothing was started before it was stored.
fn rolled_forward(mut hold: Hold, kept: &Kept, now: Timestamp) -> Hold {
    let by = kept.by.as_deref().unwrap_or_default();
    let (person, uid) = by.split_once(" uid ").unwrap_or((by, ""));
    match (kept.state.as_deref(), uid.parse()) {
        (Some("held" | "approved"), Ok(uid)) => hold.consented(Consent { person: person.to_owned(), uid, at: now }),
        (Some("denied"), _) => hold.ended(State::Denied, Some(format!("denied by {person}")), now),
        (Some("cancelled"), _) => hold.ended(State::Cancelled, None, now),
        (Some("expired"), _) => hold.ended(State::Expired, None, now),
        (Some("performing" | "done" | "failed"), _) => {
            hold.state = State::Performing;
            hold
        }
        _ => hold.ended(State::Void, Some("void: its last change was not stored".into()), now),
    }
}

fn list(ids: &[HoldId]) -> String {
    ids.iter().map(HoldId::as_str).collect::<Vec<_>>().join(" ")
}

/// The log, whatever a thread that panicked meanwhile did: an append is whole or taken back.
pub fn lock(audit: &SharedAudit) -> std::sync::MutexGuard<'_, Audit> {
    audit.lock().unwrap_or_else(PoisonError::into_inner)
}
