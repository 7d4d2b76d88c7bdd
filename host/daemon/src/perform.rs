//! The plan is carried out: step by step, until one fails; then the plugin words the result. What ran is on record before it
//! began and after it ended.

use std::rc::Rc;
use std::time::Duration;

use regent_lane::{Outcome as Ended, RESULTS_MAX, StepResult};
use regent_protocol::{Code, Data, Refusal, RuleView};
use tokio::time::Instant;

use crate::auth::{Authorized, Run};
use crate::daemon::Daemon;
use crate::fair::Peer;
use crate::gate::Requester;
use crate::hold::Outcome;
use crate::kept::audit::{Event, Mark};
use crate::kept::ending::Ending;
use crate::plan::{Plan, Step};
use crate::plugin::exchange::NoAnswer;
use crate::process::{CommandRun, Spawner, What, run_command};
use crate::refusals::Because;
use crate::service;
use crate::why::{TEXT_MAX, cut, rules};

/// What is on record of an immediate operation.
#[derive(Debug)]
pub struct Act {
    /// Who asked.
    pub requester: Rc<Requester>,
    /// The operation, as callers name it.
    pub operation: String,
    /// The request's data.
    pub data: Data,
    /// What both sides can call it by.
    pub reference: String,
}

/// How a run ended.
#[derive(Debug, Clone)]
pub enum Performed {
    /// With this result.
    Done(Data),
    /// With less.
    Failed(Failure),
}

/// A run that failed.
#[derive(Debug, Clone)]
pub struct Failure {
    /// What the caller hears.
    pub refusal: Refusal,
    /// What the log is told besides.
    pub why: String,
    /// The grant by which it counts as failed, where a command did.
    pub rule: Option<RuleView>,
}

/// A step that failed.
#[derive(Debug)]
pub struct StepFailed {
    code: Code,
    /// Which, and how it ended.
    pub why: String,
    rule: RuleView,
}

impl Performed {
    /// What there is to say of it beside what the caller hears; empty if it is done or nothing is known.
    #[must_use]
    pub fn why(&self) -> &str {
        match self {
            Self::Done(_) => "",
            Self::Failed(failure) => &failure.why,
        }
    }

    fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Done(_) => None,
            Self::Failed(failure) => Some(failure),
        }
    }
}

impl Failure {
    fn of(refusal: Refusal, step: Option<StepFailed>) -> Self {
        let (why, rule) = step.map(|step| (step.why, step.rule)).unzip();
        Self { refusal, why: why.unwrap_or_default(), rule }
    }

    /// For the record.
    #[must_use]
    pub fn told(&self) -> String {
        if self.why.is_empty() { self.refusal.text.clone() } else { format!("{}: {}", self.refusal.text, self.why) }
    }

    /// As it is kept with a hold, for administrators.
    #[must_use]
    pub fn reason(&self) -> String {
        cut(&format!("{}: {}", self.refusal.code, self.told()), TEXT_MAX)
    }

    /// As it is kept with a hold, for its requester.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        Outcome::Failed(self.refusal.text.clone(), self.refusal.code)
    }
}

/// Runs what needs nobody's consent, with a record before and one after.
///
/// # Errors
/// What the caller hears, and the log.
pub async fn immediate(
    daemon: &Rc<Daemon>,
    act: &Rc<Act>,
    authorized: Authorized,
    peer: Peer,
    deadline: Instant,
) -> Result<Data, Because> {
    let nothing_runs = authorized.plan().is_empty();
    let mut ending = None;
    if !nothing_runs {
        let began = record(daemon, act, "performing", Some(authorized.plan()), None)
            .map_err(|why| Because::ours(Code::Failed, why))?;
        ending = ends_host(act, authorized.plan(), began);
    }
    let ends_host = ending.is_some();
    // Nobody is left to write anything down once the host ends.
    if let Some(ending) = ending {
        daemon.held.begin_ending(ending).await;
    }
    let runs = daemon.runs();
    let performed = run(daemon, authorized, &act.data, peer, deadline).await;
    drop(runs);
    if nothing_runs {
        // No deed waits for this record, so the caller need not either: it is written when the reply is on its way.
        let (daemon, act, failed) = (Rc::clone(daemon), Rc::clone(act), performed.failure().cloned());
        tokio::task::spawn_local(async move { record_end(&daemon, &act, failed.as_ref()) });
    } else {
        record_end(daemon, act, performed.failure());
    }
    if ends_host {
        daemon.held.finish_ending(act.reference.clone()).await;
    }
    match performed {
        Performed::Done(data) => Ok(data),
        Performed::Failed(failure) => Err(Because::failed(failure)),
    }
}

/// What a later start has to know, if a step of this plan ends the host.
fn ends_host(act: &Act, plan: &Plan, began: Mark) -> Option<Ending> {
    let mut steps = plan.steps().iter().map(|step| step.planned.ends_host);
    let (some, only) = (steps.clone().any(|ends| ends), steps.all(|ends| ends));
    some.then(|| Ending {
        began,
        reference: act.reference.clone(),
        socket: act.requester.socket.clone(),
        uid: act.requester.uid,
        gid: act.requester.gid,
        operation: act.operation.clone(),
        only,
        boot: String::new(),
    })
}

/// What has run has run: the caller hears how, whether or not this can be written; the next that runs a command finds out.
fn record_end(daemon: &Daemon, act: &Act, failed: Option<&Failure>) {
    let event = if failed.is_none() { "done" } else { "failed" };
    if let Err(why) = record(daemon, act, event, None, failed) {
        crate::error!("{why}");
    }
}

fn record(
    daemon: &Daemon,
    act: &Act,
    event: &str,
    plan: Option<&Plan>,
    failed: Option<&Failure>,
) -> Result<Mark, String> {
    let argv: Option<Vec<Vec<String>>> =
        plan.map(|plan| plan.steps().iter().map(|step| step.planned.argv.clone()).collect());
    let told = failed.map(Failure::told);
    let event = Event {
        event,
        reference: Some(&act.reference),
        socket: Some(&act.requester.socket),
        uid: Some(act.requester.uid),
        gid: Some(act.requester.gid),
        pid: act.requester.pid,
        operation: Some(&act.operation),
        data: plan.is_some().then_some(&act.data),
        plan: argv.as_deref(),
        outcome: told.as_deref(),
        rule: failed.and_then(|failed| failed.rule.as_ref()),
        ..Event::default()
    };
    daemon.record(&event)
}

/// Steps, then the plugin's words for what came of them.
pub async fn run(daemon: &Rc<Daemon>, authorized: Authorized, data: &Data, peer: Peer, deadline: Instant) -> Performed {
    let Run { plugin, operation, state, plan, reply, .. } = authorized.into_run();
    if let Some(reply) = reply.filter(|_| plan.is_empty()) {
        return shaped(Ok(Some(reply)), None);
    }
    let (results, failure) = steps(&daemon.spawner, &plan, data, deadline).await;
    // However the steps used up the time, the plugin has its own to word the result.
    let deadline = deadline.max(Instant::now() + Duration::from_secs(1));
    shaped(plugin.finish(peer, &operation, state, results, deadline).await, failure)
}

/// One step after the other until one fails: what each came to, and why it went no further.
pub async fn steps(
    spawner: &Rc<Spawner>,
    plan: &Plan,
    data: &Data,
    deadline: Instant,
) -> (Vec<StepResult>, Option<StepFailed>) {
    let mut results = Vec::new();
    let mut room = RESULTS_MAX;
    for step in plan.steps() {
        let result = perform_step(spawner, step, data, deadline, room).await;
        room = room.saturating_sub(result.stdout.len() + result.stderr.len());
        let failure = failed(step, &result);
        results.push(result);
        if failure.is_some() {
            return (results, failure);
        }
    }
    (results, None)
}

/// What the caller hears of it all. A failed step is a failure, whatever the plugin makes of it: it may only word it.
pub fn shaped(reply: Result<Option<Result<Data, String>>, NoAnswer>, failure: Option<StepFailed>) -> Performed {
    match (reply, failure) {
        (Ok(Some(Ok(data))), None) => Performed::Done(data),
        (Ok(None), None) => Performed::Done(Data::null()),
        (Ok(Some(Err(words))), failure) => Performed::Failed(Failure::of(Refusal::failed_with(&words), failure)),
        (Ok(_), Some(failure)) => {
            Performed::Failed(Failure::of(Refusal::operation_failed(failure.code), Some(failure)))
        }
        (Err(no), failure) => {
            let first = failure.as_ref().map(|step| format!("{}; then ", step.why)).unwrap_or_default();
            let (refusal, why) = Because::from(no).into_parts();
            Performed::Failed(Failure { why: format!("{first}{why}"), ..Failure::of(refusal, failure) })
        }
    }
}

fn failed(step: &Step, result: &StepResult) -> Option<StepFailed> {
    let name = &step.planned.command;
    let stderr = String::from_utf8_lossy(&result.stderr);
    // Some end with a mark below the place, which says nothing by itself.
    let says = |line: &&str| line.contains(char::is_alphanumeric);
    let last = stderr.lines().rfind(says).unwrap_or_default();
    let (code, how) = match result.outcome {
        Ended::Ok(_) => return None,
        Ended::Status(status) => (Code::CommandFailed, format!("exit status {status}: {last}")),
        Ended::Signal(signal) => (Code::CommandFailed, format!("signal {signal}: {last}")),
        Ended::Timeout => (Code::Timeout, "did not end in time".into()),
        Ended::NotStarted => (Code::CommandFailed, format!("could not be started: {last}")),
    };
    let unit = service::may_be_why(&step.command, step.planned.uid, result.outcome, &stderr);
    let unit = unit.or_else(|| service::absent(&step.command, &stderr));
    let unit = unit.map(|unit| format!(" ({unit})")).unwrap_or_default();
    Some(StepFailed {
        code,
        why: format!("command {name}: {how}{unit}"),
        rule: rules::ran(&step.grants.file, &step.command, Some(step.planned.uid)),
    })
}

async fn perform_step(spawner: &Rc<Spawner>, step: &Step, data: &Data, deadline: Instant, room: usize) -> StepResult {
    let left = deadline.saturating_duration_since(Instant::now());
    let result = |outcome, stdout, stderr, truncated| StepResult {
        command: step.planned.command.clone(),
        outcome,
        stdout,
        stderr,
        truncated,
    };
    if left.is_zero() {
        return result(Ended::Timeout, Vec::new(), Vec::new(), false);
    }
    let what = match spawner.granted(&step.grants, &step.command, &step.planned) {
        Ok(what) => what,
        Err(why) => return result(Ended::NotStarted, Vec::new(), why.to_string().into_bytes(), false),
    };
    let ran = run_command(spawner, command_run(step, what, data, step.command.timeout.min(left), room)).await;
    let outcome = match ran.outcome() {
        Ended::Status(status) if step.command.ok.contains(&status) => Ended::Ok(status),
        other => other,
    };
    result(outcome, ran.stdout, ran.stderr, ran.truncated)
}

/// What of a run is the daemon's: its time, what it reads, and how much of what it writes is kept.
fn command_run(step: &Step, what: What, data: &Data, timeout: Duration, room: usize) -> CommandRun {
    CommandRun {
        what,
        timeout,
        output_max: step.command.output_max.min(room),
        stdin: step.command.stdin_data.then(|| format!("{}\n", data.as_str()).into_bytes()),
        leaves: step.command.leave_children.then(|| step.command.ok.clone()),
    }
}
