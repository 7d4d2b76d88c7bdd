//! The life of a lane: an exchange arrives, is answered by the instance that is ready, and the next instance is made
//! ready while nobody waits. No instance serves two exchanges, so nothing of a request is left for the next.

use regent_lane::{Ask, Authorised, Blame, Say, StepResult};

use crate::answer;
use crate::bindings::regent::plugin::types as wit;
use crate::fault::{self, Broken, Stop};
use crate::instance::Instance;
use crate::lane::SharedLane;
use crate::plugin::Plugin;
use crate::state::Phase;
use crate::ticker::Ticker;

/// Serves a lane until it ends, on a thread that has entered a runtime.
pub(crate) fn serve(plugin: &Plugin, ticker: &Ticker, lane: &SharedLane, first: Option<Instance>) -> Stop {
    let mut ready = first.or_else(|| made_ready(plugin, ticker, lane));
    loop {
        let ask = match lane.ask() {
            Ok(Some(ask)) => ask,
            Ok(None) => return Stop::Ended,
            Err(stop) => return stop,
        };
        let busy = ticker.busy();
        if let Err(stop) = exchange(plugin, lane, ready, ask) {
            return stop;
        }
        drop(busy);
        ready = made_ready(plugin, ticker, lane);
    }
}

/// One exchange, to its answer. The instance is dropped after that, when nobody waits.
fn exchange(plugin: &Plugin, lane: &SharedLane, ready: Option<Instance>, ask: Ask) -> Result<(), Stop> {
    #[cfg(feature = "stand-in")]
    if let Some(answered) = crate::stand_in::takes_over(plugin, lane, &ask) {
        return answered;
    }
    let mut instance = match ready.map_or_else(|| Instance::prepare(plugin, lane), Ok) {
        Ok(instance) => instance,
        Err(why) => return lane.answer(&fault::say(why)?),
    };
    let word = answer(&mut instance, ask).or_else(fault::say)?;
    lane.answer(&word)
}

/// The next instance. If it does not start, the exchange that needs it will find out once more, and say so.
fn made_ready(plugin: &Plugin, ticker: &Ticker, lane: &SharedLane) -> Option<Instance> {
    let _busy = ticker.busy();
    Instance::prepare(plugin, lane).ok()
}

fn answer(instance: &mut Instance, ask: Ask) -> wasmtime::Result<Say> {
    match ask {
        Ask::Describe => describe(instance),
        Ask::Prepare { operation, data, authorising, complete, finishing } => {
            prepare(instance, &operation, data, authorising, complete.then_some(finishing))
        }
        Ask::Finish { operation, state, results } => {
            instance.begin(Phase::Finish);
            let results = results.into_iter().map(step_result).collect::<Vec<_>>();
            finish(instance, &operation, &state, &results).map(Say::Finished)
        }
        Ask::Load(_) | Ask::Planned(_) => Err(Stop::Broken("a word that begins no exchange".into()).into()),
    }
}

fn describe(instance: &mut Instance) -> wasmtime::Result<Say> {
    instance.begin(Phase::Describe);
    let json = instance.operation.call_describe(&mut instance.store)?;
    Ok(Say::Described(answer::description(json)?))
}

/// `complete` is whether to go on to the reply if there is nothing else to do, and then whether `finish` shapes it.
fn prepare(
    instance: &mut Instance,
    operation: &str,
    data: String,
    authorising: bool,
    complete: Option<bool>,
) -> wasmtime::Result<Say> {
    instance.begin(Phase::Prepare);
    let prepared = match instance.operation.call_prepare(&mut instance.store, operation, &data)? {
        Ok(prepared) => prepared,
        Err(refused) => return Ok(Say::Refused(answer::refusal(refused))),
    };
    answer::prepared(&prepared)?;
    let (authorised, nothing_asked) = if authorising {
        let (authorised, nothing_asked) = authorise(instance, operation, &prepared.state)?;
        (Some(authorised), nothing_asked)
    } else {
        (None, true)
    };
    let nothing_to_do = nothing_asked && instance.store.data().planned == 0;
    let reply = match complete.filter(|_| nothing_to_do) {
        Some(true) => {
            instance.enter(Phase::Finish);
            Some(finish(instance, operation, &prepared.state, &[])?)
        }
        Some(false) => Some(Ok("null".to_owned())),
        None => None,
    };
    let wit::Prepared { summary, state } = prepared;
    Ok(Say::Prepared { summary, state, authorised, reply })
}

fn authorise(instance: &mut Instance, operation: &str, state: &[u8]) -> wasmtime::Result<(Authorised, bool)> {
    instance.enter(Phase::Authorise);
    let Some(authorising) = &instance.authorising else { return Err(not_exported("authorising").into()) };
    let json = authorising.call_authorise(&mut instance.store, operation, state)?;
    Ok(answer::authorised(json)?)
}

fn finish(
    instance: &mut Instance,
    operation: &str,
    state: &[u8],
    results: &[wit::StepResult],
) -> wasmtime::Result<Result<String, regent_lane::Refusal>> {
    let Some(finishing) = &instance.finishing else { return Err(not_exported("finishing").into()) };
    let json = finishing.call_finish(&mut instance.store, operation, state, results)?;
    Ok(answer::reply(json)?)
}

fn not_exported(interface: &str) -> Broken {
    let text = format!("its description names `{interface}`, which it does not export");
    Broken { blame: Blame::Answer, text }
}

fn step_result(result: StepResult) -> wit::StepResult {
    let StepResult { command, outcome, stdout, stderr, truncated } = result;
    let (outcome, status) = outcome.words();
    wit::StepResult { command, outcome: outcome.to_owned(), status, stdout, stderr, truncated }
}
