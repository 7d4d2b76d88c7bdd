//! Authorisation: may a prepared request run now, does it wait for somebody's consent, or not at all. Nothing runs without
//! the [`Authorized`] that only this room can make.

// Who a uid is.
pub mod people;
// What a consent is bound to.
pub mod bound;
// Who may say yes or no to what is held.
pub mod consent;

use std::rc::Rc;

use regent_grants::{Config, Step, combine};
use regent_protocol::Data;

use crate::catalog::Found;
use crate::plan::Plan;
use crate::plugin::Plugin;
use crate::plugin::exchange::Answer;
use crate::process::Spawner;
use crate::record::hold::{ConsentStep, Hold};
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
    /// The plugin that serves it.
    pub plugin: Rc<Plugin>,
    pub answer: Answer,
    pub plan: Plan,
}

/// What may run, once, now.
///
/// Having one tells you that no step of consent was asked for, or that each was given and everything that the consents are
/// bound to is still the same.
#[derive(Debug)]
pub struct Authorized(Run);

/// What is to be done, as a record tells of it.
#[derive(Debug)]
pub struct Deed<'a> {
    pub found: &'a Found,
    /// The plugin that serves it.
    pub plugin: &'a Plugin,
    pub summary: &'a str,
    /// The plugin's own bytes.
    pub state: &'a [u8],
    pub plan: &'a Plan,
}

impl Prepared {
    pub fn deed(&self) -> Deed<'_> {
        let Self { found, plugin, answer, plan } = self;
        Deed { found, plugin, summary: &answer.summary, state: &answer.state, plan }
    }
}

#[derive(Debug)]
pub struct Run {
    /// The operation as it was found.
    found: Found,
    summary: String,
    /// The plugin that words the result.
    pub plugin: Rc<Plugin>,
    /// Its own name of the operation.
    pub operation: String,
    /// Its own bytes.
    pub state: Vec<u8>,
    pub plan: Plan,
    /// The reply that an empty plan has already.
    pub reply: Option<Result<Data, String>>,
}

impl Authorized {
    pub fn into_run(self) -> Run {
        self.0
    }

    pub fn plan(&self) -> &Plan {
        &self.0.plan
    }

    pub fn deed(&self) -> Deed<'_> {
        let Run { found, plugin, summary, state, plan, .. } = &self.0;
        Deed { found, plugin, summary, state, plan }
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
        return Decision::Allow(authorized(prepared));
    }
    if !prepared.found.is_pinned() {
        return Decision::Deny(Why::NotPinned(prepared.found.grants().name.clone()));
    }
    let steps = steps.into_iter().map(|step| ConsentStep { of: step.of, count: step.count, consents: Vec::new() });
    Decision::Ask(prepared, steps.collect())
}

/// Which steps stand between this request and its run.
///
/// # Errors
/// For the log: the plugin asked for what is no step.
pub fn required(config: &Config, prepared: &Prepared) -> Result<Vec<Step>, Why> {
    let floor = &prepared.found.operation().require;
    let Some(asked) = &prepared.answer.steps else { return Ok(floor.clone()) };
    let own = Step::read_json(asked, config).map_err(|error| Why::BadSteps(error.to_string()))?;
    Ok(combine(floor, &own))
}

fn authorized(prepared: Prepared) -> Authorized {
    Authorized(Run {
        operation: prepared.found.operation().name.clone(),
        plugin: prepared.plugin,
        found: prepared.found,
        summary: prepared.answer.summary,
        state: prepared.answer.state,
        plan: prepared.plan,
        reply: prepared.answer.reply,
    })
}

/// What was held and is consented, compared with what would run today.
///
/// # Errors
/// [`NotNow`]: what is no longer as it was consented to, or that nobody can say.
pub async fn again(
    people: &People,
    (spawner, instance): (&Spawner, &str),
    hold: &Hold,
    found: Found,
    plugin: &Rc<Plugin>,
) -> Result<Authorized, NotNow> {
    consent::still_count(hold, people)?;
    let plan = bound::compare(spawner, instance, hold, &found, &plugin.digest).await?;
    Ok(Authorized(Run {
        plugin: Rc::clone(plugin),
        operation: found.operation().name.clone(),
        found,
        summary: hold.summary.clone(),
        state: hold.plugin_state.clone(),
        plan,
        reply: None,
    }))
}
