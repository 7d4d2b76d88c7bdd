//! The way of a request, from a line to a reply. Each stage gives a value that only it can make and that the next
//! demands.

use std::rc::Rc;
use std::time::Duration;

use regent_grants::DEADLINE_DEFAULT;
use regent_protocol::{Ask, Code, Data, Line, Refusal, Reply, State};
use tokio::time::Instant;

use crate::answered::Answered;
use crate::auth::{self, Authorized, Decision, Prepared};
use crate::gate::{self, Caller};
use crate::held::{self, Held, NotHeld};
use crate::list;
use crate::perform::{Act, Executor};
use crate::policy::CurrentPolicy;
use crate::prepare::Preparer;
use crate::record::denial::Because;
use crate::record::hold::{ConsentStep, Hold};
use crate::record::key::Key;
use crate::record::requester::Requester;
use crate::record::why::Why;
use crate::refusals::RefusalLog;
use crate::requested::Requested;
use crate::shares::{Limit, Shares};

/// Requests of one peer, and of all, that are prepared or run at a time: each may be a process of its own. What waits
/// for consent is not among them.
pub const ASKING: Limit = Limit { each: 128, most: 1_152 };
/// A wrong secret is answered after this. Its connection keeps its place so long, whether or not anybody still listens.
const WRONG_SECRET: Duration = Duration::from_secs(1);
/// That to one who is refused faster than it is written down.
const TOO_FAST: Duration = Duration::from_millis(20);

#[derive(Debug)]
pub struct Pipeline {
    policy: Rc<CurrentPolicy>,
    preparer: Preparer,
    held: Rc<Held>,
    /// What a requester asks about its holds.
    pub requested: Requested,
    executor: Rc<Executor>,
    refusals: Rc<RefusalLog>,
    asking: Rc<Shares>,
}

/// An operation as a caller asks for it.
struct Wish<'a> {
    op: &'a str,
    data: &'a Data,
    wait: Option<Duration>,
    key: Option<Key<'a>>,
    reference: &'a str,
}

impl Pipeline {
    pub fn new(preparer: Preparer, executor: Rc<Executor>, refusals: Rc<RefusalLog>) -> Self {
        let (policy, held) = (Rc::clone(&preparer.policy), Rc::clone(&preparer.held));
        let requested = Requested { held: Rc::clone(&held), refusals: Rc::clone(&refusals) };
        Self { policy, preparer, held, requested, executor, refusals, asking: Shares::of(ASKING) }
    }

    /// One line of one caller. `reference` is what both sides can call it by afterwards.
    pub async fn answer(&self, caller: &Caller, line: &Line<'_>, reference: &str) -> Answered {
        let answered = self.handle(caller, line, reference).await;
        answered.unwrap_or_else(|because| self.refuse(&caller.requester, reference, because))
    }

    /// A refusal. A wrong secret is answered late, and so is one who is refused faster than anybody reads it, so that
    /// asking so costs the others little.
    pub fn refuse(&self, requester: &Requester, reference: &str, because: Because) -> Answered {
        let (wrong_secret, too_fast) = (because.is_wrong_secret(), self.refusals.is_spent(requester));
        let reply = self.refusals.refuse(requester, reference, because);
        match (wrong_secret, too_fast) {
            (true, _) => Answered::Late(reply, WRONG_SECRET),
            (false, true) => Answered::Late(reply, TOO_FAST),
            (false, false) => Answered::Now(reply),
        }
    }

    /// Authenticates, admits, and serves one of the four kinds of request.
    async fn handle(&self, caller: &Caller, line: &Line<'_>, reference: &str) -> Result<Answered, Because> {
        let admitted = gate::admit(&caller.socket.secrets, line)?;
        let requester = &caller.requester;
        let asking = self.asking.take(requester.peer(caller.socket.number), 1);
        let _asking = asking.ok_or_else(too_many)?;
        match admitted.into_request().ask {
            Ask::Operation { op, data, dry_run: true, .. } => {
                self.dry_run(caller, &op, &data).await.map_err(|why| why.asked(&op, &data))
            }
            Ask::Operation { op, data, wait, key, .. } => {
                let key = key.as_deref().map(|key| Key::of(requester, key, &op, data.as_str()));
                let wish = Wish { op: &op, data: &data, wait, key, reference };
                self.start(caller, &wish).await.map_err(|why| why.asked(&op, &data))
            }
            Ask::List => Ok(Answered::Now(list::list(&self.preparer.installed.catalog(), caller))),
            Ask::Hold { uid, cancel: true, .. } => self.requested.cancel(requester, &uid, reference).await,
            Ask::Hold { uid, data: None, wait, .. } => self.requested.read(requester, uid, wait, reference).await,
            Ask::Hold { uid, data: Some(_), .. } => self.requested.answer_step(requester, &uid, reference).await,
        }
    }

    /// A new request: found, prepared, decided; then executed, or held. One that was made before under its key is told
    /// again.
    async fn start(&self, caller: &Caller, wish: &Wish<'_>) -> Result<Answered, Because> {
        if let Some(key) = &wish.key
            && let Some(hold) = self.held.by_key(key).await
        {
            return self.replay(hold, key, wish);
        }
        let (prepared, deadline) = self.preparer.prepare(caller, wish.op, wish.data, true).await?;
        let decision = auth::decide(&self.policy.get().config, prepared);
        match (decision, &wish.key) {
            (Decision::Deny(why), _) => Err(Because::of(Refusal::not_authorised(), why)),
            (Decision::Allow(authorized), None) => self.execute(caller, wish, authorized, deadline).await,
            (Decision::Allow(authorized), Some(_)) => self.execute_once(caller, wish, authorized, deadline).await,
            (Decision::Ask(prepared, steps), _) => self.hold(caller, wish, &prepared, steps).await,
        }
    }

    /// Runs what needs nobody's consent, with a record before and after.
    async fn execute(
        &self,
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
        let outcome = self.executor.immediate(&act, authorized, peer, deadline).await?;
        Ok(Answered::Now(Reply::done(outcome)))
    }

    /// The same for what must not be done twice: its record is kept as that of a held operation is, and is there before
    /// it begins.
    async fn execute_once(
        &self,
        caller: &Caller,
        wish: &Wish<'_>,
        authorized: Authorized,
        deadline: Instant,
    ) -> Result<Answered, Because> {
        let running = self.executor.shutdown.running();
        let (draft, uid) = self.draft(caller, wish, authorized.prepared());
        let hold = match self.held.hold(Hold { state: State::Performing, ..draft }).await {
            Ok(hold) => hold,
            Err(why) => return self.not_held(why, wish).await,
        };
        let peer = caller.requester.peer(caller.socket.number);
        let performed = self.executor.run(authorized, wish.data, peer, deadline).await;
        if let Some(why) = performed.why() {
            crate::warning!("ref {}: {} has failed: {why}", wish.reference, wish.op);
        }
        let ended = self.held.finish(&hold.id, performed).await;
        drop(running);
        Ok(self.requested.answer(ended.unwrap_or(hold), uid, None, wish.reference))
    }

    /// Puts a request on hold until these have consented.
    async fn hold(
        &self,
        caller: &Caller,
        wish: &Wish<'_>,
        prepared: &Prepared,
        steps: Vec<ConsentStep>,
    ) -> Result<Answered, Because> {
        held::can_run(&prepared.plan)?;
        let (draft, uid) = self.draft(caller, wish, prepared);
        match self.held.hold(Hold { steps, ..draft }).await {
            Ok(hold) => {
                crate::info!("ref {}: {} is held as {} for {}", wish.reference, wish.op, hold.id, hold.requester_name);
                Ok(self.requested.answer(hold, uid, wish.wait, wish.reference))
            }
            Err(why) => self.not_held(why, wish).await,
        }
    }

    /// A record, and the handle of it that goes to its requester and nowhere else.
    fn draft(&self, caller: &Caller, wish: &Wish<'_>, prepared: &Prepared) -> (Hold, String) {
        let keyed = wish.key.as_ref().map(Key::keyed);
        let uid = match (&wish.key, &keyed) {
            (Some(key), Some(keyed)) => key.handle(keyed),
            _ => uuid::Uuid::new_v4().to_string(),
        };
        let draft = held::draft(&self.held, &caller.requester, (wish.op, wish.data), prepared, wish.reference, &uid);
        (Hold { key: keyed, ..draft }, uid)
    }

    /// Somebody was faster with the same key, or there is no place.
    async fn not_held(&self, why: NotHeld, wish: &Wish<'_>) -> Result<Answered, Because> {
        match (why, &wish.key) {
            (NotHeld::NotWritten(why), _) => Err(Because::ours(Code::Failed, Why::NotStored(why))),
            (NotHeld::KeyTaken, Some(key)) => {
                let hold = self.held.by_key(key).await.ok_or_else(Refusal::too_many_requests)?;
                self.replay(hold, key, wish)
            }
            (NotHeld::NoRoom | NotHeld::KeyTaken, _) => Err(Refusal::too_many_requests().into()),
        }
    }

    /// What was asked under this key before: how it stands, or its result. What runs at this moment is waited for.
    fn replay(&self, hold: Hold, key: &Key<'_>, wish: &Wish<'_>) -> Result<Answered, Because> {
        let Some(keyed) = hold.key.as_ref().filter(|keyed| key.is_for(keyed)) else {
            return Err(Refusal::key_given_away().into());
        };
        let (uid, runs) = (key.handle(keyed), hold.state == State::Performing);
        let wait = wish.wait.or(runs.then_some(DEADLINE_DEFAULT));
        Ok(self.requested.answer(hold, uid, wait, wish.reference))
    }

    /// What would run, and who would have to consent.
    async fn dry_run(&self, caller: &Caller, op: &str, data: &Data) -> Result<Answered, Because> {
        let (prepared, _) = self.preparer.prepare(caller, op, data, false).await?;
        let require = auth::required(&self.policy.get().config, &prepared);
        let require = require.map_err(|why| Because::of(Refusal::not_authorised(), why))?;
        Ok(Answered::Now(Reply::done(held::dry_run(&prepared, &require))))
    }
}

/// So many of this requester are being served that it has to wait for one of them itself.
fn too_many() -> Because {
    Because::of(Refusal::too_many_requests(), Why::Requests { each: ASKING.each, most: ASKING.most })
}
