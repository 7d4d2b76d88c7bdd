//! What is asked of a plugin, one exchange at a time: prepare (with authorise, and the reply of an empty plan), and
//! finish. The sandbox may say anything; what counts is what the daemon itself checks here.

use std::rc::Rc;

use regent_lane::{
    Ask, Authorised, Blame, Call, EXCHANGE_GRACE, EXCHANGE_WALL, LOG_MAX, REPLY_MAX, Refusal, STATE_MAX, STEPS_MAX,
    Say, StepResult, TEXT_MAX,
};
use regent_protocol::{Code, Data};
use tokio::time::Instant;

use super::lane::log;
use super::places::{Busy, LanePermits};
use super::sandbox::{Exchange, Sandbox};
use super::{Fault, Plugin};
use crate::fair::Peer;
use crate::record::denial::Because;
use crate::record::text;
use crate::record::why::Why;

/// Steps of a plan that are judged without looking whether anybody else waits: most plans have no more. Each takes
/// about as long as a request of somebody else's, and a plugin may plan 64.
const PLANNED_AT_ONCE: usize = 4;
/// What a sandbox that keeps the log's limit may still say beyond it: that it cut it.
const LOG_CUT: usize = 1 << 10;
/// Words of one exchange that are heard before others have their turn.
const WORDS: usize = 32;

#[derive(Debug, Clone)]
pub struct Preparation<'a> {
    /// The plugin's own name of the operation.
    pub operation: &'a str,
    pub data: &'a Data,
    /// The administrator's steps stand in the way already, so no reply is wanted even of an empty plan.
    pub may_complete: bool,
}

/// What `prepare` and `authorise` said, within their limits.
#[derive(Debug)]
pub struct Answer {
    /// For people: the plugin's word.
    pub summary: String,
    /// The plugin's own bytes.
    pub state: Vec<u8>,
    /// The steps that `authorise` asks for, as JSON.
    pub steps: Option<String>,
    pub reply: Option<Result<Data, String>>,
}

#[derive(Debug)]
pub enum NoAnswer {
    Busy,
    /// The plugin refused the data: its code and words.
    Refused(Refusal),
    /// `authorise` denied the request: its words are for the log.
    Denied(String),
    Fault(Fault),
}

/// Takes the calls of `commands.plan`: `Err` is the answer to the plugin; a fault is kept and ends the request.
pub trait Planner {
    fn plan(&mut self, call: Call) -> impl Future<Output = Result<(), Refusal>>;
    /// Forgets what was planned, since it all begins again on a new process.
    fn start_again(&mut self);
    /// What was planned that cannot be, or that no plugin may.
    fn fault(&mut self) -> Option<Fault>;
}

impl Plugin {
    /// A lane for one exchange, on a process that is started for it if need be.
    ///
    /// # Errors
    /// [`NoAnswer::Busy`] if no lane comes free until the deadline, [`NoAnswer::Fault`] if no process can be had.
    async fn exchange(self: &Rc<Self>, peer: Peer, deadline: Instant) -> Result<Exchange, NoAnswer> {
        let mut place = self.places.take(peer, deadline).await.map_err(|Busy| NoAnswer::Busy)?;
        // Once on what runs, once on what was started because that was of no use.
        for _ in 0..2 {
            let sandbox = self.usable(deadline).await.map_err(NoAnswer::Fault)?;
            match Exchange::begin(&sandbox, place) {
                Ok(exchange) => return Ok(exchange),
                Err(back) => place = back,
            }
        }
        Err(NoAnswer::Fault(Fault::Ended("its sandbox ended again as soon as it was started".into())))
    }

    /// Prepares a request. If the plugin's process ends meanwhile through no fault of this request, it is prepared once
    /// more on the next: nothing has happened yet.
    pub async fn prepare(
        self: &Rc<Self>,
        peer: Peer,
        preparation: &Preparation<'_>,
        planner: &mut impl Planner,
        deadline: Instant,
    ) -> Result<Answer, NoAnswer> {
        for last in [false, true] {
            planner.start_again();
            let exchange = self.exchange(peer, deadline).await?;
            match self.prepare_on(exchange, preparation, planner).await {
                Err(NoAnswer::Fault(Fault::Ended(_))) if !last => {}
                answer => return answer,
            }
        }
        Err(NoAnswer::Fault(Fault::Ended("its process ended twice".into())))
    }

    async fn prepare_on(
        &self,
        mut exchange: Exchange,
        preparation: &Preparation<'_>,
        planner: &mut impl Planner,
    ) -> Result<Answer, NoAnswer> {
        let operation = self.operation(preparation.operation);
        let ask = Ask::Prepare {
            operation: preparation.operation.to_owned(),
            data: preparation.data.as_str().to_owned(),
            authorising: operation.authorising,
            complete: preparation.may_complete,
            finishing: operation.finishing,
        };
        let said = exchange.converse(&ask, Some(planner)).await.map_err(NoAnswer::Fault)?;
        let answer = match (planner.fault(), said) {
            (Some(fault), _) => Err(NoAnswer::Fault(fault)),
            (None, Say::Prepared { summary, state, authorised, reply }) => answer(summary, state, authorised, reply),
            (None, Say::Refused(refusal)) => Err(NoAnswer::Refused(refusal)),
            (None, Say::Fault(blame, text)) => Err(NoAnswer::Fault(Fault::Guest(blame, text))),
            _ => return Err(NoAnswer::Fault(exchange.condemn("it answered what was not asked"))),
        };
        over(exchange, answer)
    }

    /// The reply after a plan has run, or the plugin's words for its failure; `None` if the operation has no `finish`.
    /// Something has happened by then: nothing tells the caller that it may simply ask again.
    ///
    /// # Errors
    /// [`NoAnswer`], never [`NoAnswer::Refused`].
    pub async fn finish(
        self: &Rc<Self>,
        peer: Peer,
        operation: &str,
        state: Vec<u8>,
        results: Vec<StepResult>,
        deadline: Instant,
    ) -> Result<Option<Result<Data, String>>, NoAnswer> {
        if !self.operation(operation).finishing {
            return Ok(None);
        }
        let mut exchange = self.exchange(peer, deadline).await.map_err(after_the_deed)?;
        let ask = Ask::Finish { operation: operation.to_owned(), state, results };
        let reply = match exchange.converse(&ask, None::<&mut Nothing>).await.map_err(NoAnswer::Fault)? {
            Say::Finished(reply) => shaped(reply),
            Say::Fault(blame, text) => Err(NoAnswer::Fault(Fault::Guest(blame, text))),
            _ => return Err(NoAnswer::Fault(exchange.condemn("it answered what was not asked"))),
        };
        over(exchange, reply).map(Some)
    }
}

/// What the plugin says of itself. Nobody else asks it anything yet, so a lane is free.
pub(super) async fn describe(sandbox: &Rc<Sandbox>, places: &Rc<LanePermits>) -> Result<String, Fault> {
    let place = places.take((u64::MAX, 0), Instant::now()).await;
    let place = place.map_err(|_| Fault::Ended("no lane".into()))?;
    let exchange = Exchange::begin(sandbox, place);
    let mut exchange = exchange.map_err(|_| Fault::Ended("its sandbox ended".into()))?;
    match exchange.converse(&Ask::Describe, None::<&mut Nothing>).await? {
        Say::Described(text) => {
            exchange.end(None);
            Ok(text)
        }
        Say::Fault(blame, text) => {
            let fault = Fault::Guest(blame, text);
            exchange.end(Some(&fault));
            Err(fault)
        }
        _ => Err(exchange.condemn("it answered what was not asked")),
    }
}

impl Exchange {
    /// Asks, and serves what the plugin asks meanwhile, until it answers.
    async fn converse<P: Planner>(&mut self, ask: &Ask, mut planner: Option<&mut P>) -> Result<Say, Fault> {
        let deadline = Instant::now() + EXCHANGE_WALL + EXCHANGE_GRACE;
        let (mut logged, mut planned) = (0, 0);
        self.ask(ask, deadline).await?;
        for words in 1_usize.. {
            match self.say(deadline).await? {
                Say::Log(..) if logged > LOG_MAX + LOG_CUT => {
                    return Err(self.condemn("its log has no end"));
                }
                Say::Log(level, text) => log(&self.sandbox.plugin, level, &text, &mut logged),
                Say::Plan(_) if planned == STEPS_MAX => {
                    return Err(self.condemn(&format!("it planned more than {STEPS_MAX} steps")));
                }
                Say::Plan(call) => match &mut planner {
                    Some(planner) => {
                        planned += 1;
                        if planned > PLANNED_AT_ONCE {
                            tokio::task::yield_now().await;
                        }
                        self.ask(&Ask::Planned(planner.plan(call).await), deadline).await?;
                    }
                    None => return Err(self.condemn("it planned where nothing can be planned")),
                },
                answer => return Ok(answer),
            }
            // Whoever has always a word more must not keep this thread from everybody else.
            if words.is_multiple_of(WORDS) {
                tokio::task::yield_now().await;
            }
        }
        Err(self.condemn("its words have no end"))
    }
}

/// Why there is no word on a result: never one by which the caller would simply ask again.
fn after_the_deed(no: NoAnswer) -> NoAnswer {
    match no {
        NoAnswer::Busy => NoAnswer::Fault(Fault::Ended("no lane came free for the word on its result".into())),
        NoAnswer::Fault(Fault::Resting(why)) => NoAnswer::Fault(Fault::Ended(why)),
        no => no,
    }
}

struct Nothing;

impl Planner for Nothing {
    async fn plan(&mut self, _: Call) -> Result<(), Refusal> {
        Ok(())
    }
    fn start_again(&mut self) {}
    fn fault(&mut self) -> Option<Fault> {
        None
    }
}

fn over<T>(exchange: Exchange, answer: Result<T, NoAnswer>) -> Result<T, NoAnswer> {
    match &answer {
        Err(NoAnswer::Fault(fault)) => exchange.end(Some(fault)),
        // A caller's bad data costs nobody anything.
        Ok(_) | Err(NoAnswer::Busy | NoAnswer::Refused(_) | NoAnswer::Denied(_)) => exchange.end(None),
    }
    answer
}

fn answer(
    summary: String,
    state: Vec<u8>,
    authorised: Option<Authorised>,
    reply: Option<Result<String, Refusal>>,
) -> Result<Answer, NoAnswer> {
    if summary.len() > TEXT_MAX || state.len() > STATE_MAX {
        return Err(too_long("its summary or state"));
    }
    let steps = match authorised {
        Some(Authorised::Denied(refusal)) => return Err(NoAnswer::Denied(refusal.message)),
        Some(Authorised::Steps(steps)) => Some(steps),
        None => None,
    };
    let reply = reply.map(shaped).transpose()?;
    Ok(Answer { summary, state, steps, reply })
}

/// A reply as it may go out: JSON that reads one way, or one line of harmless words.
fn shaped(reply: Result<String, Refusal>) -> Result<Result<Data, String>, NoAnswer> {
    match reply {
        Ok(text) if text.len() > REPLY_MAX => Err(too_long("its reply")),
        Ok(text) => match Data::parse(&text) {
            Ok(data) => Ok(Ok(data)),
            Err(why) => Err(NoAnswer::Fault(Fault::Guest(Blame::Answer, format!("its reply: {why}")))),
        },
        Err(refusal) => Ok(Err(words(&refusal.message))),
    }
}

/// A plugin's words for a caller: one line, within its length, nothing invisible.
pub fn words(message: &str) -> String {
    let line = regent_protocol::visible::line(message);
    line.get(..line.floor_char_boundary(TEXT_MAX)).unwrap_or_default().to_owned()
}

fn too_long(what: &str) -> NoAnswer {
    NoAnswer::Fault(Fault::Guest(Blame::Answer, format!("{what} is too long")))
}

impl From<NoAnswer> for Because {
    fn from(no: NoAnswer) -> Self {
        match no {
            NoAnswer::Busy => Self::ours(Code::Busy, Why::NoLane),
            NoAnswer::Refused(refusal) if refusal.code == "invalid-data" => {
                regent_protocol::Refusal::invalid_data(&words(&refusal.message)).into()
            }
            NoAnswer::Refused(refusal) => {
                let (code, message) = (words(&refusal.code), words(&refusal.message));
                Self::ours(Code::Failed, Why::PluginRefused { code, message })
            }
            NoAnswer::Denied(why) => {
                Self::of(regent_protocol::Refusal::not_authorised(), Why::PluginDenied(words(&why)))
            }
            NoAnswer::Fault(fault) => fault.into(),
        }
    }
}

impl From<Fault> for Because {
    fn from(fault: Fault) -> Self {
        // Of a sandbox that somebody has taken over it may be as long as a frame.
        let said = text::cut(&fault.to_string(), text::TEXT_MAX);
        let (code, why) = match fault {
            Fault::Host(why) => (Code::Failed, Why::Host(text::cut(&why, text::TEXT_MAX))),
            Fault::Guest(Blame::Time, _) => (Code::Timeout, Why::PluginTimeout(said)),
            Fault::Guest(Blame::Memory, _) => (Code::Failed, Why::PluginMemory(said)),
            Fault::Guest(Blame::Trap, _) => (Code::Failed, Why::PluginTrap(said)),
            Fault::Guest(Blame::Denied | Blame::Answer, _) | Fault::Rule(_) => (Code::Failed, Why::PluginFault(said)),
            Fault::Ended(_) => (Code::Failed, Why::PluginEnded(said)),
            Fault::Resting(_) => (Code::Busy, Why::PluginResting(said)),
        };
        Self::ours(code, why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fault_of_any_length_is_kept_at_a_bounded_length() {
        let endless = "\u{1}".repeat(1 << 20);
        let guest = |blame| Fault::Guest(blame, endless.clone());
        let faults = [Blame::Time, Blame::Memory, Blame::Trap, Blame::Denied, Blame::Answer].map(guest);
        let others = [Fault::Rule(endless.clone()), Fault::Ended(endless.clone()), Fault::Host(endless.clone())];
        for fault in faults.into_iter().chain(others) {
            let (_, why) = Because::from(fault).into_parts();
            assert!(why.to_string().len() < text::TEXT_MAX + 100, "{}", why.to_string().len());
        }
    }

    #[test]
    fn nothing_that_has_run_is_told_in_a_way_that_has_it_asked_again() {
        for no in [NoAnswer::Busy, NoAnswer::Fault(Fault::Resting("it crashed".into()))] {
            let (before, after) = (matches!(no, NoAnswer::Busy), after_the_deed(no));
            assert_eq!(Because::from(after).into_parts().0.code, Code::Failed, "busy before: {before}");
        }
        assert_eq!(Because::from(NoAnswer::Busy).into_parts().0.code, Code::Busy, "before anything has run");
    }
}
