//! What peers share. Each has its limit, all together have one, and nobody has more than a part of what is free: those
//! who take all that they can leave room for the next who comes, whoever that is.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use crate::fair::Peer;

/// Of what is free nobody has more than one in so many.
const PART: usize = 8;

/// How much of one thing there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    pub each: usize,
    /// In all. Nine times `each`, or more, where one who is alone can have `each`.
    pub most: usize,
}

impl Limit {
    /// What one can have at the most, while nobody else has any.
    pub fn alone(&self) -> usize {
        self.each.min(self.most.saturating_add(1) / (PART + 1))
    }

    /// Whether who has `own`, where `all` are taken, may have so much more.
    pub fn has_room(&self, own: usize, all: usize, more: usize) -> bool {
        own.saturating_add(more) <= self.each.min(self.most.saturating_sub(all) / PART)
    }
}

/// One thing, and who has how much of it.
#[derive(Debug)]
pub struct Shares {
    limit: Limit,
    taken: RefCell<Counted>,
}

#[derive(Debug, Default)]
pub(crate) struct Counted {
    pub(crate) all: usize,
    each: HashMap<Peer, usize>,
}

impl Counted {
    pub(crate) fn of(&self, peer: Peer) -> usize {
        self.each.get(&peer).copied().unwrap_or_default()
    }

    pub(crate) fn add(&mut self, peer: Peer, amount: usize) {
        self.all += amount;
        *self.each.entry(peer).or_default() += amount;
    }

    pub(crate) fn remove(&mut self, peer: Peer, amount: usize) {
        self.all -= amount;
        if let Some(own) = self.each.get_mut(&peer) {
            *own -= amount;
            if *own == 0 {
                self.each.remove(&peer);
            }
        }
    }
}

/// What somebody has, until it is dropped.
#[derive(Debug)]
pub struct Taken {
    of: Rc<Shares>,
    peer: Peer,
    amount: usize,
}

impl Shares {
    pub fn of(limit: Limit) -> Rc<Self> {
        Rc::new(Self { limit, taken: RefCell::default() })
    }

    pub fn limit(&self) -> Limit {
        self.limit
    }

    pub fn take(self: &Rc<Self>, peer: Peer, amount: usize) -> Option<Taken> {
        let mut taken = self.taken.borrow_mut();
        if !self.limit.has_room(taken.of(peer), taken.all, amount) {
            return None;
        }
        taken.add(peer, amount);
        Some(Taken { of: Rc::clone(self), peer, amount })
    }

    /// How much is taken on this socket.
    pub fn on(&self, socket: u64) -> usize {
        self.taken.borrow().each.iter().filter(|((of, _), _)| *of == socket).map(|(_, amount)| amount).sum()
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.of.taken.borrow_mut().remove(self.peer, self.amount);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]
mod tests {
    use super::*;

    const LIMIT: Limit = Limit { each: 100, most: 900 };

    #[test]
    fn one_alone_has_all_that_one_may_have_and_nothing_past_it() {
        let shares = Shares::of(LIMIT);
        let mut taken: Vec<_> = (0..LIMIT.each).map(|_| shares.take((0, 1), 1).unwrap()).collect();
        assert!(shares.take((0, 1), 1).is_none());
        assert!(shares.take((0, 2), 1).is_some(), "another uid");
        assert!(shares.take((1, 1), 1).is_some(), "another socket");
        taken.pop();
        assert!(shares.take((0, 1), 1).is_some());
    }

    #[test]
    fn what_one_alone_can_have_is_what_it_gets() {
        for limit in [LIMIT, Limit { each: 512, most: 512 }, Limit { each: 512, most: 32 }, Limit { each: 8, most: 9 }]
        {
            let shares = Shares::of(limit);
            let taken: Vec<_> = (0..limit.most).map_while(|_| shares.take((0, 1), 1)).collect();
            assert_eq!(taken.len(), limit.alone(), "{limit:?}");
        }
    }

    #[test]
    fn however_many_take_all_that_they_can_the_next_has_some() {
        let shares = Shares::of(LIMIT);
        let mut taken = Vec::new();
        for uid in (0..32).cycle().take(32 * LIMIT.each) {
            taken.extend(shares.take((0, uid), 1));
        }
        assert!(taken.len() > LIMIT.most / 2, "{}", taken.len());
        assert!(shares.take((0, 1_000), 1).is_some());
    }

    #[test]
    fn what_is_dropped_is_free_and_nobody_is_remembered_for_nothing() {
        let shares = Shares::of(LIMIT);
        let taken = (shares.take((0, 1), 60).unwrap(), shares.take((0, 2), 30).unwrap());
        assert!(shares.take((0, 1), 41).is_none(), "one past it");
        assert_eq!((shares.on(0), shares.on(1)), (90, 0));
        drop(taken);
        assert_eq!(shares.taken.borrow().all, 0);
        assert!(shares.taken.borrow().each.is_empty());
    }
}
