//! Keys whose record is on its way to the disk: who comes second with the same key waits for the first, and takes no
//! place meanwhile. Asked twenty times at once, a request is one, and not as many as its requester has places.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use tokio::sync::Notify;

type Name = [u8; 32];

/// Those that somebody stores now.
#[derive(Debug, Default)]
pub(super) struct Storing(RefCell<HashMap<Name, Rc<Notify>>>);

/// A key that its holder stores, until this is dropped.
#[derive(Debug)]
pub(super) struct KeyLock<'a> {
    of: &'a Storing,
    name: Name,
}

impl Storing {
    /// The right to store this key. `None`: somebody else had it, and is done.
    pub(super) async fn turn(&self, name: Name) -> Option<KeyLock<'_>> {
        let first = self.0.borrow().get(&name).map(Rc::clone);
        if let Some(first) = first {
            first.notified().await;
            return None;
        }
        self.0.borrow_mut().insert(name, Rc::default());
        Some(KeyLock { of: self, name })
    }
}

impl Drop for KeyLock<'_> {
    fn drop(&mut self) {
        if let Some(over) = self.of.0.borrow_mut().remove(&self.name) {
            over.notify_waiters();
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    const MOMENT: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn the_second_of_a_key_waits_for_the_first_and_another_key_for_nobody() {
        let storing = Storing::default();
        let first = storing.turn([1; 32]).await.unwrap();
        assert!(timeout(MOMENT, storing.turn([1; 32])).await.is_err());
        drop(storing.turn([2; 32]).await.unwrap());
        let (second, third, ()) = tokio::join!(storing.turn([1; 32]), storing.turn([1; 32]), async { drop(first) });
        assert!(second.is_none() && third.is_none());
        storing.turn([1; 32]).await.unwrap();
    }
}
