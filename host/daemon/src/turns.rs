//! Whose line is next. One thread serves everybody, so whoever sends lines without end would keep it from the others:
//! where more than one wants it, the next is the peer that has had least of it lately, however many connections it has.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::{Rc, Weak};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, oneshot};
use tokio::task::{spawn_local, yield_now};

use crate::fair::{Peer, Queue};

/// What is lately: some hundreds of lines.
const LATELY: Duration = Duration::from_millis(50);

/// The thread, and who waits for it.
#[derive(Debug)]
pub struct Turns {
    inner: RefCell<Inner>,
    over: Rc<Notify>,
}

#[derive(Debug)]
struct Inner {
    /// Somebody has the turn, or it is being passed on. If not, nobody waits.
    taken: bool,
    queue: Queue<oneshot::Sender<Turn>>,
}

thread_local! {
    static WANTED: Cell<bool> = const { Cell::new(false) };
}

/// Whether somebody waits for this thread: then it is not to wait in place for anything that it could be woken by.
pub fn is_wanted() -> bool {
    WANTED.get()
}

/// The right to keep the thread for a line, until it is dropped: never across a point where others could run.
#[derive(Debug)]
pub struct Turn {
    of: Rc<Turns>,
    peer: Peer,
    begun: Instant,
}

impl Turns {
    /// Nobody's turn. Must be called where tasks can be started.
    pub fn new() -> Rc<Self> {
        let inner = Inner { taken: false, queue: Queue::halved_each(LATELY) };
        let turns = Rc::new(Self { inner: RefCell::new(inner), over: Rc::default() });
        spawn_local(pass_on(Rc::downgrade(&turns), Rc::clone(&turns.over)));
        turns
    }

    pub async fn take(self: &Rc<Self>, peer: Peer) -> Turn {
        let waits = self.inner.borrow_mut().take(peer);
        let given = match waits {
            Some(waits) => waits.await.ok(),
            None => None,
        };
        let mut turn = given.unwrap_or_else(|| Turn { of: Rc::clone(self), peer, begun: Instant::now() });
        turn.begun = Instant::now();
        turn
    }
}

/// Polls this for the first time within the turn; whatever it has to wait for, it waits for outside of it.
pub async fn begun_in<F: Future>(turn: Option<Turn>, future: F) -> F::Output {
    let (mut turn, mut future) = (turn, pin!(future));
    poll_fn(|context| {
        let polled = future.as_mut().poll(context);
        drop(turn.take());
        polled
    })
    .await
}

/// Gives the turn on, after the kernel was asked who else has something to say.
async fn pass_on(turns: Weak<Turns>, over: Rc<Notify>) {
    loop {
        over.notified().await;
        yield_now().await;
        let Some(turns) = turns.upgrade() else { return };
        let next = turns.inner.borrow_mut().next();
        if let Some((peer, waiting)) = next {
            // Who waits no more gives it on by dropping it.
            let _given_on = waiting.send(Turn { of: Rc::clone(&turns), peer, begun: Instant::now() });
        }
    }
}

impl Inner {
    fn take(&mut self, peer: Peer) -> Option<oneshot::Receiver<Turn>> {
        if !self.taken {
            self.taken = true;
            return None;
        }
        let (give, given) = oneshot::channel();
        self.queue.wait(peer, give);
        WANTED.set(true);
        Some(given)
    }

    fn next(&mut self) -> Option<(Peer, oneshot::Sender<Turn>)> {
        let next = self.queue.next(|_| true);
        self.taken = next.is_some();
        WANTED.set(!self.queue.is_empty());
        next
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let used = u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.of.inner.borrow_mut().queue.used(self.peer, used);
        self.of.over.notify_one();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]
mod tests {
    use std::collections::HashMap;

    use tokio::task::LocalSet;

    use super::*;

    const CROWD: Peer = (0, 1);
    const GUEST: Peer = (0, 2);

    /// Each of the crowd, and the guest who comes last: in which order they have their turn.
    async fn order(crowd: usize) -> Vec<Peer> {
        let (turns, order) = (Turns::new(), Rc::new(RefCell::new(Vec::new())));
        let first = turns.take(CROWD).await;
        let comers = (0..crowd).map(|_| CROWD).chain([GUEST]).map(|peer| {
            let (turns, order) = (Rc::clone(&turns), Rc::clone(&order));
            spawn_local(async move {
                let _turn = turns.take(peer).await;
                order.borrow_mut().push(peer);
            })
        });
        let comers: Vec<_> = comers.collect();
        yield_now().await;
        drop(first);
        for comer in comers {
            comer.await.unwrap();
        }
        yield_now().await;
        yield_now().await;
        assert!(!turns.inner.borrow().taken, "nothing is left behind");
        order.take()
    }

    #[tokio::test(flavor = "current_thread")]
    async fn who_comes_last_and_had_nothing_yet_is_next() {
        let order = LocalSet::new().run_until(order(50)).await;
        assert_eq!((order.len(), order[0]), (51, GUEST));
    }

    #[tokio::test(flavor = "current_thread")]
    async fn one_peer_with_many_connections_has_no_more_of_it_than_one_with_a_single_one() {
        let keeps_busy = |turns: Rc<Turns>, peer, had: Rc<RefCell<HashMap<Peer, u32>>>| async move {
            loop {
                let turn = turns.take(peer).await;
                let begin = Instant::now();
                while begin.elapsed().as_micros() < 50 {}
                *had.borrow_mut().entry(peer).or_default() += 1;
                drop(turn);
            }
        };
        LocalSet::new()
            .run_until(async {
                let (turns, had) = (Turns::new(), Rc::new(RefCell::new(HashMap::new())));
                for peer in std::iter::repeat_n(CROWD, 30).chain([GUEST]) {
                    spawn_local(keeps_busy(Rc::clone(&turns), peer, Rc::clone(&had)));
                }
                tokio::time::sleep(std::time::Duration::from_millis(200)).await;
                let (crowd, guest) = (had.borrow()[&CROWD], had.borrow()[&GUEST]);
                assert!(guest * 3 > crowd, "{guest} turns of one, {crowd} of the crowd");
            })
            .await;
    }

    #[tokio::test(flavor = "current_thread")]
    async fn who_gave_up_waiting_gives_the_turn_on() {
        LocalSet::new()
            .run_until(async {
                let turns = Turns::new();
                let first = turns.take(CROWD).await;
                let gave_up = spawn_local({
                    let turns = Rc::clone(&turns);
                    async move { drop(turns.take(CROWD).await) }
                });
                yield_now().await;
                gave_up.abort();
                drop(first);
                drop(turns.take(GUEST).await);
            })
            .await;
    }

    #[tokio::test(flavor = "current_thread")]
    async fn what_waits_for_something_else_keeps_nobody_from_the_thread() {
        LocalSet::new()
            .run_until(async {
                let turns = Turns::new();
                let turn = turns.take(CROWD).await;
                let (end, ended) = oneshot::channel::<()>();
                let waits = spawn_local(begun_in(Some(turn), ended));
                yield_now().await;
                drop(turns.take(GUEST).await);
                end.send(()).unwrap();
                waits.await.unwrap().unwrap();
            })
            .await;
    }
}
