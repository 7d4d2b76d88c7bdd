//! What counts as an answer: within its limit, and JSON where JSON was promised. A refusal is an answer too; its words
//! are cut, not blamed, because they are often made of what a caller sent.

use regent_lane::{Authorised, DESCRIPTION_MAX, REPLY_MAX, Refusal, STATE_MAX, TEXT_MAX};
use serde::de::IgnoredAny;

use crate::bindings::regent::plugin::types as wit;
use crate::fault::{Broken, truncate};

/// The list of steps that `authorise` returns: it is kept with a held request, beside the state.
const STEPS_JSON_MAX: usize = 64 << 10;

/// What `prepare` understood, within its limits.
pub(crate) fn prepared(prepared: &wit::Prepared) -> Result<(), Broken> {
    within("summary", prepared.summary.len(), TEXT_MAX)?;
    within("state", prepared.state.len(), STATE_MAX)
}

/// The reply's data.
pub(crate) fn reply(json: Result<String, wit::Refusal>) -> Result<Result<String, Refusal>, Broken> {
    match json {
        Ok(json) => value("reply", json, REPLY_MAX).map(Ok),
        Err(refused) => Ok(Err(refusal(refused))),
    }
}

/// The description.
pub(crate) fn description(json: String) -> Result<String, Broken> {
    value("description", json, DESCRIPTION_MAX)
}

/// What `authorise` said, and whether it leaves nothing to be done.
pub(crate) fn authorised(json: Result<String, wit::Refusal>) -> Result<(Authorised, bool), Broken> {
    let json = match json {
        Ok(json) => json,
        Err(refused) => return Ok((Authorised::Denied(refusal(refused)), false)),
    };
    within("list of steps", json.len(), STEPS_JSON_MAX)?;
    let steps: Vec<IgnoredAny> = serde_json::from_str(&json)
        .map_err(|why| Broken::answer(format!("what `authorise` returned is no JSON list: {why}")))?;
    Ok((Authorised::Steps(json), steps.is_empty()))
}

/// A refusal in the lane's words, each within a line.
pub(crate) fn refusal(refused: wit::Refusal) -> Refusal {
    let wit::Refusal { mut code, mut message } = refused;
    truncate(&mut code, TEXT_MAX);
    truncate(&mut message, TEXT_MAX);
    Refusal { code, message }
}

/// One JSON value. Skipping one neither recurses nor allocates.
fn value(what: &str, json: String, most: usize) -> Result<String, Broken> {
    within(what, json.len(), most)?;
    match serde_json::from_str::<IgnoredAny>(&json) {
        Ok(_) => Ok(json),
        Err(why) => Err(Broken::answer(format!("its {what} is not JSON: {why}"))),
    }
}

fn within(what: &str, bytes: usize, most: usize) -> Result<(), Broken> {
    if bytes <= most {
        return Ok(());
    }
    Err(Broken::answer(format!("its {what} has {bytes} bytes; the limit is {most}")))
}
