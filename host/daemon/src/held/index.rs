//! What must be known of holds without asking the disk: how many a requester has, when each is due, and who waits for
//! it. Everything here can be made again from the store, and is at each start.

use std::collections::HashMap;
use std::rc::Rc;

use jiff::Timestamp;
use tokio::sync::Notify;

use crate::record::hold::{Hold, HoldId};
use crate::record::requester::Owner;
use crate::shares::Limit;

/// Holds of one requester, and in all, that wait or run: more are asked faster than anybody approves.
pub const LIVE: Limit = Limit { each: 8, most: 1_000 };
/// Ended ones of one requester that are kept to be read, each with a result of up to 1 MiB; the oldest goes first.
pub const ENDED_EACH: usize = 64;
pub(super) const ENDED_MAX: usize = 2_000;
/// Those with a key of their requester's are not pushed out by others, or they could be done twice: one more is
/// refused.
pub const KEYED: Limit = Limit { each: 256, most: 4_000 };

#[derive(Debug)]
struct HoldEntry {
    owner: Owner,
    due: Option<Timestamp>,
    ended: Option<Timestamp>,
    keyed: bool,
    changed: Rc<Notify>,
}
#[derive(Debug, Default)]
pub(super) struct Index(HashMap<HoldId, HoldEntry>);

impl Index {
    pub(super) fn of(holds: &[Hold]) -> Self {
        let mut index = Self::default();
        holds.iter().for_each(|hold| index.put(hold));
        index
    }

    /// Whether this requester may have one more.
    pub(super) fn has_room(&self, owner: &Owner) -> bool {
        self.has_place(owner, |entry| entry.ended.is_none(), LIVE)
    }

    /// Whether this requester may give one more a key.
    pub(super) fn has_room_for_a_key(&self, owner: &Owner) -> bool {
        self.has_place(owner, |entry| entry.keyed, KEYED)
    }

    fn has_place(&self, owner: &Owner, takes_one: impl Fn(&HoldEntry) -> bool, limit: Limit) -> bool {
        let (mut all, mut own) = (0, 0);
        for entry in self.0.values().filter(|entry| takes_one(entry)) {
            all += 1;
            own += usize::from(entry.owner == *owner);
        }
        limit.has_room(own, all, 1)
    }
    pub(super) fn live(&self) -> impl Iterator<Item = &HoldId> {
        self.0.iter().filter(|(_, entry)| entry.ended.is_none()).map(|(id, _)| id)
    }

    /// Takes note of a hold as it is now, and wakes who waits for it.
    pub(super) fn put(&mut self, hold: &Hold) {
        let changed = self.0.get(&hold.id).map_or_else(Rc::default, |entry| Rc::clone(&entry.changed));
        changed.notify_waiters();
        let (owner, keyed) = (hold.requester.owner(), hold.key.is_some());
        let entry = HoldEntry { owner, due: hold.deadline(), ended: hold.ended, keyed, changed };
        self.0.insert(hold.id.clone(), entry);
    }

    pub(super) fn is_of(&self, id: &HoldId, owner: &Owner) -> bool {
        self.0.get(id).is_some_and(|entry| entry.owner == *owner)
    }

    /// What tells of the next change of this hold.
    pub(super) fn changes(&self, id: &HoldId) -> Option<Rc<Notify>> {
        self.0.get(id).map(|entry| Rc::clone(&entry.changed))
    }

    /// Those whose time has come, one way or the other.
    pub(super) fn due(&self, now: Timestamp) -> Vec<HoldId> {
        let due = self.0.iter().filter(|(_, entry)| entry.due.is_some_and(|due| due <= now));
        due.map(|(id, _)| id.clone()).collect()
    }

    /// Ended ones that this owner's next would push out.
    pub(super) fn crowded_out(&self, owner: &Owner) -> Vec<HoldId> {
        let free = self.0.iter().filter(|(_, entry)| !entry.keyed);
        let mut ended: Vec<_> =
            free.filter_map(|(id, entry)| entry.ended.map(|at| (at, entry.owner == *owner, id))).collect();
        ended.sort_unstable();
        let own = ended.iter().filter(|(_, own, _)| *own).count();
        let mut out: Vec<HoldId> = Vec::new();
        let surplus = (own + 1).saturating_sub(ENDED_EACH);
        out.extend(ended.iter().filter(|(_, own, _)| *own).take(surplus).map(|(_, _, id)| (*id).clone()));
        let surplus = (ended.len() + 1).saturating_sub(ENDED_MAX + out.len());
        out.extend(ended.iter().filter(|(_, own, _)| !own).take(surplus).map(|(_, _, id)| (*id).clone()));
        out
    }

    pub(super) fn ended_before(&self, time: Timestamp) -> Vec<HoldId> {
        let old = self.0.iter().filter(|(_, entry)| entry.ended.is_some_and(|at| at < time));
        old.map(|(id, _)| id.clone()).collect()
    }

    /// They are no longer in the store.
    pub(super) fn forget(&mut self, ids: &[HoldId]) {
        ids.iter().for_each(|id| drop(self.0.remove(id)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(uid: u32) -> Owner {
        ("web".into(), Some(uid))
    }

    fn keyed(index: &mut Index, owner: &Owner) {
        let entry = HoldEntry {
            owner: owner.clone(),
            due: None,
            ended: Some(Timestamp::UNIX_EPOCH),
            keyed: true,
            changed: Rc::default(),
        };
        index.0.insert(HoldId::random(), entry);
    }

    #[test]
    fn one_alone_has_all_that_one_may_have() {
        let mut index = Index::default();
        (0..KEYED.each).for_each(|_| {
            assert!(index.has_room_for_a_key(&owner(1)));
            keyed(&mut index, &owner(1));
        });
        assert!(!index.has_room_for_a_key(&owner(1)));
        assert!(index.has_room_for_a_key(&owner(2)));
    }

    #[test]
    fn many_who_take_all_they_can_leave_room_for_one_who_has_nothing() {
        let mut index = Index::default();
        for uid in (0..64).cycle().take(KEYED.most * 2) {
            if index.has_room_for_a_key(&owner(uid)) {
                keyed(&mut index, &owner(uid));
            }
        }
        assert!(index.0.len() > KEYED.most / 2, "{}", index.0.len());
        (0..KEYED.most / 128).for_each(|_| {
            assert!(index.has_room_for_a_key(&owner(100)));
            keyed(&mut index, &owner(100));
        });
    }
}
