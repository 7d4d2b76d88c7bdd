//! Who may use a lane next. A place stands for a lane; what finds none free waits, in order, but no peer has more than half
//! of the places while another waits.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

use regent_lane::LANES;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

/// Requests that may wait for one plugin: each keeps its line in memory until its deadline.
pub const WAITING_MAX: usize = 64;
/// Of one peer, while others wait.
const SHARE: usize = LANES / 2;

/// A peer, as far as fairness goes: the socket's number and the uid.
pub type Peer = (u64, u32);

/// The places of one plugin.
#[derive(Debug)]
pub struct Places(RefCell<Inner>);

#[derive(Debug)]
struct Inner {
    free: usize,
    held: HashMap<Peer, usize>,
    queue: VecDeque<(Peer, oneshot::Sender<()>)>,
}

/// A place, until it is dropped.
#[derive(Debug)]
pub struct Place {
    of: Rc<Places>,
    peer: Peer,
}

/// No place came free in time, or too many wait already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy;

impl Places {
    /// All free.
    #[must_use]
    pub fn new() -> Rc<Self> {
        Rc::new(Self(RefCell::new(Inner { free: LANES, held: HashMap::new(), queue: VecDeque::new() })))
    }

    /// Waits for a place.
    ///
    /// # Errors
    /// [`Busy`].
    pub async fn take(self: &Rc<Self>, peer: Peer, deadline: Instant) -> Result<Place, Busy> {
        let waiting = {
            let mut inner = self.0.borrow_mut();
            if inner.free > 0 {
                inner.grant(peer);
                None
            } else if inner.queue.len() >= WAITING_MAX {
                return Err(Busy);
            } else {
                let (granted, waiting) = oneshot::channel();
                inner.queue.push_back((peer, granted));
                Some(waiting)
            }
        };
        let Some(mut waiting) = waiting else { return Ok(Place { of: Rc::clone(self), peer }) };
        match timeout_at(deadline, &mut waiting).await {
            Ok(Ok(())) => Ok(Place { of: Rc::clone(self), peer }),
            _ => {
                // Granted at the very moment that the deadline came: it goes on to the next.
                if waiting.try_recv().is_ok() {
                    drop(Place { of: Rc::clone(self), peer });
                }
                drop(waiting);
                self.0.borrow_mut().queue.retain(|(_, granted)| !granted.is_closed());
                Err(Busy)
            }
        }
    }
}

impl Inner {
    fn grant(&mut self, peer: Peer) {
        self.free -= 1;
        *self.held.entry(peer).or_default() += 1;
    }

    fn free(&mut self, peer: Peer) {
        self.free += 1;
        if let Some(held) = self.held.get_mut(&peer) {
            *held -= 1;
            if *held == 0 {
                self.held.remove(&peer);
            }
        }
        while self.free > 0 {
            self.queue.retain(|(_, granted)| !granted.is_closed());
            let within = |(peer, _): &(Peer, _)| self.held.get(peer).is_none_or(|held| *held < SHARE);
            let next = self.queue.iter().position(within).unwrap_or(0);
            let Some((peer, granted)) = self.queue.remove(next) else { return };
            if granted.send(()).is_ok() {
                self.grant(peer);
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.of.0.borrow_mut().free(self.peer);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_millis(50)
    }

    async fn all(places: &Rc<Places>, peer: Peer) -> Vec<Place> {
        let mut taken = Vec::new();
        for _ in 0..LANES {
            taken.push(places.take(peer, soon()).await.unwrap());
        }
        taken
    }

    #[tokio::test(flavor = "current_thread")]
    async fn one_peer_alone_may_have_every_place_and_one_more_waits_until_its_deadline() {
        let places = Places::new();
        let _taken = all(&places, (0, 1)).await;
        assert_eq!(places.take((0, 1), soon()).await.unwrap_err(), Busy);
        assert!(places.0.borrow().queue.is_empty(), "who gave up waits no more");
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_peer_with_half_of_the_places_waits_behind_one_with_fewer_who_came_later() {
        let places = Places::new();
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
    async fn one_past_the_longest_queue_is_busy_at_once() {
        let places = Places::new();
        let _taken = all(&places, (0, 1)).await;
        let local = tokio::task::LocalSet::new();
        for _ in 0..WAITING_MAX {
            let places = Rc::clone(&places);
            local.spawn_local(async move { places.take((0, 1), soon()).await.is_ok() });
        }
        local
            .run_until(async {
                while places.0.borrow().queue.len() < WAITING_MAX {
                    tokio::task::yield_now().await;
                }
                let far = Instant::now() + Duration::from_secs(3600);
                assert_eq!(places.take((0, 2), far).await.unwrap_err(), Busy);
            })
            .await;
    }
}
