//! Who is next of those that wait for something: the peer that has had least of it lately, however many wait of each. Somebody who
//! asks now and then waits for what is being done at the moment, and for nobody's queue.
//!
//! It is fair queueing by start times (Goyal, Vin, Cheng: Start-time Fair Queueing, 1996): a peer's time begins where the others'
//! is when it comes, and goes on by what it uses. The others' goes on by what all use, a part for each: were it only who is served
//! that moves it, whoever comes as somebody new each time would be before everybody else for ever.

use std::collections::{BTreeSet, HashMap, VecDeque};

/// Who waits for the same thing as others: the socket's number and the uid.
pub type Peer = (u64, u32);

/// Those that wait, each with what it is told by.
#[derive(Debug)]
pub struct Queue<T> {
    /// Where the time of who comes now begins.
    now: u64,
    peers: HashMap<Peer, Own<T>>,
    /// Those of them that wait.
    order: BTreeSet<(Place, Peer)>,
    came: u64,
    /// How many wait, of all.
    waiting: usize,
    /// With so many peers it is looked who need not be remembered: so that costs each use the same, however many there are.
    forget_at: usize,
}

/// Times are kept by so much finer a unit: of a small use each of many still has a part.
const FINER: u64 = 1_024;
/// Fewer peers are not worth a look.
const FORGET_FROM: usize = 64;

/// A time, and at one time who came first.
type Place = (u64, u64);

#[derive(Debug)]
struct Own<T> {
    place: Place,
    waiting: VecDeque<T>,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        let (peers, order) = (HashMap::new(), BTreeSet::new());
        Self { now: 0, peers, order, came: 0, waiting: 0, forget_at: FORGET_FROM }
    }
}

impl<T> Default for Own<T> {
    fn default() -> Self {
        Self { place: (0, 0), waiting: VecDeque::new() }
    }
}

impl<T> Queue<T> {
    /// One more waits.
    pub fn wait(&mut self, peer: Peer, told_by: T) {
        let own = self.peers.entry(peer).or_default();
        if own.waiting.is_empty() {
            self.came += 1;
            own.place = (own.place.0.max(self.now), self.came);
            self.order.insert((own.place, peer));
        }
        own.waiting.push_back(told_by);
        self.waiting += 1;
    }

    /// Who is next, of those peers that may be if any of them waits; it waits no more. `None`: nobody waits, so nobody owes
    /// anybody anything from now on.
    pub fn next(&mut self, may: impl Fn(Peer) -> bool) -> Option<(Peer, T)> {
        let first = self.order.iter().find(|(_, peer)| may(*peer)).or_else(|| self.order.first()).copied();
        let next = first.and_then(|(place, peer)| {
            self.order.remove(&(place, peer));
            let own = self.peers.get_mut(&peer)?;
            let next = own.waiting.pop_front()?;
            if !own.waiting.is_empty() {
                self.order.insert((place, peer));
            }
            self.waiting -= 1;
            self.now = self.now.max(place.0);
            Some((peer, next))
        });
        if next.is_none() {
            *self = Self::default();
        }
        next
    }

    /// This peer has used so much, in whatever unit all are told in.
    pub fn used(&mut self, peer: Peer, much: u64) {
        let much = much.max(1).saturating_mul(FINER);
        let now = self.now;
        let own = self.peers.entry(peer).or_insert_with(|| Own { place: (now, 0), ..Own::default() });
        let waits = self.order.remove(&(own.place, peer));
        self.came += 1;
        own.place = (own.place.0.saturating_add(much), self.came);
        if waits {
            self.order.insert((own.place, peer));
        }
        // This one, those that wait, and who may come next.
        let sharers = self.order.len() + usize::from(!waits) + 1;
        self.now = self.now.saturating_add(much / u64::try_from(sharers).unwrap_or(u64::MAX));
        if self.peers.len() >= self.forget_at {
            self.forget();
        }
    }

    /// Takes out whoever is not to be kept.
    pub fn retain(&mut self, keep: impl Fn(&T) -> bool) {
        let waiting = &mut self.waiting;
        let order = &mut self.order;
        order.retain(|(_, peer)| {
            let Some(own) = self.peers.get_mut(peer) else { return false };
            let before = own.waiting.len();
            own.waiting.retain(&keep);
            *waiting -= before - own.waiting.len();
            !own.waiting.is_empty()
        });
    }

    /// Whether nobody waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    /// How many wait, of this peer and of all.
    #[must_use]
    pub fn waiting(&self, peer: Peer) -> (usize, usize) {
        (self.peers.get(&peer).map_or(0, |own| own.waiting.len()), self.waiting)
    }

    /// Who waits for nothing and has had no more than the others needs no remembering.
    fn forget(&mut self) {
        let now = self.now;
        self.peers.retain(|_, own| own.place.0 > now || !own.waiting.is_empty());
        self.forget_at = FORGET_FROM.max(self.peers.len() * 2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CROWD: Peer = (0, 1);
    const OTHERS: Peer = (0, 2);
    const GUEST: Peer = (0, 3);

    fn anybody(_: Peer) -> bool {
        true
    }

    /// Whose it is, one after the other, where each use is as much as this.
    fn order(queue: &mut Queue<()>, much: impl Fn(Peer) -> u64) -> Vec<Peer> {
        let next = || {
            let (peer, ()) = queue.next(anybody)?;
            queue.used(peer, much(peer));
            Some(peer)
        };
        std::iter::from_fn(next).collect()
    }

    #[test]
    fn who_comes_last_and_had_nothing_yet_is_before_the_rest_of_a_crowd() {
        let mut queue = Queue::default();
        (0..50).for_each(|_| queue.wait(CROWD, ()));
        assert_eq!(queue.next(anybody), Some((CROWD, ())));
        queue.used(CROWD, 10);
        queue.wait(GUEST, ());
        assert_eq!(queue.waiting(CROWD), (49, 50));
        assert_eq!(order(&mut queue, |_| 10)[..2], [GUEST, CROWD]);
    }

    #[test]
    fn who_uses_twice_as_much_at_a_time_is_next_half_as_often() {
        let mut queue = Queue::default();
        (0..30).for_each(|_| queue.wait(CROWD, ()));
        (0..30).for_each(|_| queue.wait(OTHERS, ()));
        let first = order(&mut queue, |peer| if peer == CROWD { 20 } else { 10 });
        let crowds = first.iter().take(30).filter(|peer| **peer == CROWD).count();
        assert!((9..=11).contains(&crowds), "{crowds} of 30");
    }

    #[test]
    fn who_comes_as_somebody_new_each_time_is_not_before_who_comes_again_for_ever() {
        let mut queue = Queue::default();
        // It has had a turn like everybody's, and asks again.
        queue.used(GUEST, 10);
        (1_000..1_020).for_each(|uid| queue.wait((0, uid), ()));
        queue.wait(GUEST, ());
        let mut before = 0;
        for uid in 2_000..3_000 {
            let (peer, ()) = queue.next(anybody).unwrap_or_else(|| panic!("somebody waits"));
            if peer == GUEST {
                break;
            }
            queue.used(peer, 10);
            queue.wait((0, uid), ());
            before += 1;
        }
        assert!(before <= 40, "{before} newcomers were before it");
    }

    #[test]
    fn of_many_who_came_once_few_are_remembered() {
        let mut queue = Queue::default();
        queue.wait(CROWD, ());
        for uid in 10..10_000 {
            queue.used((0, uid), 10);
        }
        assert!(queue.peers.len() < 4 * FORGET_FROM, "{}", queue.peers.len());
        assert_eq!(queue.waiting(CROWD), (1, 1));
    }

    #[test]
    fn who_may_not_is_passed_over_while_another_waits_who_may() {
        let mut queue = Queue::default();
        queue.wait(CROWD, 1);
        queue.wait(GUEST, 2);
        assert_eq!(queue.next(|peer| peer != CROWD), Some((GUEST, 2)));
        assert_eq!(queue.next(|peer| peer != CROWD), Some((CROWD, 1)), "nobody else is there");
    }

    #[test]
    fn who_gave_up_is_not_next_and_nothing_of_it_stays() {
        let mut queue = Queue::default();
        queue.wait(CROWD, 1);
        queue.wait(CROWD, 2);
        queue.wait(GUEST, 3);
        queue.retain(|number| *number == 2);
        assert_eq!(queue.waiting(GUEST), (0, 1));
        assert_eq!(queue.next(anybody), Some((CROWD, 2)));
        queue.used(CROWD, 5);
        assert_eq!(queue.next(anybody), None);
        assert!(queue.peers.is_empty() && queue.order.is_empty() && queue.now == 0);
    }
}
