//! Who may use a lane next. A place stands for a lane; what finds none free waits. The next is the peer that has used
//! lanes least lately, however many requests of one wait, and no peer has more than half of the places while another
//! waits.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use regent_lane::LANES;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use crate::fair::{Peer, Queue};
use crate::shares::{Counted, Limit};

/// Requests that may wait for one plugin, of one peer and in all: each keeps its line in memory until its deadline.
pub const WAITING: Limit = Limit { each: 64, most: 576 };
/// Of one peer, while others wait.
const SHARE: usize = LANES / 2;
/// What is lately: some dozens of exchanges that take as long as a plugin may.
const LATELY: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub struct LanePermits(RefCell<PermitState>);

#[derive(Debug)]
struct PermitState {
    held: Counted,
    queue: Queue<oneshot::Sender<()>>,
}

#[derive(Debug)]
pub struct LanePermit {
    of: Rc<LanePermits>,
    peer: Peer,
    since: Instant,
}

/// No place came free in time, or too many wait already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy;

impl LanePermits {
    pub fn new() -> Rc<Self> {
        let queue = Queue::halved_each(LATELY);
        Rc::new(Self(RefCell::new(PermitState { held: Counted::default(), queue })))
    }

    pub async fn take(self: &Rc<Self>, peer: Peer, deadline: Instant) -> Result<LanePermit, Busy> {
        let waiting = self.0.borrow_mut().take(peer)?;
        let Some(mut waiting) = waiting else { return Ok(self.granted(peer)) };
        match timeout_at(deadline, &mut waiting).await {
            Ok(Ok(())) => Ok(self.granted(peer)),
            _ => {
                // Granted at the very moment that the deadline came: it goes on to the next.
                if waiting.try_recv().is_ok() {
                    drop(self.granted(peer));
                }
                drop(waiting);
                self.0.borrow_mut().forget_closed();
                Err(Busy)
            }
        }
    }

    fn granted(self: &Rc<Self>, peer: Peer) -> LanePermit {
        LanePermit { of: Rc::clone(self), peer, since: Instant::now() }
    }
}

impl PermitState {
    fn free(&mut self, peer: Peer, used: u64) {
        self.queue.used(peer, used);
        self.held.remove(peer, 1);
        while self.held.all < LANES {
            self.forget_closed();
            let within = |peer| self.held.of(peer) < SHARE;
            let Some((peer, granted)) = self.queue.next(within) else { return };
            if granted.send(()).is_ok() {
                self.held.add(peer, 1);
            }
        }
    }

    /// A place at once, or what tells that one is granted.
    fn take(&mut self, peer: Peer) -> Result<Option<oneshot::Receiver<()>>, Busy> {
        if self.held.all < LANES {
            self.held.add(peer, 1);
            return Ok(None);
        }
        let (own, all) = self.queue.waiting(peer);
        if !WAITING.has_room(own, all, 1) {
            return Err(Busy);
        }
        let (granted, waiting) = oneshot::channel();
        self.queue.wait(peer, granted);
        Ok(Some(waiting))
    }

    fn forget_closed(&mut self) {
        self.queue.retain(|granted| !granted.is_closed());
    }
}

impl Drop for LanePermit {
    fn drop(&mut self) {
        let used = u64::try_from(self.since.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.of.0.borrow_mut().free(self.peer, used);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_millis(50)
    }

    async fn all(places: &Rc<LanePermits>, peer: Peer) -> Vec<LanePermit> {
        let mut taken = Vec::new();
        for _ in 0..LANES {
            taken.push(places.take(peer, soon()).await.unwrap());
        }
        taken
    }

    #[tokio::test(flavor = "current_thread")]
    async fn one_peer_alone_may_have_every_place_and_one_more_waits_until_its_deadline() {
        let places = LanePermits::new();
        let _taken = all(&places, (0, 1)).await;
        assert_eq!(places.take((0, 1), soon()).await.unwrap_err(), Busy);
        assert!(places.0.borrow().queue.waiting((0, 1)) == (0, 0), "who gave up waits no more");
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_peer_with_half_of_the_places_waits_behind_one_with_fewer_who_came_later() {
        let places = LanePermits::new();
        let mut taken = all(&places, (0, 1)).await;
        let local = tokio::task::LocalSet::new();
        let order = Rc::new(RefCell::new(Vec::new()));
        for peer in [1, 1, 2] {
            let (places, order) = (Rc::clone(&places), Rc::clone(&order));
            local.spawn_local(async move {
                let place = places.take((0, peer), soon()).await.unwrap();
                order.borrow_mut().push(peer);
                std::mem::forget(place);
            });
        }
        local
            .run_until(async {
                tokio::task::yield_now().await;
                taken.pop();
                tokio::time::sleep(Duration::from_millis(5)).await;
            })
            .await;
        assert_eq!(*order.borrow(), [2]);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn one_past_the_longest_queue_is_busy_at_once_and_another_peer_waits_all_the_same() {
        let places = LanePermits::new();
        let _taken = all(&places, (0, 1)).await;
        let local = tokio::task::LocalSet::new();
        let far = Instant::now() + Duration::from_secs(3600);
        let wait = |peer: Peer| {
            let places = Rc::clone(&places);
            local.spawn_local(async move { places.take(peer, far).await.is_ok() });
        };
        (0..WAITING.each).for_each(|_| wait((0, 1)));
        local
            .run_until(async {
                while places.0.borrow().queue.waiting((0, 1)).1 < WAITING.each {
                    tokio::task::yield_now().await;
                }
                assert_eq!(places.take((0, 1), far).await.unwrap_err(), Busy);
                wait((0, 2));
                while places.0.borrow().queue.waiting((0, 1)).1 <= WAITING.each {
                    tokio::task::yield_now().await;
                }
            })
            .await;
    }

    #[tokio::test(flavor = "current_thread")]
    async fn peers_with_long_queues_have_their_turn_after_one_who_came_later_and_waits_for_one() {
        let places = LanePermits::new();
        let mut taken = all(&places, (0, 1)).await;
        let local = tokio::task::LocalSet::new();
        let order = Rc::new(RefCell::new(Vec::new()));
        for peer in [1, 2, 3].repeat(10).into_iter().chain([9]) {
            let (places, order) = (Rc::clone(&places), Rc::clone(&order));
            local.spawn_local(async move {
                let far = Instant::now() + Duration::from_secs(3600);
                let _place = places.take((0, peer), far).await.unwrap();
                order.borrow_mut().push(peer);
            });
        }
        local
            .run_until(async {
                tokio::task::yield_now().await;
                taken.pop();
                tokio::time::sleep(Duration::from_millis(20)).await;
            })
            .await;
        let place = order.borrow().iter().position(|peer| *peer == 9).unwrap();
        assert!(place <= 3, "{:?}", order.borrow());
    }

    #[test]
    fn who_asks_for_little_is_next_nearly_each_time_however_long_the_exchanges_of_the_others_are() {
        let (mut queue, guest) = (Queue::halved_each(LATELY), (0, 100));
        for peer in 0..8 {
            (0..100).for_each(|_| queue.wait((0, peer), ()));
        }
        let mut guests = 0;
        for turn in 0..400 {
            if turn % 2 == 0 && queue.waiting(guest).0 == 0 {
                queue.wait(guest, ());
            }
            let (peer, ()) = queue.next(|_| true).unwrap();
            guests += u32::from(peer == guest);
            queue.used(peer, if peer == guest { 1_000 } else { 200_000 });
        }
        assert!(guests > 180, "{guests} of 200");
    }
}
