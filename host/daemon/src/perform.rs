//! The plan is carried out: step by step, until one fails; then the plugin words the result. What ran is on record before it
//! began and after it ended.

use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use regent_lane::{Outcome as Ended, RESULTS_MAX, StepResult};
use regent_protocol::{Code, Data, Refusal};
use tokio::time::Instant;

use crate::auth::{Authorized, Run};
use crate::daemon::Daemon;
use crate::gate::Requester;
use crate::hold::Outcome;
use crate::kept::audit::{Event, Mark};
use crate::kept::ending::Ending;
use crate::plan::{Plan, Step};
use crate::plugin::exchange::NoAnswer;
use crate::plugin::places::Peer;
use crate::process::{CommandRun, Spawner, run_command};
use crate::refusals::Because;
use crate::trusted_file::Program;

/// What a command always has, whatever its grant adds.
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

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
#[derive(Debug)]
pub enum Performed {
    /// With this result.
    Done(Data),
    /// With this, of which the log is told more.
    Failed(Refusal, String),
}

impl Performed {
    /// For the record, unless it is done.
    fn told(&self) -> Option<String> {
        match self {
            Self::Done(_) => None,
            Self::Failed(refusal, why) => Some(format!("{}: {why}", refusal.text)),
        }
    }

    /// As it is kept with a hold.
    #[must_use]
    pub fn into_outcome(self) -> (Outcome, String) {
        match self {
            Self::Done(data) => (Outcome::Done(data), String::new()),
            Self::Failed(refusal, why) => (Outcome::Failed(refusal.text, refusal.code), why),
        }
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
        let (daemon, act, outcome) = (Rc::clone(daemon), Rc::clone(act), performed.told());
        tokio::task::spawn_local(async move { record_end(&daemon, &act, outcome.as_deref()) });
    } else {
        record_end(daemon, act, performed.told().as_deref());
    }
    if ends_host {
        daemon.held.finish_ending(act.reference.clone()).await;
    }
    match performed {
        Performed::Done(data) => Ok(data),
        Performed::Failed(refusal, why) => Err(Because::failed(refusal, why)),
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
fn record_end(daemon: &Daemon, act: &Act, outcome: Option<&str>) {
    let event = if outcome.is_none() { "done" } else { "failed" };
    if let Err(why) = record(daemon, act, event, None, outcome) {
        crate::error!("{why}");
    }
}

fn record(daemon: &Daemon, act: &Act, event: &str, plan: Option<&Plan>, outcome: Option<&str>) -> Result<Mark, String> {
    let argv: Option<Vec<Vec<String>>> =
        plan.map(|plan| plan.steps().iter().map(|step| step.planned.argv.clone()).collect());
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
        outcome,
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
) -> (Vec<StepResult>, Option<(Code, String)>) {
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
pub fn shaped(reply: Result<Option<Result<Data, String>>, NoAnswer>, failure: Option<(Code, String)>) -> Performed {
    match (reply, failure) {
        (Ok(Some(Ok(data))), None) => Performed::Done(data),
        (Ok(None), None) => Performed::Done(Data::null()),
        (Ok(Some(Err(words))), failure) => {
            Performed::Failed(Refusal::failed_with(&words), failure.map(|(_, why)| why).unwrap_or_default())
        }
        (Ok(_), Some((code, why))) => Performed::Failed(Refusal::operation_failed(code), why),
        (Err(no), failure) => {
            let first = failure.map(|(_, why)| format!("{why}; then ")).unwrap_or_default();
            let (refusal, why) = Because::from(no).into_parts();
            Performed::Failed(refusal, format!("{first}{why}"))
        }
    }
}

fn failed(step: &Step, result: &StepResult) -> Option<(Code, String)> {
    let name = &step.planned.command;
    let stderr = String::from_utf8_lossy(&result.stderr);
    // Some end with a mark below the place, which says nothing by itself.
    let says = |line: &&str| line.contains(char::is_alphanumeric);
    let last = stderr.lines().rfind(says).unwrap_or_default();
    match result.outcome {
        Ended::Ok(_) => None,
        Ended::Status(status) => Some((Code::CommandFailed, format!("command {name}: exit status {status}: {last}"))),
        Ended::Signal(signal) => Some((Code::CommandFailed, format!("command {name}: signal {signal}: {last}"))),
        Ended::Timeout => Some((Code::Timeout, format!("command {name}: did not end in time"))),
        Ended::NotStarted => Some((Code::CommandFailed, format!("command {name}: could not be started: {last}"))),
    }
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
    let program = match Program::open(&PathBuf::from(&step.planned.argv.first().cloned().unwrap_or_default())) {
        Ok(program) => program,
        Err(why) => return result(Ended::NotStarted, Vec::new(), why.to_string().into_bytes(), false),
    };
    let run = command_run(step, program, data, step.command.timeout.min(left), room);
    let ran = run_command(spawner, run).await;
    let outcome = match ran.outcome() {
        Ended::Status(status) if step.command.ok.contains(&status) => Ended::Ok(status),
        other => other,
    };
    result(outcome, ran.stdout, ran.stderr, ran.truncated)
}

/// Exactly what a command is started with.
fn command_run(step: &Step, program: Program, data: &Data, timeout: Duration, room: usize) -> CommandRun {
    let identity = &step.identity;
    let base = [("PATH", PATH), ("LANG", "C.UTF-8"), ("HOME", &identity.home), ("USER", &identity.name)];
    let mut env: Vec<(String, String)> = base
        .iter()
        .filter(|(name, _)| !step.command.env.contains_key(*name))
        .map(|(n, v)| (n.to_string(), v.to_string()))
        .collect();
    env.extend(step.command.env.iter().map(|(name, value)| (name.clone(), value.clone())));
    let (handle, path) = program.into_parts();
    CommandRun {
        program: handle,
        path,
        argv: step.planned.argv.clone(),
        env,
        cwd: step.command.cwd.clone().unwrap_or_else(|| "/".into()),
        umask: step.command.umask,
        uid: identity.uid,
        gid: identity.gid,
        groups: identity.groups.clone(),
        timeout,
        output_max: step.command.output_max.min(room),
        stdin: step.command.stdin_data.then(|| format!("{}\n", data.as_str()).into_bytes()),
        leaves: step.command.leave_children.then(|| step.command.ok.clone()),
    }
}
