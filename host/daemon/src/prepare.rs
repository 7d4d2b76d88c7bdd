//! From a name and data to what would run.

use std::rc::Rc;

use regent_grants::DEADLINE_DEFAULT;
use regent_protocol::{Code, Data, Refusal};
use tokio::time::Instant;

use crate::auth::Prepared;
use crate::catalog::{Found, Status};
use crate::gate::Caller;
use crate::held::Held;
use crate::installed::Installed;
use crate::plan::Planning;
use crate::plugin::exchange::Preparation;
use crate::policy::CurrentPolicy;
use crate::process::Spawner;
use crate::record::denial::Because;
use crate::record::why::Why;
use crate::shutdown::Shutdown;
use crate::why::rules;

/// Finds operations, and has their plugins prepare them.
#[derive(Debug)]
pub struct Preparer {
    pub policy: Rc<CurrentPolicy>,
    pub installed: Rc<Installed>,
    pub held: Rc<Held>,
    pub spawner: Rc<Spawner>,
    /// Nothing begins once the daemon ends.
    pub shutdown: Shutdown,
}

impl Preparer {
    /// What would run, and until when. A request that is to be held and could not be is told so before a plan is made
    /// for it.
    pub async fn prepare(
        &self,
        caller: &Caller,
        op: &str,
        data: &Data,
        holds: bool,
    ) -> Result<(Prepared, Instant), Because> {
        if self.shutdown.is_ending() {
            return Err(Refusal::shutting_down().into());
        }
        let found = self.find(caller, op)?;
        if holds && !found.operation().require.is_empty() && !self.held.has_room(&caller.requester) {
            return Err(Refusal::too_many_requests().into());
        }
        let deadline = Instant::now() + found.operation().deadline.unwrap_or(DEADLINE_DEFAULT);
        let plugin = match found.entry().settled(deadline).await {
            Status::Serving(plugin) => plugin,
            Status::Preparing | Status::Unserved(_) => {
                return Err(Because::ours(Code::Busy, Why::NotServed(found.grants().name.clone())));
            }
        };
        let line = Some(found.operation().line);
        let mut planning = Planning::new(Rc::clone(&self.spawner), Rc::clone(found.grants()), line);
        let may_complete = found.operation().require.is_empty();
        let preparation = Preparation { operation: &found.operation().name, data, may_complete };
        let peer = caller.requester.peer(caller.socket.number);
        match plugin.prepare(peer, &preparation, &mut planning, deadline).await {
            Ok(answer) => Ok((Prepared { found, plugin, answer, plan: planning.plan }, deadline)),
            Err(no) => Err(Because::from(no).by(planning.rule)),
        }
    }

    fn find(&self, caller: &Caller, op: &str) -> Result<Found, Because> {
        let catalog = self.installed.catalog();
        catalog.find(&caller.socket, &caller.requester, op).map_err(|unseen| {
            let policy = self.policy.get();
            let asked = rules::Asked { policy: &policy, socket: &caller.socket, requester: &caller.requester, op };
            let (why, rule) = rules::unseen(&unseen, &asked, &catalog);
            Because::of(Refusal::unknown_operation(), why).by(Some(rule))
        })
    }
}
