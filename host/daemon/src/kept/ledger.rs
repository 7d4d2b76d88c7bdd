//! Store and audit log together: the one order in which a hold changes.
//!
//! The record of a transition is appended and synced; then the store commits the new state and names that record. So a
//! crash leaves at most one record of a transition that the store does not know, and a start can tell: the record that
//! the store names is gone, the log was cut; more than one follows, the store is an older copy. Both void what is held.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use redb::StorageBackend;
use regent_protocol::{Data, State};

use super::audit::{AuditLog, Kept, Mark};
use super::ending::{Closed, Ending};
use super::event::{Event, EventKind, Recovery};
use super::store::{Store, StoreError};
use crate::record::hold::{Consent, Hold, HoldId};
use crate::record::outcome::Outcome;
use crate::record::reason::{Decider, EndReason, VoidCause, VoidWord};
use crate::record::why::Why;

#[derive(Debug)]
pub struct Ledger {
    /// The store. Read freely; only [`Ledger::transition`] changes a hold.
    pub store: Store,
    audit: AuditLog,
    medium: Arc<dyn StorageBackend>,
    boot: String,
    /// How far the log is known to be on the disk, and since when.
    last_sync: Cell<(u64, Instant)>,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Why all that was held is void, if it is.
    pub voided: Option<VoidCause>,
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
    pub fn new(store: Store, audit: AuditLog) -> Self {
        let (medium, boot) = {
            let audit = audit.lock();
            (Arc::clone(&audit.medium), audit.boot.clone())
        };
        Self { store, audit, medium, boot, last_sync: Cell::new((0, Instant::now())) }
    }

    /// Brings a hold to its next state: logged, synced, then stored. When this returns the state is durable.
    ///
    /// # Errors
    /// [`StoreError::Conflict`], [`StoreError::NotLogged`]: nothing was done. Anything else: nothing is known, and the
    /// process must end.
    pub fn transition(&self, next: &mut Hold, by: Option<&Decider>, forget: &[HoldId]) -> Result<(), StoreError> {
        self.store.expect(&next.id, next.version)?;
        next.version += 1;
        if next.state == State::Performing {
            next.boot = Some(self.boot.clone());
        }
        let mark = self.append(next, by)?;
        self.sync()?;
        self.store.commit(std::slice::from_ref(next), &mark, forget)
    }

    fn append(&self, next: &Hold, by: Option<&Decider>) -> Result<Mark, StoreError> {
        let first = next.version == 1;
        let runs = next.state == State::Performing;
        let argv: Vec<Vec<String>> = next.plan.iter().map(|step| step.argv.clone()).collect();
        let why = next.reason.as_ref().and_then(in_words);
        let failure = match &next.outcome {
            Some(Outcome::Failed(text, code)) => Some((*code, text.as_str())),
            _ => None,
        };
        let (cause, failed) = match &next.reason {
            Some(EndReason::Void(cause)) => (Some(cause), &Why::Unsaid),
            Some(EndReason::Failed(why)) => (None, why),
            Some(EndReason::Denied(_)) | None => (None, &Why::Unsaid),
        };
        let event = Event {
            hold: Some(next.id.as_str()),
            state: Some(next.state),
            reference: Some(&next.reference),
            operation: Some(&next.operation),
            data: first.then_some(&next.data),
            plan: (first || runs).then_some(argv.as_slice()),
            decider: by,
            code: failure.map(|(code, _)| code),
            said: failure.map(|(_, text)| text),
            cause: cause.map(VoidWord::from),
            field: cause.and_then(VoidCause::field),
            why: why.as_deref(),
            rule: next.rule.as_ref(),
            ..Event::by(EventKind::Hold, &next.requester).because(failed)
        };
        self.audit.record(&event).map_err(StoreError::NotLogged)
    }

    /// Makes all that was logged durable.
    ///
    /// # Errors
    /// [`StoreError::Lost`]: nothing is known of what was written, and the process must end.
    pub fn sync(&self) -> Result<(), StoreError> {
        let end = self.audit.lock().end();
        self.medium.sync_data()?;
        self.last_sync.set((end, Instant::now()));
        Ok(())
    }

    /// Makes the log durable if it has grown and was not synced for so long.
    pub fn sync_if_due(&self, every: Duration) -> Result<(), StoreError> {
        let end = self.audit.lock().end();
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
    pub fn recover(&self, now: Timestamp) -> Result<Recovered, StoreError> {
        let mut found = Recovered { closed: self.close_endings()?, ..Recovered::default() };
        match self.beyond()? {
            Beyond::Nothing => {}
            Beyond::One(mark, kept) => found.completed = self.complete(&mark, &kept, now)?,
            Beyond::Apart(why) => found.voided = Some(why),
        }
        let live = self.store.holds()?.into_iter().filter(Hold::is_live);
        let mut settled: Vec<Hold> = live.filter_map(|hold| self.settle(hold, found.voided.as_ref(), now)).collect();
        if settled.is_empty() {
            return Ok(found);
        }
        let of = |state: State| settled.iter().filter(move |hold| hold.state == state).map(|hold| hold.id.clone());
        found.interrupted = of(State::Interrupted).collect();
        found.ended_host = of(State::Done).collect();
        let recovery = Recovery {
            interrupted: found.interrupted.clone(),
            void: of(State::Void).collect(),
            done: found.ended_host.clone(),
        };
        let cause = found.voided.as_ref().map(VoidWord::from);
        let event = Event { hold: Some("*"), cause, recovery: Some(&recovery), ..Event::of(EventKind::Recovery) };
        let mark = self.audit.lock().append(&event)?;
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
    fn settle(&self, mut hold: Hold, voided: Option<&VoidCause>, now: Timestamp) -> Option<Hold> {
        if hold.state == State::Performing && voided.is_none() && self.has_ended_its_host(&hold) {
            hold.outcome = Some(Outcome::Done(Data::null()));
            return Some(hold.ended(State::Done, None, now));
        }
        if hold.state == State::Performing {
            return Some(hold.ended(State::Interrupted, None, now));
        }
        voided.map(|cause| hold.ended(State::Void, Some(EndReason::Void(cause.clone())), now))
    }

    /// Whether all that it was to do was to end this host, and this is a later boot. Of a plan that had other steps
    /// nobody can say how far it came.
    fn has_ended_its_host(&self, hold: &Hold) -> bool {
        let later = self.is_later_than(hold.boot.as_deref().unwrap_or_default());
        later && !hold.plan.is_empty() && hold.plan.iter().all(|step| step.ends_host)
    }

    /// Whether this boot is another than that one, as far as both are known.
    fn is_later_than(&self, began: &str) -> bool {
        !began.is_empty() && !self.boot.is_empty() && began != self.boot
    }

    /// An operation that ends the host begins: its record and its note are durable when this returns.
    pub fn begin_ending(&self, ending: Ending) -> Result<(), StoreError> {
        self.sync()?;
        self.store.note_ending(&Ending { boot: self.boot.clone(), ..ending })
    }

    /// It has ended and the host has not, which is on record.
    pub fn finish_ending(&self, reference: &str) -> Result<(), StoreError> {
        self.sync()?;
        self.store.forget_ending(reference)
    }

    /// Closes the record of each whose end nobody lived to write down.
    fn close_endings(&self) -> Result<Vec<Closed>, StoreError> {
        let mut closed = Vec::new();
        for ending in self.store.endings()? {
            if self.lacks_its_end(&ending)? {
                let done = ending.only && self.is_later_than(&ending.boot);
                self.close(&ending, done)?;
                let Ending { reference, operation, .. } = ending.clone();
                closed.push(Closed { reference, operation, done });
            }
            self.finish_ending(&ending.reference)?;
        }
        Ok(closed)
    }

    /// Whether the log tells that it began, and not that it ended. A log without its beginning has been cut, and is not
    /// added to.
    fn lacks_its_end(&self, ending: &Ending) -> Result<bool, StoreError> {
        let records = self.audit.lock().since(&ending.began)?;
        let of_it = |kept: &Kept| kept.reference.as_deref() == Some(ending.reference.as_str());
        Ok(records.is_some_and(|records| !records.iter().skip(1).any(|(_, kept)| of_it(kept))))
    }

    fn close(&self, ending: &Ending, done: bool) -> Result<(), StoreError> {
        let (event, reason) = match done {
            true => (EventKind::Done, Why::HostEnded),
            false => (EventKind::Interrupted, Why::DaemonEnded),
        };
        let event = Event {
            reference: Some(&ending.reference),
            socket: Some(&ending.socket),
            uid: Some(ending.uid),
            gid: Some(ending.gid),
            operation: Some(&ending.operation),
            reason: reason.word(),
            ..Event::of(event)
        };
        self.audit.lock().append(&event)?;
        Ok(())
    }

    /// What the log has beyond the store.
    fn beyond(&self) -> Result<Beyond, StoreError> {
        let Some(mark) = self.store.last_transition()? else {
            // A store that knows of no transition has nothing to void.
            return Ok(Beyond::Nothing);
        };
        let Some(records) = self.audit.lock().since(&mark)? else {
            return Ok(Beyond::Apart(VoidCause::LogCut));
        };
        let mut beyond = records.into_iter().skip(1).filter(|(_, kept)| kept.hold.is_some());
        Ok(match (beyond.next(), beyond.next()) {
            (None, _) => Beyond::Nothing,
            (Some((mark, kept)), None) => Beyond::One(mark, kept),
            (Some(_), Some(_)) => Beyond::Apart(VoidCause::StoreOlder),
        })
    }
}

/// What the log tells of that the store does not know.
enum Beyond {
    Nothing,
    /// One transition, which a crash explains.
    One(Mark, Kept),
    /// What no crash explains: the two do not belong together.
    Apart(VoidCause),
}

/// The state that the log tells of. A consent counts though the approver was never told that it did; a run that was
/// logged counts as begun, though nothing was started before it was stored.
fn rolled_forward(mut hold: Hold, kept: &Kept, now: Timestamp) -> Hold {
    match (kept.state.as_deref().and_then(State::of_word), &kept.decider) {
        (Some(State::Held | State::Approved), Some(Decider { person: Some(person), uid })) => {
            hold.consented(Consent { person: person.clone(), uid: *uid, at: now })
        }
        (Some(State::Denied), Some(decider)) => {
            hold.ended(State::Denied, Some(EndReason::Denied(decider.clone())), now)
        }
        (Some(state @ (State::Cancelled | State::Expired)), _) => hold.ended(state, None, now),
        (Some(State::Performing | State::Done | State::Failed), _) => {
            hold.state = State::Performing;
            hold
        }
        _ => hold.ended(State::Void, Some(EndReason::Void(VoidCause::NotStored)), now),
    }
}

/// What a record says of it to people, beyond its own fields.
fn in_words(reason: &EndReason) -> Option<String> {
    match reason {
        EndReason::Denied(_) => None,
        EndReason::Void(cause) => Some(cause.to_string()),
        EndReason::Failed(why) => (!why.is_unsaid()).then(|| why.to_string()),
    }
}
