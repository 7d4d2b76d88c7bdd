//! From a prepared request to a record on the disk, and to what its requester is told.

use std::rc::Rc;

use jiff::{SignedDuration, Timestamp};
use regent_grants::Step;
use regent_protocol::{Code, Data, DryRun, Refusal, State, StepView};

use super::views;
use crate::auth::Prepared;
use crate::auth::bound::Fields;
use crate::daemon::Daemon;
use crate::gate::Requester;
use crate::hold::{ConsentStep, Handle, Hold, HoldId};
use crate::plugin::exchange::words;
use crate::refusals::Because;

/// Holds a request. The handle goes to its requester and nowhere else.
///
/// # Errors
/// What the caller hears: no place is left, or a program of the plan is missing, and approving that would be for nothing.
pub async fn asked(
    daemon: &Rc<Daemon>,
    requester: &Requester,
    operation: &str,
    data: Data,
    prepared: Prepared,
    steps: Vec<ConsentStep>,
    reference: &str,
) -> Result<(Hold, String), Because> {
    if let Some(program) = prepared.plan.missing_program() {
        return Err(Because::ours(Code::CommandFailed, format!("{program} is not there, so it is not held either")));
    }
    let uid = uuid::Uuid::new_v4().to_string();
    let hold = record(daemon, requester, operation, data, prepared, steps, reference, &uid);
    let hold = daemon.held.hold(hold).await.map_err(|_| Because::from(Refusal::too_many_requests()))?;
    crate::info!("ref {reference}: {} is held as {} for {}", operation, hold.id, hold.requester_name);
    Ok((hold, uid))
}

#[allow(clippy::too_many_arguments, reason = "a record is put together from all that is known")]
fn record(
    daemon: &Daemon,
    requester: &Requester,
    operation: &str,
    data: Data,
    prepared: Prepared,
    steps: Vec<ConsentStep>,
    reference: &str,
    uid: &str,
) -> Hold {
    let granted = prepared.found.operation();
    let now = Timestamp::now();
    let hold_for = SignedDuration::try_from(granted.hold_for).unwrap_or(SignedDuration::MAX);
    let expires = now.checked_add(hold_for).unwrap_or(Timestamp::MAX);
    let plan = prepared.plan.planned();
    let bound = Fields {
        instance: &daemon.instance,
        requester,
        operation,
        data: &data,
        state: &prepared.answer.state,
        plan: &plan,
        module: &prepared.plugin.digest,
        grants: prepared.found.grants().digest_text(granted),
        expires,
    }
    .bound();
    Hold {
        version: 0,
        id: HoldId::random(),
        handle: Handle::of(uid),
        state: State::Held,
        requester: requester.clone(),
        requester_name: requester.name(),
        operation: operation.to_owned(),
        plugin: prepared.plugin.name.clone(),
        data,
        plugin_state: prepared.answer.state,
        summary: words(&prepared.answer.summary),
        plan,
        steps,
        bound,
        reference: reference.to_owned(),
        asked: now,
        expires,
        run_within: granted.run_within.as_secs(),
        approved: None,
        boot: None,
        ended: None,
        outcome: None,
        reason: None,
    }
}

/// What a `dry_run` shows: command lines only if the grants say so.
#[must_use]
pub fn dry_run(prepared: &Prepared, require: &[Step]) -> Data {
    let show = prepared.found.operation().show_plan;
    let plan = prepared.plan.planned();
    let plan = plan.iter().map(views::planned).map(|step| if show { step } else { step.without_command_line() });
    let require = require.iter().map(|step| StepView {
        step: "approval".into(),
        of: step.of.clone(),
        count: step.count,
        approved_by: Vec::new(),
    });
    let shown = DryRun { summary: words(&prepared.answer.summary), plan: plan.collect(), require: require.collect() };
    let text = serde_json::to_string(&shown).unwrap_or_default();
    Data::parse(&text).unwrap_or_else(|_| Data::null())
}
