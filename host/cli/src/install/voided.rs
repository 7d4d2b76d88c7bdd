//! What is held for operations whose module changes: consent is bound to the module, so it is void with another.

use regent_client::{AdminRequest, HoldView};
use regent_protocol::visible;

use crate::admin;
use crate::arguments::Place;
use crate::ending::Failure;

/// The holds of these operations, which have two names each; or why they are not known.
pub(super) fn holds(place: &Place, operations: &[(String, String)]) -> Result<Vec<HoldView>, Failure> {
    let (_, holds) = admin::ask::<Vec<HoldView>>(place, &AdminRequest::Pending)?;
    Ok(holds.into_iter().filter(|hold| operations.iter().any(|(_, called)| *called == hold.operation)).collect())
}

/// For people.
pub(super) fn shown(holds: &Result<Vec<HoldView>, Failure>) -> String {
    match holds {
        Ok(holds) if holds.is_empty() => "Nothing that is held becomes void.\n".to_owned(),
        Ok(holds) => {
            let line = |hold: &HoldView| {
                let [id, operation, requester] =
                    [&hold.id, &hold.operation, &hold.requester].map(|text| visible::line(text));
                format!("  {id}: {operation} for {requester}\n")
            };
            format!("What is held becomes void:\n{}", holds.iter().map(line).collect::<String>())
        }
        Err(why) => format!("Which holds become void is unknown: {}\n", visible::line(&why.words)),
    }
}

/// For programs: their IDs, or nothing where they are not known.
pub(super) fn ids(holds: &Result<Vec<HoldView>, Failure>) -> Option<Vec<&str>> {
    holds.as_ref().ok().map(|holds| holds.iter().map(|hold| hold.id.as_str()).collect())
}
