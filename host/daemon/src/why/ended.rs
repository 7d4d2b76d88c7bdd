//! A hold that ended otherwise than done, as what its requester was refused: which hold, by whom or by what, and what to do.

use regent_protocol::{Refusal, State};

use super::{Refused, Rule};
use crate::hold::Hold;
use crate::time::second;

/// All that is known of it. `refusal` is what its requester hears.
#[must_use]
pub fn of<'a>(hold: &'a Hold, refusal: &'a Refusal) -> Refused<'a> {
    Refused {
        requester: &hold.requester,
        at: hold.asked,
        asked: Some((&hold.operation, &hold.data)),
        refusal,
        reference: &hold.reference,
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
        (state, _) => in_words(state, hold.reason.as_deref().unwrap_or_default()),
    }
}

/// The same of a state and the reason that stands beside it, in the store as in the log.
#[must_use]
pub fn in_words(state: State, reason: &str) -> String {
    match (state, reason.strip_prefix("void: ")) {
        (State::Void, Some(field)) => {
            format!("void: {field} is no longer what was shown to the approvers, so it must be asked again")
        }
        (State::Expired, _) => "expired: it was not decided, or not begun, in time".into(),
        (State::Cancelled, _) => "cancelled by its requester".into(),
        (State::Interrupted, _) => {
            "interrupted: the daemon ended while it ran, so nobody knows how far it came: look before it is asked again"
                .into()
        }
        (State::Failed, _) => format!("failed: {reason}"),
        (state, _) if reason.is_empty() => state.to_string(),
        _ => reason.to_owned(),
    }
}
