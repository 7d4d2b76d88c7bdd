//! A hold that ended otherwise than done, as what its requester was refused: which hold, by whom or by what, and what
//! to do.

use regent_protocol::{Refusal, State};

use crate::record::denial::{Refused, Rule};
use crate::record::hold::Hold;
use crate::record::reason::EndReason;
use crate::time::second;

/// All that is known of it. `refusal` is what its requester hears.
pub fn of<'a>(hold: &'a Hold, refusal: &'a Refusal) -> Refused<'a> {
    Refused {
        requester: &hold.requester,
        at: hold.asked,
        asked: Some((&hold.operation, &hold.data)),
        refusal,
        reference: &hold.reference,
        word: None,
        why: format!("hold {}: {}", hold.id, how(hold)),
        rule: hold.rule.clone().map(|rule| Rule { rule, allow: None }),
    }
}

fn how(hold: &Hold) -> String {
    match (hold.state, hold.approved) {
        (State::Expired, None) => format!("expired: nobody had decided by {}", second(hold.expires)),
        (State::Expired, Some(at)) => format!(
            "expired: approved at {} and not begun within {} s (run_within), for its plugin did not serve",
            second(at),
            hold.run_within
        ),
        (state, _) => match (&hold.reason, hold.reason_text()) {
            (Some(EndReason::Void(cause)), _) => void(&cause.to_string()),
            (Some(EndReason::Failed(_)), Some(text)) => failed(&text),
            (Some(EndReason::Denied(_)), Some(text)) => text,
            _ => by_state(state),
        },
    }
}

/// Of one that was invalidated: what has changed.
pub(super) fn void(cause: &str) -> String {
    format!("void: {cause} is no longer what was shown to the approvers, so it must be asked again")
}

/// Of one that failed: its code, what its requester heard, and why.
pub(super) fn failed(reason: &str) -> String {
    format!("failed: {reason}")
}

/// Of one whose state says all there is.
pub(super) fn by_state(state: State) -> String {
    match state {
        State::Expired => "expired: it was not decided, or not begun, in time".into(),
        State::Cancelled => "cancelled by its requester".into(),
        State::Interrupted => {
            "interrupted: the daemon ended while it ran, so nobody knows how far it came: look before it is asked again"
                .into()
        }
        state => state.to_string(),
    }
}
