//! Steps of authorisation. This version has one kind: approval, by a person or by several of a team.

use serde::Deserialize;

use crate::config::Config;
use crate::table::{Value, nearest};

/// So many different persons of these must approve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The person or team.
    pub of: String,
    /// How many different persons.
    pub count: u32,
}

/// Steps that one request can need: more nobody would answer.
const STEPS_MAX: usize = 16;

/// A step as a plugin writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    step: String,
    of: String,
    #[serde(default = "one")]
    count: u32,
}

fn one() -> u32 {
    1
}

impl Step {
    /// Reads the list that a plugin's `authorise` returned.
    ///
    /// # Errors
    /// Why it is none that can be served, for the administrator.
    pub fn read_json(text: &str, config: &Config) -> Result<Vec<Self>, String> {
        let wire: Vec<Wire> = serde_json::from_str(text).map_err(|why| format!("the plugin asks for steps that cannot be read: {why}"))?;
        if wire.len() > STEPS_MAX {
            return Err(format!("the plugin asks for more than {STEPS_MAX} steps"));
        }
        wire.into_iter()
            .map(|step| match check(&step.step, &step.of, i64::from(step.count), config) {
                Ok(()) => Ok(Self { of: step.of, count: step.count }),
                Err(why) => Err(format!("the plugin asks for a step that cannot be met: {why}")),
            })
            .collect()
    }

    /// Reads an item of `require`.
    pub(crate) fn read(value: Value<'_, '_>, config: &Config) -> Option<Self> {
        let table = value.table()?;
        table.later(&["any", "when"]);
        let step = table.need("step", "\"approval\"").and_then(|value| value.text());
        let of = table.need("of", "\"PERSON or TEAM\"").and_then(|value| value.text());
        let count = table.take("count").map_or(Some(1), |value| value.integer());
        table.finish();
        let (step, of, count) = (step?, of?, count?);
        match check(&step, &of, count, config) {
            Ok(()) => Some(Self { of, count: u32::try_from(count).ok()? }),
            Err(why) => {
                table.notes.mistake(&table.span, format!("`{}`: {why}", table.name));
                None
            }
        }
    }
}

fn check(step: &str, of: &str, count: i64, config: &Config) -> Result<(), String> {
    match step {
        "approval" => {}
        "totp" | "email" | "plugin" => return Err(format!("the step {step} is not served by this version of Regent: use approval")),
        other => return Err(format!("there is no step {other}: write approval")),
    }
    let Some(members) = config.members(of) else {
        let names = config.people.keys().chain(config.teams.keys()).map(String::as_str);
        let near = nearest(of, names).map(|near| format!(" (did you mean {near}?)")).unwrap_or_default();
        return Err(format!("{of} is no person and no team{near}: add it to [people] or [teams] of regent.toml"));
    };
    if count < 1 {
        return Err("a count below 1 would ask nobody: write 1 or more".into());
    }
    if usize::try_from(count).is_ok_and(|count| count > members.len()) {
        return Err(format!("{of} has {} persons, so {count} can never approve: write a smaller count", members.len()));
    }
    Ok(())
}

/// The administrator's steps, then those of the plugin's that ask for more than these do.
#[must_use]
pub fn combine(administrator: &[Step], plugin: &[Step]) -> Vec<Step> {
    let covered = |step: &Step| administrator.iter().any(|floor| floor.of == step.of && floor.count >= step.count);
    administrator.iter().chain(plugin.iter().filter(|step| !covered(step))).cloned().collect()
}
