//! What a requester asks about its own holds, by their handles.

use std::rc::Rc;
use std::time::Duration;

use regent_protocol::{Refusal, Reply};

use crate::answered::Answered;
use crate::held::{self, Held};
use crate::record::denial::Because;
use crate::record::hold::{Hold, HoldId};
use crate::record::requester::Requester;
use crate::record::why::Why;
use crate::refusals::RefusalLog;
use crate::why::ended;

#[derive(Debug)]
pub struct Requested {
    pub held: Rc<Held>,
    pub refusals: Rc<RefusalLog>,
}

impl Requested {
    /// How a hold stands, at once or once it has ended.
    pub async fn read(
        &self,
        requester: &Requester,
        uid: String,
        wait: Option<Duration>,
        reference: &str,
    ) -> Result<Answered, Because> {
        let hold = self.held.find(requester, &uid).await.ok_or_else(Refusal::unknown_uid)?;
        Ok(self.answer(hold, uid, wait, reference))
    }
    pub async fn cancel(&self, requester: &Requester, uid: &str, reference: &str) -> Result<Answered, Because> {
        let hold = self.held.cancel(requester, uid).await?;
        Ok(Answered::Now(self.reply(&hold, uid, reference)))
    }

    /// An answer to a step. Every step of this version is for others than the requester, so whatever it says is not it.
    pub async fn answer_step(&self, requester: &Requester, uid: &str, reference: &str) -> Result<Answered, Because> {
        let hold = self.held.find(requester, uid).await.ok_or_else(Refusal::unknown_uid)?;
        if !hold.is_live() {
            return Ok(Answered::Now(self.reply(&hold, uid, reference)));
        }
        let why = Why::NotTheRequesters(hold.id.to_string());
        Err(Because { state: Some(hold.state), ..Because::of(Refusal::not_authorised(), why) })
    }

    /// What its requester is told of a hold: at once, or when it has ended or the time is over.
    pub fn answer(&self, hold: Hold, uid: String, wait: Option<Duration>, reference: &str) -> Answered {
        match wait {
            Some(wait) if hold.is_live() => Answered::Waits { id: hold.id, uid, wait },
            _ => Answered::Now(self.reply(&hold, &uid, reference)),
        }
    }

    /// Waits for the end of a hold; `over` ends the waiting, for it waits on whether or not the daemon does.
    pub async fn wait(
        &self,
        (id, uid): (&HoldId, &str),
        wait: Duration,
        over: impl Future<Output = ()>,
        reference: &str,
    ) -> Reply {
        let hold = tokio::select! {
            () = over => self.held.by_id(id).await,
            hold = self.held.wait(id, wait) => hold,
        };
        let unknown = || Reply::refused(Refusal::unknown_uid().with_reference(reference.to_owned()));
        hold.map_or_else(unknown, |hold| self.reply(&hold, uid, reference))
    }

    /// What is refused is known to `regent why` from here on, by whichever way it is told.
    fn reply(&self, hold: &Hold, uid: &str, reference: &str) -> Reply {
        let reply = held::reply(hold, uid, reference);
        if let Reply::Refused { refusal, .. } = &reply {
            self.refusals.remembered.keep(ended::of(hold, refusal));
        }
        reply
    }
}
