//! Refusals that can still be asked about, in memory: bounded for each peer and in all, and kept at a cost that does
//! not grow with those of others, for a stranger can have as many as it likes.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

use super::explained::Explained;
use crate::record::denial::Refused;
use crate::record::requester::Owner;

const EACH: usize = 64;
/// In all: each is some KiB at most.
const ALL: usize = 1_024;

#[derive(Debug, Default)]
pub struct Remembered(RefCell<RecentByOwner<Explained>>);

impl Remembered {
    pub fn keep(&self, refused: Refused<'_>) {
        let (owner, reference) = (refused.requester.owner(), refused.reference.to_owned());
        self.0.borrow_mut().keep(owner, reference, refused.into());
    }

    pub fn find(&self, reference: &str) -> Option<Rc<Explained>> {
        self.0.borrow().find(reference)
    }
}

#[derive(Debug)]
struct RecentByOwner<T> {
    of: HashMap<Owner, VecDeque<One<T>>>,
    all: usize,
    came: u64,
}

#[derive(Debug)]
struct One<T> {
    came: u64,
    reference: String,
    what: Rc<T>,
}

impl<T> Default for RecentByOwner<T> {
    fn default() -> Self {
        Self { of: HashMap::new(), all: 0, came: 0 }
    }
}

impl<T> RecentByOwner<T> {
    fn keep(&mut self, owner: Owner, reference: String, what: T) {
        // Who reads the end of one hold again and again pushes nothing out with it.
        if let Some(own) = self.of.get_mut(&owner) {
            let before = own.len();
            own.retain(|one| one.reference != reference);
            self.all -= before - own.len();
        }
        self.make_room(&owner);
        self.came += 1;
        self.of.entry(owner).or_default().push_back(One { came: self.came, reference, what: Rc::new(what) });
        self.all += 1;
    }

    /// For one more: this owner's oldest goes, or whosever is.
    fn make_room(&mut self, owner: &Owner) {
        let full = self.of.get(owner).is_some_and(|own| own.len() >= EACH);
        let loses = if full { Some(owner.clone()) } else { self.oldest().filter(|_| self.all >= ALL) };
        let Some(own) = loses.as_ref().and_then(|owner| self.of.get_mut(owner)) else { return };
        self.all -= usize::from(own.pop_front().is_some());
        if let Some(owner) = loses.filter(|_| own.is_empty()) {
            self.of.remove(&owner);
        }
    }

    fn oldest(&self) -> Option<Owner> {
        let first = |own: &VecDeque<One<T>>| own.front().map_or(u64::MAX, |one| one.came);
        self.of.iter().min_by_key(|(_, own)| first(own)).map(|(owner, _)| owner.clone())
    }

    fn find(&self, reference: &str) -> Option<Rc<T>> {
        let mut all = self.of.values().flatten();
        all.find(|one| one.reference == reference).map(|one| Rc::clone(&one.what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(number: usize) -> Owner {
        ("socket".into(), u32::try_from(number).ok())
    }

    fn kept(many: impl IntoIterator<Item = (usize, usize)>) -> RecentByOwner<usize> {
        let mut kept = RecentByOwner::default();
        many.into_iter().for_each(|(of, number)| kept.keep(owner(of), format!("{of}-{number}"), number));
        assert_eq!(kept.all, kept.of.values().map(VecDeque::len).sum::<usize>());
        assert!(kept.of.values().all(|own| !own.is_empty()));
        kept
    }

    #[test]
    fn of_one_owner_the_last_ones_are_kept_and_nobody_elses_are_lost_for_them() {
        let kept = kept([(1, 0)].into_iter().chain((0..10_000).map(|number| (2, number))));
        assert_eq!((kept.all, kept.find("1-0").as_deref()), (EACH + 1, Some(&0)));
        assert_eq!((kept.find("2-9999").as_deref(), kept.find("2-9936").as_deref()), (Some(&9_999), Some(&9_936)));
        assert!(kept.find("2-9935").is_none());
    }

    #[test]
    fn of_all_the_oldest_makes_way_whosever_it_is() {
        let kept = kept((0..ALL + 10).map(|number| (number, 0)));
        assert_eq!(kept.all, ALL);
        assert!(kept.find("9-0").is_none() && kept.find("10-0").is_some());
    }

    #[test]
    fn the_same_reference_again_is_one() {
        let kept = kept((0..100).map(|_| (1, 7)).chain([(1, 8)]));
        assert_eq!(kept.all, 2);
        assert!(kept.find("1-7").is_some());
        // Nor where there is no more room, of its own or of all.
        let full = (0..EACH).map(|number| (1, number)).chain([(1, 9)]);
        assert!(super::tests::kept(full).find("1-0").is_some());
        let full = (0..ALL).map(|owner| (owner, 0)).chain([(9, 0)]);
        assert!(super::tests::kept(full).find("0-0").is_some());
    }
}
