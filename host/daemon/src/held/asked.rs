//! From a prepared request to a record on the disk, and to what its requester is told.

use jiff::{SignedDuration, Timestamp};
use regent_grants::Step;
use regent_protocol::{Code, Data, DryRun, State};

use super::{Held, views};
use crate::auth::{Prepared, bound};
use crate::list::step;
use crate::plan::Plan;
use crate::plugin::exchange::words;
use crate::record::denial::Because;
use crate::record::hold::{Bound, Handle, Hold, HoldId};
use crate::record::requester::Requester;
use crate::record::why::Why;

/// Whether it could run if it were approved.
///
/// # Errors
/// What the caller hears: a program of the plan is missing, and approving that would be for nothing.
pub fn can_run(plan: &Plan) -> Result<(), Because> {
    match plan.missing_program() {
        Some(program) => Err(Because::ours(Code::CommandFailed, Why::ProgramMissing(program.to_owned()))),
        None => Ok(()),
    }
}

/// The record of a prepared request that waits for nobody yet. `uid` is the handle, which goes to its requester and
/// nowhere else.
pub fn draft(
    held: &Held,
    requester: &Requester,
    (operation, data): (&str, &Data),
    prepared: &Prepared,
    reference: &str,
    uid: &str,
) -> Hold {
    let Prepared { found, plugin, answer, plan } = prepared;
    let (granted, asked) = (found.operation(), held.clock.now());
    let hold_for = SignedDuration::try_from(granted.hold_for).unwrap_or(SignedDuration::MAX);
    let hold = Hold {
        version: 0,
        id: HoldId::random(),
        handle: Handle::of(uid),
        state: State::Held,
        requester: requester.clone(),
        requester_name: requester.name(),
        operation: operation.to_owned(),
        plugin: plugin.name.clone(),
        data: data.clone(),
        plugin_state: answer.state.clone(),
        summary: words(&answer.summary),
        plan: plan.planned(),
        steps: Vec::new(),
        bound: Bound::default(),
        reference: reference.to_owned(),
        asked,
        expires: asked.checked_add(hold_for).unwrap_or(Timestamp::MAX),
        run_within: granted.run_within.as_secs(),
        approved: None,
        boot: None,
        ended: None,
        outcome: None,
        reason: None,
        rule: None,
        key: None,
    };
    Hold { bound: bound::fields(&held.instance, &hold, &hold.plan, &plugin.digest, found), ..hold }
}

/// What a `dry_run` shows: command lines only if the grants say so.
pub fn dry_run(prepared: &Prepared, require: &[Step]) -> Data {
    let show = prepared.found.operation().show_plan;
    let plan = prepared.plan.planned();
    let plan = plan.iter().map(views::planned).map(|step| if show { step } else { step.without_command_line() });
    let require = require.iter().map(step);
    let shown = DryRun { summary: words(&prepared.answer.summary), plan: plan.collect(), require: require.collect() };
    let text = serde_json::to_string(&shown).unwrap_or_default();
    Data::parse(&text).unwrap_or_else(|_| Data::null())
}
