//! How a reload is asked for, and what came of the last one. The work is that of a task of its own.

use std::cell::RefCell;
use std::rc::Rc;

use regent_protocol::Reloaded;
use tokio::sync::{mpsc, oneshot};

/// Reloads that wait for the one before.
const WAITING: usize = 16;

/// What was found when regent.toml was read last.
#[derive(Debug, Default, Clone)]
pub struct LastRead {
    /// What is to be looked at in the file that is lived by.
    pub warnings: Vec<String>,
    /// Why a later one was not taken.
    pub not_taken: Vec<String>,
}

/// The way to the task.
#[derive(Debug, Clone)]
pub struct Reload {
    orders: mpsc::Sender<Order>,
    last: Rc<RefCell<LastRead>>,
}

/// A reload that somebody waits for, or nobody.
#[derive(Debug)]
pub struct Order(pub oneshot::Sender<Reloaded>);

impl Reload {
    /// The way, and its end at the task. What was found at the start is known.
    pub fn new(warnings: Vec<String>) -> (Self, mpsc::Receiver<Order>) {
        let (orders, ordered) = mpsc::channel(WAITING);
        let last = LastRead { warnings, not_taken: Vec::new() };
        (Self { orders, last: Rc::new(RefCell::new(last)) }, ordered)
    }

    /// Has all files read again; what came of it, or `None` if the daemon ends.
    pub async fn order(&self) -> Option<Reloaded> {
        let (done, reloaded) = oneshot::channel();
        self.orders.send(Order(done)).await.ok()?;
        reloaded.await.ok()
    }

    /// What was found when regent.toml was read last.
    pub fn last(&self) -> LastRead {
        self.last.borrow().clone()
    }

    /// For the task alone: it was read again.
    pub fn set_last(&self, change: impl FnOnce(&mut LastRead)) {
        change(&mut self.last.borrow_mut());
    }
}
