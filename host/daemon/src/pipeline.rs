//! The way of a request, from a line to a reply. Each stage gives a value that only it can make and that the next demands.

use std::rc::Rc;
use std::time::Duration;

use regent_protocol::{Ask, Data, Line, Refusal, Reply};
use tokio::time::Instant;

use crate::auth::{self, Authorized, Decision, Prepared};
use crate::catalog::Found;
use crate::daemon::Daemon;
use crate::gate::{self, Requester, Turned};
use crate::held;
use crate::hold::Hold;
use crate::perform::{self, Act};
use crate::plan::Planning;
use crate::plugin::exchange::Preparation;
use crate::policy::{DEADLINE, Socket};
use crate::refusals::{Because, refused};

/// Who asks, and by which socket.
#[derive(Debug)]
pub struct Caller {
    /// The socket.
    pub socket: Rc<Socket>,
    /// The peer.
    pub requester: Rc<Requester>,
}

/// What the connection does next.
#[derive(Debug)]
pub enum Answered {
    /// Replies.
    Now(Reply),
    /// Replies, but not before its second is over.
    Late(Reply),
    /// Replies when this hold has ended, or the time is over.
    Waits {
        /// The hold, as it is now.
        hold: Box<Hold>,
        /// The requester's handle.
        uid: String,
        /// How long at the most.
        wait: Duration,
    },
}

/// One line of one caller. `reference` is what both sides can call it by afterwards.
pub async fn answer(daemon: &Rc<Daemon>, caller: &Caller, line: &Line<'_>, reference: &str) -> Answered {
    let admitted = match gate::admit(&caller.socket.secrets, line) {
        Ok(admitted) => admitted,
        Err(Turned::WrongSecret) => return Answered::Late(refused(daemon, caller, reference, Because::wrong_secret())),
        Err(Turned::Refused(refusal)) => return Answered::Now(refused(daemon, caller, reference, refusal.into())),
    };
    let result = match admitted.into_request().ask {
        Ask::Operation { op, data, dry_run: true, .. } => dry_run(daemon, caller, &op, data).await.map(Answered::Now),
        // Served by a later stage of this change.
        Ask::List => Err(Refusal::from(regent_protocol::Rejection::NotServed("list")).into()),
        Ask::Operation { key: Some(_), .. } => Err(Refusal::from(regent_protocol::Rejection::NotServed("key")).into()),
        Ask::Operation { op, data, wait, .. } => begin(daemon, caller, &op, data, wait, reference).await,
        Ask::Hold { uid, cancel: true, .. } => cancel(daemon, caller, &uid, reference).await,
        Ask::Hold { uid, data: None, wait, .. } => read(daemon, caller, uid, wait, reference).await,
        Ask::Hold { uid, data: Some(_), .. } => answer_step(daemon, caller, &uid, reference).await,
    };
    result.unwrap_or_else(|because| Answered::Now(refused(daemon, caller, reference, because)))
}

/// A new request: found, prepared, decided; then performed, or held.
async fn begin(
    daemon: &Rc<Daemon>,
    caller: &Caller,
    op: &str,
    data: Data,
    wait: Option<Duration>,
    reference: &str,
) -> Result<Answered, Because> {
    let (prepared, deadline) = prepare(daemon, caller, op, &data, true).await?;
    match auth::decide(daemon, prepared) {
        Decision::Deny(why) => Err(Because::of(Refusal::not_authorised(), why)),
        Decision::Allow(authorized) => {
            let reply = perform_now(daemon, caller, op, &data, authorized, deadline, reference).await?;
            Ok(Answered::Now(reply))
        }
        Decision::Ask(prepared, steps) => {
            let (hold, uid) = held::asked(daemon, &caller.requester, op, data, prepared, steps, reference).await?;
            Ok(told(hold, uid, wait, reference))
        }
    }
}

/// From a name and data to what would run. A request that could not be held is told so before a plan is made for it.
async fn prepare(
    daemon: &Rc<Daemon>,
    caller: &Caller,
    op: &str,
    data: &Data,
    holds: bool,
) -> Result<(Prepared, Instant), Because> {
    if daemon.ending.get() {
        return Err(Refusal::shutting_down().into());
    }
    let found = find(daemon, caller, op)?;
    if holds && !found.operation().require.is_empty() && !daemon.held.has_room(&caller.requester) {
        return Err(Refusal::too_many_requests().into());
    }
    let deadline = Instant::now() + found.operation().deadline.unwrap_or(DEADLINE);
    let plugin = found.plugin(deadline).await.ok_or_else(Because::not_served)?;
    let mut planning = Planning::new(Rc::clone(found.grants()));
    let may_complete = found.operation().require.is_empty();
    let preparation = Preparation { operation: &found.operation().name, data, may_complete };
    let peer = caller.requester.peer(caller.socket.number);
    let answer = plugin.prepare(peer, &preparation, &mut planning, deadline).await?;
    Ok((Prepared { found, plugin, answer, plan: planning.into_plan() }, deadline))
}

fn find(daemon: &Daemon, caller: &Caller, op: &str) -> Result<Found, Because> {
    let found = daemon.catalog.find(&caller.socket, &caller.requester, op);
    found.ok_or_else(|| Because::of(Refusal::unknown_operation(), format!("operation {op}")))
}

/// Runs what needs nobody's consent, with a record before and after.
async fn perform_now(
    daemon: &Rc<Daemon>,
    caller: &Caller,
    op: &str,
    data: &Data,
    authorized: Authorized,
    deadline: Instant,
    reference: &str,
) -> Result<Reply, Because> {
    let act = Rc::new(Act {
        requester: Rc::clone(&caller.requester),
        operation: op.to_owned(),
        data: data.clone(),
        reference: reference.to_owned(),
    });
    let peer = caller.requester.peer(caller.socket.number);
    let outcome = perform::immediate(daemon, &act, authorized, peer, deadline).await?;
    Ok(Reply::done(outcome))
}

/// What would run, and who would have to consent.
async fn dry_run(daemon: &Rc<Daemon>, caller: &Caller, op: &str, data: Data) -> Result<Reply, Because> {
    let (prepared, _) = prepare(daemon, caller, op, &data, false).await?;
    let require = auth::required(daemon, &prepared);
    let require = require.map_err(|why| Because::of(Refusal::not_authorised(), why))?;
    Ok(Reply::done(held::dry_run(&prepared, &require)))
}

async fn read(
    daemon: &Rc<Daemon>,
    caller: &Caller,
    uid: String,
    wait: Option<Duration>,
    reference: &str,
) -> Result<Answered, Because> {
    let hold = daemon.held.find(&caller.requester, &uid).await.ok_or_else(Refusal::unknown_uid)?;
    Ok(told(hold, uid, wait, reference))
}

async fn cancel(daemon: &Rc<Daemon>, caller: &Caller, uid: &str, reference: &str) -> Result<Answered, Because> {
    let hold = daemon.held.cancel(&caller.requester, uid).await?;
    Ok(Answered::Now(held::reply(&hold, uid, reference)))
}

/// An answer to a step. Every step of this version is for others than the requester, so whatever it says is not it.
async fn answer_step(daemon: &Rc<Daemon>, caller: &Caller, uid: &str, reference: &str) -> Result<Answered, Because> {
    let hold = daemon.held.find(&caller.requester, uid).await.ok_or_else(Refusal::unknown_uid)?;
    if !hold.is_live() {
        return Ok(Answered::Now(held::reply(&hold, uid, reference)));
    }
    let why = format!("hold {}: its step is not the requester's to answer", hold.id);
    Err(Because::of(Refusal::not_authorised(), why).about(hold.state))
}

fn told(hold: Hold, uid: String, wait: Option<Duration>, reference: &str) -> Answered {
    match wait {
        Some(wait) if hold.is_live() => Answered::Waits { hold: Box::new(hold), uid, wait },
        _ => Answered::Now(held::reply(&hold, &uid, reference)),
    }
}
