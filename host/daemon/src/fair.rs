//! Who is next of those that wait for something: the peer that has had least of it lately, however many wait of each.
//! Somebody who asks now and then waits for what is being done at the moment, and for nobody's queue.
//!
//! What everybody has had is halved each time that all together have had so much more. Fair queueing by start times
//! would divide as fairly, but has one that stays below its part wait after each use until the others have had theirs.
//!
//! Who comes as somebody new is taken to have had what the others have on average: were it nothing, whoever comes as
//! somebody new each time would be before everybody else for ever.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Duration;

/// Who waits for the same thing as others: the socket's number and the uid.
pub type Peer = (u64, u32);

/// Those that wait, each with what it is told by.
#[derive(Debug)]
pub struct Queue<T> {
    /// So much had by all halves what was had before, in microseconds.
    half: u64,
    peers: HashMap<Peer, Own<T>>,
    /// Those of them that wait.
    order: BTreeSet<(Rank, Peer)>,
    came: u64,
    /// How many wait, of all.
    waiting: usize,
    /// What the peers have had.
    had: u64,
    /// And since it was halved.
    lately: u64,
}

/// What it has had, and among those who had the same who came first.
type Rank = (u64, u64);

#[derive(Debug)]
struct Own<T> {
    place: Rank,
    waiting: VecDeque<T>,
}

impl<T> Queue<T> {
    /// Nobody waits. So much had by all halves what was had before: many times the longest use, for of what is
    /// forgotten with the next use nobody is told from anybody else.
    pub fn halved_each(half: Duration) -> Self {
        Self::of(u64::try_from(half.as_micros()).unwrap_or(u64::MAX).max(1))
    }

    fn of(half: u64) -> Self {
        Self { half, peers: HashMap::new(), order: BTreeSet::new(), came: 0, waiting: 0, had: 0, lately: 0 }
    }

    pub fn wait(&mut self, peer: Peer, told_by: T) {
        self.came += 1;
        let came = self.came;
        let own = self.own(peer);
        if own.waiting.is_empty() {
            own.place.1 = came;
        }
        own.waiting.push_back(told_by);
        let place = own.place;
        self.order.insert((place, peer));
        self.waiting += 1;
    }

    /// Who is next, of those peers that may be if any of them waits; it waits no more. `None`: nobody waits, so nobody
    /// owes anybody anything from now on.
    pub fn next(&mut self, may: impl Fn(Peer) -> bool) -> Option<(Peer, T)> {
        let first = self.order.iter().find(|(_, peer)| may(*peer)).or_else(|| self.order.first()).copied();
        let next = first.and_then(|(place, peer)| {
            let own = self.peers.get_mut(&peer)?;
            let next = own.waiting.pop_front()?;
            if own.waiting.is_empty() {
                self.order.remove(&(place, peer));
            }
            self.waiting -= 1;
            Some((peer, next))
        });
        if next.is_none() {
            *self = Self::of(self.half);
        }
        next
    }

    /// This peer has used so much, in microseconds.
    pub fn used(&mut self, peer: Peer, much: u64) {
        let much = much.max(1);
        self.lately = self.lately.saturating_add(much);
        if self.lately >= self.half {
            self.halve(u32::try_from(self.lately / self.half).unwrap_or(u32::MAX));
            self.lately %= self.half;
        }
        self.came += 1;
        let came = self.came;
        let own = self.own(peer);
        let before = own.place;
        own.place = (before.0.saturating_add(much), came);
        let (place, waits) = (own.place, !own.waiting.is_empty());
        if waits {
            self.order.remove(&(before, peer));
            self.order.insert((place, peer));
        }
        self.had = self.had.saturating_add(much);
    }

    /// This peer's, if need be as a newcomer's.
    fn own(&mut self, peer: Peer) -> &mut Own<T> {
        let average = self.had / u64::try_from(self.peers.len() + 1).unwrap_or(u64::MAX);
        let had = &mut self.had;
        self.peers.entry(peer).or_insert_with(|| {
            *had = had.saturating_add(average);
            Own { place: (average, 0), waiting: VecDeque::new() }
        })
    }

    /// So many times. Who has had nothing any more and waits for nothing needs no remembering.
    fn halve(&mut self, times: u32) {
        self.order.clear();
        self.had = 0;
        let (order, had) = (&mut self.order, &mut self.had);
        self.peers.retain(|peer, own| {
            own.place.0 = own.place.0.checked_shr(times).unwrap_or(0);
            *had = had.saturating_add(own.place.0);
            let waits = !own.waiting.is_empty();
            if waits {
                order.insert((own.place, *peer));
            }
            waits || own.place.0 > 0
        });
    }

    pub fn retain(&mut self, keep: impl Fn(&T) -> bool) {
        let (peers, waiting) = (&mut self.peers, &mut self.waiting);
        self.order.retain(|(_, peer)| {
            let Some(own) = peers.get_mut(peer) else { return false };
            let before = own.waiting.len();
            own.waiting.retain(&keep);
            *waiting -= before - own.waiting.len();
            !own.waiting.is_empty()
        });
    }

    pub fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    /// How many wait, of this peer and of all.
    pub fn waiting(&self, peer: Peer) -> (usize, usize) {
        (self.peers.get(&peer).map_or(0, |own| own.waiting.len()), self.waiting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CROWD: Peer = (0, 1);
    const OTHERS: Peer = (0, 2);
    const GUEST: Peer = (0, 3);

    fn queue<T>() -> Queue<T> {
        Queue::halved_each(Duration::from_millis(50))
    }

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
        let mut queue = queue();
        (0..50).for_each(|_| queue.wait(CROWD, ()));
        assert_eq!(queue.next(anybody), Some((CROWD, ())));
        queue.used(CROWD, 10);
        queue.wait(GUEST, ());
        assert_eq!(queue.waiting(CROWD), (49, 50));
        assert_eq!(order(&mut queue, |_| 10)[..2], [GUEST, CROWD]);
    }

    #[test]
    fn who_uses_twice_as_much_at_a_time_is_next_half_as_often() {
        let mut queue = queue();
        (0..30).for_each(|_| queue.wait(CROWD, ()));
        (0..30).for_each(|_| queue.wait(OTHERS, ()));
        let first = order(&mut queue, |peer| if peer == CROWD { 20 } else { 10 });
        let crowds = first.iter().take(30).filter(|peer| **peer == CROWD).count();
        assert!((9..=11).contains(&crowds), "{crowds} of 30");
    }

    #[test]
    fn who_comes_as_somebody_new_each_time_is_not_before_who_comes_again_for_ever() {
        let mut queue = queue();
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
    fn who_stays_below_its_part_is_next_each_time_that_it_comes() {
        let mut queue = queue();
        for peer in [CROWD, OTHERS] {
            (0..2_000).for_each(|_| queue.wait(peer, ()));
        }
        // As large as theirs, but seldom.
        for turn in 0..2_000 {
            let guests = turn > 100 && turn % 5 == 0;
            if guests {
                queue.wait(GUEST, ());
            }
            let (peer, ()) = queue.next(anybody).unwrap_or_else(|| panic!("somebody waits"));
            assert_eq!(peer == GUEST, guests, "{turn}");
            queue.used(peer, 100);
        }
    }

    #[test]
    fn who_had_everything_while_nobody_else_wanted_it_waits_for_a_while_only() {
        let mut queue = queue();
        (0..10_000).for_each(|_| queue.wait(CROWD, ()));
        (0..5_000).for_each(|_| {
            queue.next(anybody);
            queue.used(CROWD, 100);
        });
        (0..10_000).for_each(|_| queue.wait(OTHERS, ()));
        let first = order(&mut queue, |_| 100);
        let waited = first.iter().take_while(|peer| **peer != CROWD).count();
        assert!(waited < 1_000, "{waited}");
    }

    #[test]
    fn of_many_who_came_once_few_are_remembered() {
        let mut queue = queue();
        queue.wait(CROWD, ());
        for uid in 10..100_000 {
            queue.used((0, uid), 100);
        }
        assert!(queue.peers.len() < 10_000, "{}", queue.peers.len());
        assert_eq!(queue.waiting(CROWD), (1, 1));
    }

    #[test]
    fn who_may_not_is_passed_over_while_another_waits_who_may() {
        let mut queue = queue();
        queue.wait(CROWD, 1);
        queue.wait(GUEST, 2);
        assert_eq!(queue.next(|peer| peer != CROWD), Some((GUEST, 2)));
        assert_eq!(queue.next(|peer| peer != CROWD), Some((CROWD, 1)), "nobody else is there");
    }

    #[test]
    fn who_gave_up_is_not_next_and_nothing_of_it_stays() {
        let mut queue = queue();
        queue.wait(CROWD, 1);
        queue.wait(CROWD, 2);
        queue.wait(GUEST, 3);
        queue.retain(|number| *number == 2);
        assert_eq!(queue.waiting(GUEST), (0, 1));
        assert_eq!(queue.next(anybody), Some((CROWD, 2)));
        queue.used(CROWD, 5);
        assert_eq!(queue.next(anybody), None);
        assert!(queue.peers.is_empty() && queue.order.is_empty() && queue.had == 0);
    }
}
