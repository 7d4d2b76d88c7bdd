//! Authorisation: may a prepared request run now, does it wait for somebody's consent, or not at all. Nothing runs
//! without the [`Authorized`] that only this room can make.

// Who a uid is.
pub mod people;
// What a consent is bound to.
pub mod bound;
// Who may say yes or no to what is held.
pub mod consent;

use std::rc::Rc;

use regent_grants::{Config, Step, combine};

use crate::catalog::Found;
use crate::plan::Plan;
use crate::plugin::Plugin;
use crate::plugin::exchange::Answer;
use crate::process::Spawner;
use crate::record::hold::{ConsentStep, Hold};
use crate::record::text::{TEXT_MAX, cut};
use crate::record::why::Why;
use bound::NotNow;
use people::People;

/// A request that its plugin took, with what would run.
///
/// Having one tells you that this peer may see the operation and that the plugin and every slot took the data. It tells
/// nothing of whether it may run.
#[derive(Debug)]
pub struct Prepared {
    pub found: Found,
    pub plugin: Rc<Plugin>,
    pub answer: Answer,
    pub plan: Plan,
}

/// What may run, once, now.
///
/// Having one tells you that no step of consent was asked for, or that each was given and everything that the consents
/// are bound to is still the same.
#[derive(Debug)]
pub struct Authorized(Prepared);

impl Authorized {
    pub fn into_prepared(self) -> Prepared {
        self.0
    }

    pub fn prepared(&self) -> &Prepared {
        &self.0
    }
}

#[derive(Debug)]
pub enum Decision {
    Allow(Authorized),
    Ask(Prepared, Vec<ConsentStep>),
    /// Not at all, for the log.
    Deny(Why),
}

/// The administrator's steps, and those that the plugin adds.
pub fn decide(config: &Config, prepared: Prepared) -> Decision {
    let steps = match required(config, &prepared) {
        Ok(steps) => steps,
        Err(why) => return Decision::Deny(why),
    };
    if steps.is_empty() {
        return Decision::Allow(Authorized(prepared));
    }
    if !prepared.found.entry().pinned {
        return Decision::Deny(Why::NotPinned(prepared.found.grants().name.clone()));
    }
    let steps = steps.into_iter().map(|step| ConsentStep { of: step.of, count: step.count, consents: Vec::new() });
    Decision::Ask(prepared, steps.collect())
}

/// Which steps stand between this request and its run.
pub fn required(config: &Config, prepared: &Prepared) -> Result<Vec<Step>, Why> {
    let floor = &prepared.found.operation().require;
    let Some(asked) = &prepared.answer.steps else { return Ok(floor.clone()) };
    let own = Step::read_json(asked, config).map_err(|error| Why::BadSteps(cut(&error.to_string(), TEXT_MAX)))?;
    Ok(combine(floor, &own))
}

/// What was held and is consented, compared with what would run today.
pub async fn again(
    people: &People,
    (spawner, instance): (&Spawner, &str),
    hold: &Hold,
    found: Found,
    plugin: &Rc<Plugin>,
) -> Result<Authorized, NotNow> {
    consent::still_count(hold, people)?;
    let plan = bound::compare(spawner, instance, hold, &found, &plugin.digest).await?;
    let (summary, state) = (hold.summary.clone(), hold.plugin_state.clone());
    let answer = Answer { summary, state, steps: None, reply: None };
    Ok(Authorized(Prepared { found, plugin: Rc::clone(plugin), answer, plan }))
}
