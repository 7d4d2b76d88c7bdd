//! The plan is carried out: step by step, until one fails; then the plugin words the result. What ran is on record
//! before it began and after it ended.

use std::rc::Rc;
use std::time::Duration;

use regent_lane::{Outcome as Ended, RESULTS_MAX, StepResult};
use regent_protocol::{Code, Data, Refusal};
use tokio::time::Instant;

use crate::auth::{Authorized, Prepared};
use crate::fair::Peer;
use crate::kept::audit::{AuditLog, Mark, NotLogged};
use crate::kept::disk::Disk;
use crate::kept::ending::Ending;
use crate::kept::event::{Event, EventKind};
use crate::plan::{Plan, Step};
use crate::plugin::exchange::NoAnswer;
use crate::process::{CommandRun, Spawner, run_command};
use crate::record::denial::Because;
use crate::record::outcome::{Failure, Performed, StepFailed};
use crate::record::requester::Requester;
use crate::record::text::{TEXT_MAX, cut};
use crate::record::why::{CommandEnd, CommandFailure, Why};
use crate::service;
use crate::shutdown::Shutdown;
use crate::why::rules;

/// What is on record of an immediate operation.
#[derive(Debug)]
pub struct Act {
    pub requester: Rc<Requester>,
    pub operation: String,
    pub data: Data,
    pub reference: String,
}

impl Act {
    /// What a later start has to know, if a step of this plan ends the host.
    fn ends_host(&self, plan: &Plan, began: Mark) -> Option<Ending> {
        let mut steps = plan.steps().iter().map(|step| step.planned.ends_host);
        let (some, only) = (steps.clone().any(|ends| ends), steps.all(|ends| ends));
        some.then(|| Ending {
            began,
            reference: self.reference.clone(),
            socket: self.requester.socket.clone(),
            uid: self.requester.uid,
            gid: self.requester.gid,
            operation: self.operation.clone(),
            only,
            boot: String::new(),
        })
    }

    /// What has run has run: the caller hears how, whether or not this can be written; the next that runs a command
    /// finds out.
    fn record_end(&self, audit: &AuditLog, failed: Option<&Failure>) {
        let Some(Failure { refusal, why, rule }) = failed else {
            return audit.record_or_log(&self.event(EventKind::Done));
        };
        let text = (!why.is_unsaid()).then(|| why.to_string());
        audit.record_or_log(&Event {
            code: Some(refusal.code),
            said: Some(&refusal.text),
            why: text.as_deref(),
            rule: rule.as_ref(),
            ..self.event(EventKind::Failed).because(why)
        });
    }

    fn record_begin(&self, audit: &AuditLog, plan: &Plan) -> Result<Mark, NotLogged> {
        let argv: Vec<Vec<String>> = plan.steps().iter().map(|step| step.planned.argv.clone()).collect();
        audit.record(&Event { data: Some(&self.data), plan: Some(&argv), ..self.event(EventKind::Performing) })
    }

    fn event(&self, event: EventKind) -> Event<'_> {
        Event {
            reference: Some(&self.reference),
            operation: Some(&self.operation),
            ..Event::by(event, &self.requester)
        }
    }
}

#[derive(Debug)]
pub struct Executor {
    pub spawner: Rc<Spawner>,
    pub audit: AuditLog,
    /// Where it is noted that the host is about to end.
    pub disk: Disk,
    pub shutdown: Shutdown,
}

impl Executor {
    /// Runs what needs nobody's consent, with a record before and one after.
    pub async fn immediate(
        &self,
        act: &Rc<Act>,
        authorized: Authorized,
        peer: Peer,
        deadline: Instant,
    ) -> Result<Data, Because> {
        let _running = self.shutdown.running();
        if authorized.prepared().plan.is_empty() {
            let performed = self.run(authorized, &act.data, peer, deadline).await;
            // No deed waits for this record, so the caller need not either: it is written when the reply is on its way.
            let (audit, act, failed) = (self.audit.clone(), Rc::clone(act), performed.failure().cloned());
            tokio::task::spawn_local(async move { act.record_end(&audit, failed.as_ref()) });
            return performed.into_reply();
        }
        let began = act.record_begin(&self.audit, &authorized.prepared().plan);
        let began = began.map_err(|why| Because::ours(Code::Failed, why.into()))?;
        let ending = act.ends_host(&authorized.prepared().plan, began);
        let ends_host = ending.is_some();
        // Nobody is left to write anything down once the host ends.
        if let Some(ending) = ending {
            self.disk.run_or_log(|ledger| ledger.begin_ending(ending)).await;
        }
        let performed = self.run(authorized, &act.data, peer, deadline).await;
        act.record_end(&self.audit, performed.failure());
        if ends_host {
            let reference = act.reference.clone();
            self.disk.run_or_log(move |ledger| ledger.finish_ending(&reference)).await;
        }
        performed.into_reply()
    }

    /// Steps, then the plugin's words for what came of them.
    pub async fn run(&self, authorized: Authorized, data: &Data, peer: Peer, deadline: Instant) -> Performed {
        let Prepared { found, plugin, answer, plan } = authorized.into_prepared();
        if let Some(reply) = answer.reply.filter(|_| plan.is_empty()) {
            return shaped(Ok(Some(reply)), None);
        }
        let (results, failure) = steps(&self.spawner, &plan, data, deadline).await;
        // However the steps used up the time, the plugin has its own to word the result.
        let deadline = deadline.max(Instant::now() + Duration::from_secs(1));
        shaped(plugin.finish(peer, &found.operation().name, answer.state, results, deadline).await, failure)
    }
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
            Performed::Failed(Failure::of(Refusal::operation_failed(failure.failure.code()), Some(failure)))
        }
        (Err(no), failure) => {
            let (refusal, then) = Because::from(no).into_parts();
            let why = match failure.as_ref().map(|step| step.failure.clone()) {
                Some(first) => Why::CommandAndPlugin(first, Box::new(then)),
                None => then,
            };
            Performed::Failed(Failure { why, ..Failure::of(refusal, failure) })
        }
    }
}

fn failed(step: &Step, result: &StepResult) -> Option<StepFailed> {
    let stderr = String::from_utf8_lossy(&result.stderr);
    // Some end with a mark below the place, which says nothing by itself.
    let says = |line: &&str| line.contains(char::is_alphanumeric);
    let last = || cut(stderr.lines().rfind(says).unwrap_or_default(), TEXT_MAX);
    let end = match result.outcome {
        Ended::Ok(_) => return None,
        Ended::Status(status) => CommandEnd::Status(status, last()),
        Ended::Signal(signal) => CommandEnd::Signal(signal, last()),
        Ended::Timeout => CommandEnd::Timeout,
        Ended::NotStarted => CommandEnd::NotStarted(last()),
    };
    let unit = service::may_be_why(&step.command, step.planned.uid, result.outcome, &stderr);
    let unit = unit.or_else(|| service::absent(&step.command, &stderr));
    Some(StepFailed {
        failure: Box::new(CommandFailure { command: step.planned.command.clone(), end, unit }),
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
    let run = CommandRun {
        what,
        timeout: step.command.timeout.min(left),
        output_max: step.command.output_max.min(room),
        stdin: step.command.stdin_data.then(|| format!("{}\n", data.as_str()).into_bytes()),
        leaves: step.command.leave_children.then(|| step.command.ok.clone()),
    };
    let ran = run_command(spawner, run).await;
    let outcome = match ran.outcome() {
        Ended::Status(status) if step.command.ok.contains(&status) => Ended::Ok(status),
        other => other,
    };
    result(outcome, ran.stdout, ran.stderr, ran.truncated)
}
