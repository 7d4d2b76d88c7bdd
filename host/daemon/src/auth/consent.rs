//! Who may say yes or no to what is held. Both are judged against the record, at the moment of the transition.

use jiff::Timestamp;
use regent_protocol::State;

use super::people::{Approver, People};
use crate::record::hold::{Consent, ConsentStep, Hold};
use crate::record::reason::{Decider, VoidCause};
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum No {
    /// Such a hold is not for this approver to know of.
    Unknown,
    NotHeld(State),
    /// The approver may not, and is told why.
    MayNot(&'static str),
    /// It could not be written down, for this reason, and so was not done.
    NotWritten(String),
}

/// Whether this approver may see a hold: it is named in one of its steps, or may see all. Its own requester sees it on
/// the request socket, not here.
pub fn may_see(hold: &Hold, approver: &Approver, people: &People) -> bool {
    let named = |person: &String| hold.steps.iter().any(|step| people.is_of(person, &step.of));
    approver.all || approver.person.as_ref().is_some_and(named)
}

/// A person's yes to the step that is open now.
///
/// # Errors
/// [`No`]. The requester is refused by its uid, whatever socket it asked on: a uid that means nobody on a container's
/// socket is still no second person.
pub fn consent(hold: &Hold, approver: &Approver, people: &People, now: Timestamp) -> Result<Consent, No> {
    if !may_see(hold, approver, people) {
        return Err(No::Unknown);
    }
    let open = waiting(hold, now)?;
    let person = approver.person.as_ref().ok_or(No::MayNot("only a person listed in [people] can approve"))?;
    if hold.requester.uid == approver.uid {
        return Err(No::MayNot("whoever asked cannot approve"));
    }
    let step = open.ok_or(No::NotHeld(hold.state))?;
    if !people.is_of(person, &step.of) {
        return Err(No::MayNot("the step that is open now is not yours"));
    }
    if step.has(person, approver.uid) {
        return Err(No::MayNot("you have approved already; another person must"));
    }
    Ok(Consent { person: person.clone(), uid: approver.uid, at: now })
}

/// Whether this approver may say no: whoever is named in any step, and who may see all.
pub fn denial(hold: &Hold, approver: &Approver, people: &People, now: Timestamp) -> Result<Decider, No> {
    if !may_see(hold, approver, people) {
        return Err(No::Unknown);
    }
    waiting(hold, now)?;
    Ok(approver.decider())
}

/// Whether each yes is still one: its person is still the same user, and still of those whose step it is.
pub fn still_count(hold: &Hold, people: &People) -> Result<(), VoidCause> {
    let counts = |step: &ConsentStep, consent: &Consent| {
        people.person(consent.uid) == Some(&consent.person) && people.is_of(&consent.person, &step.of)
    };
    for step in &hold.steps {
        if let Some(gone) = step.consents.iter().find(|consent| !counts(step, consent)) {
            return Err(VoidCause::Consent(gone.person.clone()));
        }
    }
    Ok(())
}

fn waiting(hold: &Hold, now: Timestamp) -> Result<Option<&ConsentStep>, No> {
    match hold.state {
        State::Held if now >= hold.expires => Err(No::NotHeld(State::Expired)),
        State::Held => Ok(hold.open_step()),
        state => Err(No::NotHeld(state)),
    }
}
