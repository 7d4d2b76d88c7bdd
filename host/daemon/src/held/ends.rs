//! How a hold ends by itself: its run is over, its time is, or it ended so long ago that it is forgotten.

use std::time::Duration;

use jiff::SignedDuration;
use regent_protocol::State;

use super::Held;
use crate::auth::consent::No;
use crate::record::hold::{Hold, HoldId};
use crate::record::outcome::Performed;

/// How soon it is tried again to write down how a run ended.
const WRITE_AGAIN: Duration = Duration::from_secs(1);

impl Held {
    /// The run has ended, so. What has happened cannot be refused: where there is no room to write it down, it is tried
    /// until there is.
    pub async fn finish(&self, id: &HoldId, performed: Performed) -> Option<Hold> {
        let now = self.clock.now();
        let mut said = false;
        loop {
            let performed = performed.clone();
            let finished = self.change(id, move |hold| match hold.state {
                State::Performing => Ok((hold.performed(performed, now), None)),
                state => Err(No::NotHeld(state)),
            });
            match finished.await {
                Ok(hold) => return Some(hold),
                Err(No::NotWritten(why)) if !std::mem::replace(&mut said, true) => {
                    crate::error!("hold {id}: it has ended, and that is not written down: {why}: tried until it is");
                }
                Err(No::NotWritten(_)) => {}
                Err(why) => {
                    crate::error!("hold {id}: its result could not be stored: {why:?}");
                    return None;
                }
            }
            tokio::time::sleep(WRITE_AGAIN).await;
        }
    }

    /// Ends what nobody decided, or nobody began, in time.
    pub async fn expire(&self) {
        let now = self.clock.now();
        let due = self.index.borrow().due(now);
        for id in due {
            let expired = self.change(&id, move |hold| match hold.deadline() {
                Some(due) if due <= now => Ok((hold.ended(State::Expired, None, now), None)),
                _ => Err(No::NotHeld(hold.state)),
            });
            match expired.await {
                Ok(hold) => crate::info!("hold {id}: {} expired undecided", hold.operation),
                Err(No::NotWritten(why)) => return self.say_unwritten(&why),
                Err(_) => {}
            }
        }
        self.unwritten.set(false);
    }

    /// Said once, for it is tried again twice a second.
    fn say_unwritten(&self, why: &str) {
        if !self.unwritten.replace(true) {
            crate::error!("what has expired is not written down as such: {why}: tried until it is");
        }
    }

    /// Forgets what ended longer ago than results are kept.
    pub async fn forget(&self, keep: Duration) {
        let keep = SignedDuration::try_from(keep).unwrap_or(SignedDuration::MAX);
        let Ok(before) = self.clock.now().checked_sub(keep) else { return };
        let old = self.index.borrow().ended_before(before);
        if old.is_empty() {
            return;
        }
        let ids = old.clone();
        if self.disk.run_or_log(move |ledger| ledger.store.forget(&ids)).await.is_some() {
            self.index.borrow_mut().forget(&old);
        }
    }
}
