//! A hold as it is told: to its requester, who learns where it stands and nothing of why; and to approvers, who see all
//! that they decide on.

use regent_protocol::{Code, HoldView, Origin, PlannedStepView, Refusal, Reply, Seconds, State, StepView, Values};

use crate::record::hold::{ConsentStep, Hold};
use crate::record::outcome::Outcome;
use crate::time::second;

/// The reply to the requester. Its reference is the hold's own once that has ended: it stands in the log wherever the
/// hold does.
pub fn reply(hold: &Hold, uid: &str, reference: &str) -> Reply {
    let refused = |refusal: Refusal| Reply::Refused {
        refusal: refusal.with_reference(if hold.state.is_over() { &hold.reference } else { reference }),
        state: Some(hold.state),
    };
    match (hold.state, &hold.outcome) {
        (State::Held | State::Approved | State::Performing, _) => Reply::Held {
            uid: uid.to_owned(),
            state: hold.state,
            text: text(hold),
            step: (hold.state == State::Held).then(|| "approval".to_owned()),
            expires: (hold.state == State::Held).then(|| second(hold.expires)),
            phrase: None,
        },
        (State::Done, Some(Outcome::Done(data))) => Reply::Done { data: data.clone(), state: Some(State::Done) },
        _ => refused(refusal(hold)),
    }
}

/// What the requester of one that ended otherwise than done hears.
pub(crate) fn refusal(hold: &Hold) -> Refusal {
    match &hold.outcome {
        Some(Outcome::Failed(text, code)) => Refusal { text: text.clone(), code: *code, reference: String::new() },
        _ => hold.state.refusal().unwrap_or_else(|| Refusal::operation_failed(Code::Failed)),
    }
}

fn text(hold: &Hold) -> String {
    match (hold.state, hold.open_step()) {
        (State::Held, Some(step)) if step.count > 1 => {
            format!("Waiting for approval ({} of {})", step.consents.len(), step.count)
        }
        (State::Held, _) => "Waiting for approval".into(),
        (State::Approved, _) => "Approved, not yet begun".into(),
        _ => "Being performed".into(),
    }
}
pub fn view(hold: &Hold) -> HoldView {
    let decided_by = hold.steps.iter().flat_map(|step| &step.consents).map(|consent| consent.person.clone());
    let requester = &hold.requester;
    HoldView {
        id: hold.id.to_string(),
        operation: hold.operation.clone(),
        state: hold.state,
        requester: hold.requester_name.clone(),
        from: Origin { socket: requester.socket.clone(), uid: requester.uid, gid: requester.gid, pid: requester.pid },
        asked: second(hold.asked),
        expires: second(hold.deadline().unwrap_or(hold.expires)),
        data: hold.data.clone(),
        summary: hold.summary.clone(),
        plan: hold.plan.iter().map(planned).collect(),
        steps: hold.steps.iter().map(step).collect(),
        phrase: None,
        outcome: hold.reason_text(),
        decided_by: decided_by.collect(),
    }
}

/// A planned step with everything that there is to see.
pub(super) fn planned(step: &crate::record::hold::PlannedStep) -> PlannedStepView {
    PlannedStepView {
        command: step.command.clone(),
        values: Values(step.values.clone()),
        argv: Some(step.argv.clone()),
        run_as: Some(step.run_as.clone()),
        timeout: Seconds(std::time::Duration::from_millis(step.timeout_ms)),
        stdin_data: step.stdin_data,
        ends_host: step.ends_host,
        via: step.via.clone(),
    }
}

pub(super) fn step(step: &ConsentStep) -> StepView {
    StepView {
        step: "approval".into(),
        of: step.of.clone(),
        count: step.count,
        approved_by: step.consents.iter().map(|consent| consent.person.clone()).collect(),
    }
}
