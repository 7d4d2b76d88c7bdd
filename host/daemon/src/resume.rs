//! What was consented runs: compared with today's world, recorded as performing, and only then begun. The twin of
//! [`pipeline`](crate::pipeline).

use std::rc::Rc;
use std::time::Duration;

use regent_protocol::State;
use tokio::time::Instant;

use crate::auth::bound::NotNow;
use crate::auth::consent::No;
use crate::auth::{self, Authorized};
use crate::catalog::Status;
use crate::held::Held;
use crate::installed::Installed;
use crate::perform::Executor;
use crate::policy::CurrentPolicy;
use crate::record::hold::{Hold, HoldId};
use crate::record::reason::VoidCause;

/// A held operation may take as long as its steps, and this for the plugin and the starts.
const BESIDE_STEPS: Duration = Duration::from_secs(5);
/// Until somebody who did not answer is asked again.
const ASKED_AGAIN: Duration = Duration::from_secs(1);
/// How long an approver's answer waits for a plugin that is still being prepared.
const PREPARED_WITHIN: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub struct Resumer {
    pub held: Rc<Held>,
    pub installed: Rc<Installed>,
    pub policy: Rc<CurrentPolicy>,
    pub executor: Rc<Executor>,
}

impl Resumer {
    /// Runs a hold that is approved; nobody needs to wait for it.
    pub fn start(self: &Rc<Self>, id: HoldId) {
        let resumer = Rc::clone(self);
        tokio::task::spawn_local(async move {
            let _running = resumer.executor.shutdown.running();
            if let Some(hold) = resumer.held.by_id(&id).await.filter(|hold| hold.state == State::Approved) {
                resumer.run(hold).await;
            }
        });
    }

    /// Runs everything that a predecessor left approved and not begun.
    pub async fn start_all(self: &Rc<Self>) {
        for id in self.held.approved().await {
            crate::info!("hold {id}: approved before this start and not begun: it runs now if nothing has changed");
            self.start(id);
        }
    }

    /// What differs between a hold and what would run now, as far as that can be said now; it is compared again before
    /// it runs.
    pub async fn difference(&self, hold: &Hold) -> Option<VoidCause> {
        match self.authorize(hold, Instant::now() + PREPARED_WITHIN).await {
            Err(NotNow::Differs(cause)) => Some(cause),
            Err(NotNow::Unanswered(_) | NotNow::Unserved) | Ok(_) => None,
        }
    }

    /// Authorises again, begins, executes, finishes.
    async fn run(&self, hold: Hold) {
        let Some(authorized) = self.authorized(&hold).await else { return };
        if !self.begin(&hold).await {
            return;
        }
        let deadline = Instant::now() + authorized.prepared().plan.longest() + BESIDE_STEPS;
        let policy = self.policy.get();
        let peer = hold.requester.peer(policy.socket(&hold.requester.socket).map_or(u64::MAX, |socket| socket.number));
        let performed = self.executor.run(authorized, &hold.data, peer, deadline).await;
        let (id, name) = (&hold.id, &hold.operation);
        match performed.why() {
            None => crate::info!("hold {id}: {name} has run"),
            Some(why) => crate::warning!("hold {id}: {name} has failed: {why}"),
        }
        self.held.finish(id, performed).await;
    }

    /// What may run, if it may run now. What differs from what was approved is void.
    async fn authorized(&self, hold: &Hold) -> Option<Authorized> {
        let (id, name) = (&hold.id, &hold.operation);
        match self.authorize_in_time(hold).await {
            Ok(authorized) => return Some(authorized),
            Err(NotNow::Differs(cause)) => {
                crate::warning!("hold {id}: {name} is void: not as it was approved: {cause}");
                if let Err(why) = self.held.void(id, cause).await {
                    crate::error!("hold {id}: that it is void could not be stored: {why:?}");
                }
            }
            Err(NotNow::Unanswered(why)) => {
                crate::warning!("hold {id}: {name} is approved and was not begun: {why}: it can run after a restart");
            }
            Err(NotNow::Unserved) => {
                crate::warning!(
                    "hold {id}: {name} is approved, but its plugin does not serve: it can run after a restart"
                );
            }
        }
        None
    }

    /// Stores that it begins; false if it may not.
    async fn begin(&self, hold: &Hold) -> bool {
        let (id, name) = (&hold.id, &hold.operation);
        match self.held.begin(id).await {
            Ok(_) => return true,
            Err(No::NotWritten(why)) => {
                crate::error!("hold {id}: {name} is approved and was not begun: {why}: it can run after a restart");
            }
            Err(_) => crate::warning!("hold {id}: {name} was not begun: it is no longer approved, or it is too late"),
        }
        false
    }

    /// Asks again whoever does not answer, as long as what was approved may run.
    async fn authorize_in_time(&self, hold: &Hold) -> Result<Authorized, NotNow> {
        let left = hold.deadline().map(|due| due.duration_since(self.held.clock.now())).unwrap_or_default();
        let deadline = Instant::now() + Duration::try_from(left).unwrap_or_default();
        loop {
            let authorized = self.authorize(hold, deadline).await;
            let asks_again = matches!(authorized, Err(NotNow::Unanswered(_))) && !self.executor.shutdown.is_ending();
            if !asks_again || Instant::now() + ASKED_AGAIN > deadline {
                return authorized;
            }
            tokio::time::sleep(ASKED_AGAIN).await;
        }
    }

    async fn authorize(&self, hold: &Hold, deadline: Instant) -> Result<Authorized, NotNow> {
        let policy = self.policy.get();
        let socket = policy.socket(&hold.requester.socket).ok_or(VoidCause::Socket)?;
        // By whom it was asked was judged when it was asked, and is judged again.
        let found = self.installed.catalog().find(socket, &hold.requester, &hold.operation);
        let found = found.map_err(|_| VoidCause::Operation)?;
        let here = (&*self.executor.spawner, self.held.instance.as_str());
        match found.entry().settled(deadline).await {
            Status::Serving(plugin) => auth::again(&policy.people, here, hold, found, &plugin).await,
            // Another module than the pinned one has its place.
            Status::Unserved(Some(module)) => {
                auth::bound::compare(here.0, here.1, hold, &found, &module).await?;
                Err(NotNow::Unserved)
            }
            Status::Unserved(None) | Status::Preparing => Err(NotNow::Unserved),
        }
    }
}
