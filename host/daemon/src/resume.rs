//! What was consented runs: compared with today's world, recorded as performing, and only then begun.

use std::rc::Rc;
use std::time::Duration;

use regent_protocol::State;
use tokio::time::Instant;

use crate::auth::consent::No;
use crate::auth::{self, Authorized};
use crate::catalog::Status;
use crate::daemon::Daemon;
use crate::hold::{Hold, HoldId};
use crate::perform;
use crate::plan::Unequal;

/// A held operation may take as long as its steps, and this for the plugin and the starts.
const BESIDE_STEPS: Duration = Duration::from_secs(5);
/// Until somebody who did not answer is asked again.
const ASKED_AGAIN: Duration = Duration::from_secs(1);
/// How long an approver's answer waits for a plugin that is still being prepared.
const PREPARED_WITHIN: Duration = Duration::from_secs(5);

/// Runs a hold that is approved; nobody needs to wait for it.
pub fn start(daemon: &Rc<Daemon>, id: HoldId) {
    let daemon = Rc::clone(daemon);
    tokio::task::spawn_local(async move {
        let _runs = daemon.runs();
        if let Some(hold) = daemon.held.by_id(&id).await.filter(|hold| hold.state == State::Approved) {
            run(&daemon, hold).await;
        }
    });
}

/// Runs everything that a predecessor left approved and not begun.
pub async fn start_all(daemon: &Rc<Daemon>) {
    for id in daemon.held.approved().await {
        crate::info!("hold {id}: approved before this start and not begun: it runs now if nothing has changed");
        start(daemon, id);
    }
}

async fn run(daemon: &Rc<Daemon>, hold: Hold) {
    let id = &hold.id;
    let authorized = match authorize_in_time(daemon, &hold).await {
        Ok(authorized) => authorized,
        Err(NotNow::Differs(field)) => {
            crate::warning!("hold {id}: {} is void: not as it was approved: {field}", hold.operation);
            if let Err(why) = daemon.held.void(id, &field).await {
                crate::error!("hold {id}: that it is void could not be stored: {why:?}");
            }
            return;
        }
        Err(NotNow::Unanswered(why)) => {
            let name = &hold.operation;
            crate::warning!("hold {id}: {name} is approved and was not begun: {why}: it can run after a restart");
            return;
        }
        Err(NotNow::Unserved) => {
            let name = &hold.operation;
            crate::warning!("hold {id}: {name} is approved, but its plugin does not serve: it can run after a restart");
            return;
        }
    };
    match daemon.held.begin(id).await {
        Ok(_) => {}
        Err(No::NotWritten(why)) => {
            let name = &hold.operation;
            crate::error!("hold {id}: {name} is approved and was not begun: {why}: it can run after a restart");
            return;
        }
        Err(_) => {
            crate::warning!("hold {id}: {} was not begun: it is no longer approved, or it is too late", hold.operation);
            return;
        }
    }
    let deadline = Instant::now() + authorized.plan().longest() + BESIDE_STEPS;
    let policy = daemon.policy();
    let peer = hold.requester.peer(policy.socket(&hold.requester.socket).map_or(u64::MAX, |socket| socket.number));
    let performed = perform::run(daemon, authorized, &hold.data, peer, deadline).await;
    match performed.why() {
        "" => crate::info!("hold {id}: {} has run", hold.operation),
        why => crate::warning!("hold {id}: {} has failed: {why}", hold.operation),
    }
    daemon.held.finish(id, performed).await;
}

/// Why what was approved does not run now.
enum NotNow {
    /// This field is not as it was approved.
    Differs(String),
    /// Nobody said in time whether all is as it was approved.
    Unanswered(String),
    /// Its plugin does not serve, so nothing can be said: it stays approved until its time is over.
    Unserved,
}

impl From<Unequal> for NotNow {
    fn from(unequal: Unequal) -> Self {
        match unequal {
            Unequal::Differs(field) => Self::Differs(field),
            Unequal::Unanswered(why) => Self::Unanswered(why),
        }
    }
}

/// Asks again whoever does not answer, as long as what was approved may run.
async fn authorize_in_time(daemon: &Rc<Daemon>, hold: &Hold) -> Result<Authorized, NotNow> {
    let deadline = until(daemon, hold);
    loop {
        let authorized = authorize(daemon, hold, deadline).await;
        let asks_again = matches!(authorized, Err(NotNow::Unanswered(_))) && !daemon.ending.get();
        if !asks_again || Instant::now() + ASKED_AGAIN > deadline {
            return authorized;
        }
        tokio::time::sleep(ASKED_AGAIN).await;
    }
}

/// The first field in which a hold differs from what would run now, as far as that can be said now; it is compared again
/// before it runs.
pub async fn difference(daemon: &Rc<Daemon>, hold: &Hold) -> Option<String> {
    match authorize(daemon, hold, Instant::now() + PREPARED_WITHIN).await {
        Err(NotNow::Differs(field)) => Some(field),
        Err(NotNow::Unanswered(_) | NotNow::Unserved) | Ok(_) => None,
    }
}

async fn authorize(daemon: &Rc<Daemon>, hold: &Hold, deadline: Instant) -> Result<Authorized, NotNow> {
    let policy = daemon.policy();
    let socket = policy.socket(&hold.requester.socket).ok_or_else(|| NotNow::Differs("socket".into()))?;
    let found = daemon.catalog().find_again(socket, &hold.requester, &hold.operation);
    let found = found.ok_or_else(|| NotNow::Differs("operation".into()))?;
    match found.settled(deadline).await {
        Status::Serving(plugin) => Ok(auth::again(daemon, hold, found, &plugin).await?),
        // Another module than the pinned one has its place.
        Status::Unserved(Some(module)) => match auth::bound::compare(daemon, hold, &found, &module).await {
            Err(unequal) => Err(unequal.into()),
            Ok(_) => Err(NotNow::Unserved),
        },
        Status::Unserved(None) | Status::Preparing => Err(NotNow::Unserved),
    }
}

/// When it is too late to begin.
fn until(daemon: &Daemon, hold: &Hold) -> Instant {
    let left = hold.deadline().map(|due| due.duration_since(daemon.held.now())).unwrap_or_default();
    Instant::now() + Duration::try_from(left).unwrap_or_default()
}
