//! What approvers see of holds and decide about them. Who may is judged against the record, at the moment of the
//! transition.

use regent_protocol::State;

use super::{Decided, Held};
use crate::auth::consent::{self, No};
use crate::auth::people::{Approver, People};
use crate::record::hold::{Hold, HoldId};
use crate::record::reason::EndReason;

impl Held {
    /// Everything that waits and that this approver may see, what was asked first before what came later.
    pub async fn pending(&self, people: &People, approver: &Approver) -> Vec<Hold> {
        let all = self.live().await;
        let now = self.clock.now();
        let waits = |hold: &Hold| hold.state == State::Held && now < hold.expires;
        let mut pending: Vec<Hold> =
            all.into_iter().filter(|hold| waits(hold) && consent::may_see(hold, approver, people)).collect();
        pending.sort_by_key(|hold| hold.asked);
        pending
    }

    /// One hold, if this approver may see it.
    pub async fn show(&self, people: &People, approver: &Approver, id: &HoldId) -> Option<Hold> {
        self.by_id(id).await.filter(|hold| consent::may_see(hold, approver, people))
    }

    /// The record, if this approver could say yes to it now.
    pub async fn may_approve(&self, people: &People, approver: &Approver, id: &HoldId) -> Decided {
        let hold = self.by_id(id).await.ok_or(No::Unknown)?;
        consent::consent(&hold, approver, people, self.clock.now())?;
        Ok(hold)
    }

    /// A person's yes. If it was the last that was needed, the hold is approved afterwards, and it is for the caller to
    /// run.
    pub async fn approve(&self, people: &People, approver: &Approver, id: &HoldId) -> Decided {
        let (approver, people, now) = (approver.clone(), people.clone(), self.clock.now());
        self.change(id, move |hold| {
            let consent = consent::consent(&hold, &approver, &people, now)?;
            Ok((hold.consented(consent), Some(approver.decider())))
        })
        .await
    }

    /// Anybody's no who is named, and root's.
    pub async fn deny(&self, people: &People, approver: &Approver, id: &HoldId) -> Decided {
        let (approver, people, now) = (approver.clone(), people.clone(), self.clock.now());
        self.change(id, move |hold| {
            let by = consent::denial(&hold, &approver, &people, now)?;
            Ok((hold.ended(State::Denied, Some(EndReason::Denied(by.clone())), now), Some(by)))
        })
        .await
    }
}
