//! The way of a request, from a line to a reply. Each stage gives a value that only it can make and that the next demands.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use regent_protocol::{Ask, Code, Data, Line, Refusal, Reply, State};
use tokio::time::Instant;

use crate::auth::{self, Authorized, Decision, Deed, Prepared};
use crate::catalog::{Found, Status};
use crate::daemon::{ASKING, Daemon};
use crate::gate::{self, Requester, Turned};
use crate::held::{self, NotHeld};
use crate::hold::{ConsentStep, Hold, HoldId};
use crate::keyed::Key;
use crate::list;
use crate::perform::{self, Act};
use crate::plan::Planning;
use crate::plugin::exchange::Preparation;
use crate::policy::{DEADLINE, Socket};
use crate::refusals::{Because, refused};
use crate::why::rules;

/// Who asks, and by which socket.
#[derive(Debug)]
pub struct Caller {
    /// The socket.
    pub socket: Arc<Socket>,
    /// The peer.
    pub requester: Rc<Requester>,
}

/// A wrong secret is answered after this. Its connection keeps its place so long, whether or not anybody still listens.
pub const WRONG_SECRET: Duration = Duration::from_secs(1);
/// That to one who is refused faster than it is written down.
const TOO_FAST: Duration = Duration::from_millis(20);

/// What the connection does next.
#[derive(Debug)]
pub enum Answered {
    /// Replies.
    Now(Reply),
    /// Replies, but not before this is over.
    Late(Reply, Duration),
    /// Replies when this hold has ended, or the time is over.
    Waits {
        /// Its name.
        id: HoldId,
        /// The requester's handle.
        uid: String,
        /// How long at the most.
        wait: Duration,
    },
}

/// An operation as a caller asks for it.
struct Wish<'a> {
    op: &'a str,
    data: &'a Data,
    wait: Option<Duration>,
    key: Option<Key<'a>>,
    reference: &'a str,
}

/// One line of one caller. `reference` is what both sides can call it by afterwards.
pub async fn answer(daemon: &Rc<Daemon>, caller: &Caller, line: &Line<'_>, reference: &str) -> Answered {
    let admitted = match gate::admit(&caller.socket.secrets, line) {
        Ok(admitted) => admitted,
        Err(Turned::WrongSecret) => {
            let reply = refused(daemon, &caller.requester, reference, Because::wrong_secret());
            return Answered::Late(reply, WRONG_SECRET);
        }
        Err(Turned::Refused(refusal)) => {
            return refused_in_time(daemon, &caller.requester, reference, refusal.into());
        }
    };
    let Some(_asking) = daemon.asking.take(caller.requester.peer(caller.socket.number), 1) else {
        return refused_in_time(daemon, &caller.requester, reference, too_many());
    };
    let result = match admitted.into_request().ask {
        Ask::Operation { op, data, dry_run: true, .. } => {
            dry_run(daemon, caller, &op, &data).await.map(Answered::Now).map_err(|why| why.asked(&op, &data))
        }
        Ask::Operation { op, data, wait, key, .. } => {
            let key = key.as_deref().map(|key| Key::of(&caller.requester, key, &op, data.as_str()));
            let wish = Wish { op: &op, data: &data, wait, key, reference };
            begin(daemon, caller, &wish).await.map_err(|why| why.asked(&op, &data))
        }
        Ask::List => Ok(Answered::Now(list::list(daemon, caller))),
        Ask::Hold { uid, cancel: true, .. } => cancel(daemon, caller, &uid, reference).await,
        Ask::Hold { uid, data: None, wait, .. } => read(daemon, caller, uid, wait, reference).await,
        Ask::Hold { uid, data: Some(_), .. } => answer_step(daemon, caller, &uid, reference).await,
    };
    result.unwrap_or_else(|because| refused_in_time(daemon, &caller.requester, reference, because))
}

/// A refusal; of one who is refused faster than anybody reads it not at once, so that asking so costs the others little.
pub fn refused_in_time(daemon: &Daemon, requester: &Requester, reference: &str, because: Because) -> Answered {
    let too_fast = daemon.refusals.is_spent(&requester.owner());
    let reply = refused(daemon, requester, reference, because);
    if too_fast { Answered::Late(reply, TOO_FAST) } else { Answered::Now(reply) }
}

/// So many of this requester are being served that it has to wait for one of them itself.
fn too_many() -> Because {
    let why = format!(
        "at most {} requests of one user on one socket are prepared or run at a time, {} in all, and nobody has more than an \
         eighth of what is free",
        ASKING.each, ASKING.most
    );
    Because::of(Refusal::too_many_requests(), why)
}

/// A new request: found, prepared, decided; then performed, or held. One that was made before under its key is told again.
async fn begin(daemon: &Rc<Daemon>, caller: &Caller, wish: &Wish<'_>) -> Result<Answered, Because> {
    if let Some(key) = &wish.key
        && let Some(hold) = daemon.held.by_key(key).await
    {
        return told_again(daemon, hold, key, wish);
    }
    let (prepared, deadline) = prepare(daemon, caller, wish.op, wish.data, true).await?;
    match (auth::decide(daemon, prepared), &wish.key) {
        (Decision::Deny(why), _) => Err(Because::of(Refusal::not_authorised(), why)),
        (Decision::Allow(authorized), None) => perform_now(daemon, caller, wish, authorized, deadline).await,
        (Decision::Allow(authorized), Some(key)) => perform_once(daemon, caller, wish, key, authorized, deadline).await,
        (Decision::Ask(prepared, steps), _) => hold(daemon, caller, wish, &prepared, steps).await,
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
    let plugin = match found.settled(deadline).await {
        Status::Serving(plugin) => plugin,
        Status::Preparing | Status::Unserved(_) => return Err(Because::not_served(&found.grants().name)),
    };
    let mut planning = Planning::new(Rc::clone(&daemon.spawner), Rc::clone(found.grants())).of(found.operation());
    let may_complete = found.operation().require.is_empty();
    let preparation = Preparation { operation: &found.operation().name, data, may_complete };
    let peer = caller.requester.peer(caller.socket.number);
    match plugin.prepare(peer, &preparation, &mut planning, deadline).await {
        Ok(answer) => Ok((Prepared { found, plugin, answer, plan: planning.into_plan() }, deadline)),
        Err(no) => Err(Because::from(no).by_what(planning.into_rule())),
    }
}

fn find(daemon: &Daemon, caller: &Caller, op: &str) -> Result<Found, Because> {
    let catalog = daemon.catalog();
    catalog.find(&caller.socket, &caller.requester, op).map_err(|unseen| {
        let asked = rules::Asked { policy: &daemon.policy(), socket: &caller.socket, requester: &caller.requester, op };
        let (why, rule) = rules::unseen(&unseen, &asked, &catalog);
        Because::of(Refusal::unknown_operation(), why).by(rule)
    })
}

/// Runs what needs nobody's consent, with a record before and after.
async fn perform_now(
    daemon: &Rc<Daemon>,
    caller: &Caller,
    wish: &Wish<'_>,
    authorized: Authorized,
    deadline: Instant,
) -> Result<Answered, Because> {
    let act = Rc::new(Act {
        requester: Rc::clone(&caller.requester),
        operation: wish.op.to_owned(),
        data: wish.data.clone(),
        reference: wish.reference.to_owned(),
    });
    let peer = caller.requester.peer(caller.socket.number);
    let outcome = perform::immediate(daemon, &act, authorized, peer, deadline).await?;
    Ok(Answered::Now(Reply::done(outcome)))
}

/// The same for what must not be done twice: its record is kept as that of a held operation is, and is there before it begins.
async fn perform_once(
    daemon: &Rc<Daemon>,
    caller: &Caller,
    wish: &Wish<'_>,
    key: &Key<'_>,
    authorized: Authorized,
    deadline: Instant,
) -> Result<Answered, Because> {
    let runs = daemon.runs();
    let (draft, uid) = draft(daemon, caller, wish, &authorized.deed());
    let hold = match daemon.held.hold(Hold { state: State::Performing, ..draft }).await {
        Ok(hold) => hold,
        Err(why) => return not_held(daemon, key, wish, why).await,
    };
    let peer = caller.requester.peer(caller.socket.number);
    let performed = perform::run(daemon, authorized, wish.data, peer, deadline).await;
    if !performed.why().is_empty() {
        crate::warning!("ref {}: {} has failed: {}", wish.reference, wish.op, performed.why());
    }
    let ended = daemon.held.finish(&hold.id, performed).await;
    drop(runs);
    Ok(told(daemon, ended.unwrap_or(hold), uid, None, wish.reference))
}

/// Puts a request on hold until these have consented.
async fn hold(
    daemon: &Rc<Daemon>,
    caller: &Caller,
    wish: &Wish<'_>,
    prepared: &Prepared,
    steps: Vec<ConsentStep>,
) -> Result<Answered, Because> {
    held::can_run(&prepared.plan)?;
    let (draft, uid) = draft(daemon, caller, wish, &prepared.deed());
    match (daemon.held.hold(Hold { steps, ..draft }).await, &wish.key) {
        (Ok(hold), _) => {
            crate::info!("ref {}: {} is held as {} for {}", wish.reference, wish.op, hold.id, hold.requester_name);
            Ok(told(daemon, hold, uid, wish.wait, wish.reference))
        }
        (Err(why), Some(key)) => not_held(daemon, key, wish, why).await,
        (Err(NotHeld::NotWritten(why)), None) => Err(Because::ours(Code::Failed, why)),
        (Err(_), None) => Err(Refusal::too_many_requests().into()),
    }
}

/// A record, and the handle of it that goes to its requester and nowhere else.
fn draft(daemon: &Daemon, caller: &Caller, wish: &Wish<'_>, deed: &Deed<'_>) -> (Hold, String) {
    let keyed = wish.key.as_ref().map(Key::keyed);
    let uid = match (&wish.key, &keyed) {
        (Some(key), Some(keyed)) => key.handle(keyed),
        _ => uuid::Uuid::new_v4().to_string(),
    };
    let draft = held::draft(daemon, &caller.requester, (wish.op, wish.data), deed, wish.reference, &uid);
    (Hold { key: keyed, ..draft }, uid)
}

/// Somebody was faster with the same key, or there is no place.
async fn not_held(daemon: &Rc<Daemon>, key: &Key<'_>, wish: &Wish<'_>, why: NotHeld) -> Result<Answered, Because> {
    match why {
        NotHeld::NoRoom => Err(Refusal::too_many_requests().into()),
        NotHeld::NotWritten(why) => Err(Because::ours(Code::Failed, why)),
        NotHeld::KeyTaken => {
            let hold = daemon.held.by_key(key).await.ok_or_else(Refusal::too_many_requests)?;
            told_again(daemon, hold, key, wish)
        }
    }
}

/// What was asked under this key before: how it stands, or its result. What runs at this moment is waited for.
fn told_again(daemon: &Daemon, hold: Hold, key: &Key<'_>, wish: &Wish<'_>) -> Result<Answered, Because> {
    let Some(keyed) = hold.key.as_ref().filter(|keyed| key.is_for(keyed)) else {
        return Err(Refusal::key_given_away().into());
    };
    let (uid, runs) = (key.handle(keyed), hold.state == State::Performing);
    let wait = wish.wait.or(runs.then_some(DEADLINE));
    Ok(told(daemon, hold, uid, wait, wish.reference))
}

/// What would run, and who would have to consent.
async fn dry_run(daemon: &Rc<Daemon>, caller: &Caller, op: &str, data: &Data) -> Result<Reply, Because> {
    let (prepared, _) = prepare(daemon, caller, op, data, false).await?;
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
    Ok(told(daemon, hold, uid, wait, reference))
}

async fn cancel(daemon: &Rc<Daemon>, caller: &Caller, uid: &str, reference: &str) -> Result<Answered, Because> {
    let hold = daemon.held.cancel(&caller.requester, uid).await?;
    Ok(Answered::Now(held::reply(daemon, &hold, uid, reference)))
}

/// An answer to a step. Every step of this version is for others than the requester, so whatever it says is not it.
async fn answer_step(daemon: &Rc<Daemon>, caller: &Caller, uid: &str, reference: &str) -> Result<Answered, Because> {
    let hold = daemon.held.find(&caller.requester, uid).await.ok_or_else(Refusal::unknown_uid)?;
    if !hold.is_live() {
        return Ok(Answered::Now(held::reply(daemon, &hold, uid, reference)));
    }
    let why = format!("hold {}: its step is not the requester's to answer", hold.id);
    Err(Because::of(Refusal::not_authorised(), why).about(hold.state))
}

fn told(daemon: &Daemon, hold: Hold, uid: String, wait: Option<Duration>, reference: &str) -> Answered {
    match wait {
        Some(wait) if hold.is_live() => Answered::Waits { id: hold.id, uid, wait },
        _ => Answered::Now(held::reply(daemon, &hold, &uid, reference)),
    }
}
