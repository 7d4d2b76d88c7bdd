//! What consent a request needs. In this version: approvals by persons, a step after the other, all of them.

use std::fmt;

use serde::Deserialize;

use crate::config::Config;
use crate::nearest;
use crate::sheet::table::not_served;
use crate::sheet::value::Value;

/// A plugin's `authorise` may ask for so many steps: each is kept with the held request and shown to people.
const STEPS_MAX: usize = 16;

/// Steps that later versions know.
const LATER: [&str; 3] = ["totp", "email", "plugin"];

/// `step = "approval"`: consent of so many different persons, the requester never being one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// A person or team of regent.toml.
    pub of: String,
    /// How many of them; from 1 to as many as there are.
    pub count: u32,
}

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

/// Why what a plugin or an administrator wrote is not a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepError {
    /// The text is not a JSON list of steps, in the reader's words.
    NotAList(String),
    /// There are more steps than are taken.
    TooMany(usize),
    /// A later version knows this kind of step.
    LaterKind(String),
    /// No version knows this kind of step.
    UnknownKind(String),
    /// regent.toml has neither a person nor a team of this name.
    UnknownName {
        /// The name.
        of: String,
        /// What to write.
        advice: String,
    },
    /// The count asks nobody.
    CountTooLow(i64),
    /// The count is higher than the number of persons.
    CountTooHigh {
        /// The person or team.
        of: String,
        /// The count.
        count: i64,
        /// How many persons there are.
        persons: usize,
    },
}

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAList(error) => write!(f, "not a list of steps: {error}"),
            Self::TooMany(count) => write!(f, "{count} steps: at most {STEPS_MAX} are taken"),
            Self::LaterKind(word) => {
                write!(f, "{}: write step = \"approval\"", not_served(&format!("step = {word:?}")))
            }
            Self::UnknownKind(word) => write!(f, "no step is called {word:?}: write step = \"approval\""),
            Self::UnknownName { of, advice } => {
                write!(f, "no person or team of regent.toml is called {of:?}: {advice}")
            }
            Self::CountTooLow(count) => write!(f, "count = {count} would ask nobody: write count = 1 or more"),
            Self::CountTooHigh { of, count, persons } => {
                write!(f, "count = {count}, and {of} has {persons}: nobody could reach it: write {persons} or less")
            }
        }
    }
}

impl std::error::Error for StepError {}

impl Step {
    /// What a plugin's `authorise` returned: a JSON list of steps, spelt as in a grants file; `[]` asks for none.
    ///
    /// # Errors
    /// What is wrong with it, for the log: no such list, an unknown kind, person or team, or a count that nobody can
    /// reach.
    pub fn read_json(text: &str, config: &Config) -> Result<Vec<Self>, StepError> {
        let wires: Vec<Wire> = serde_json::from_str(text).map_err(|error| StepError::NotAList(error.to_string()))?;
        if wires.len() > STEPS_MAX {
            return Err(StepError::TooMany(wires.len()));
        }
        let read = |wire: Wire| {
            kind(&wire.step)?;
            quorum(&wire.of, i64::from(wire.count), config)?;
            Ok(Self { of: wire.of, count: wire.count })
        };
        wires.into_iter().map(read).collect()
    }
}

/// The administrator's steps are a floor; then the plugin's that are not the same as one of those.
#[must_use]
pub fn combine(administrator: &[Step], plugin: &[Step]) -> Vec<Step> {
    let own = plugin.iter().filter(|step| !administrator.contains(step));
    administrator.iter().chain(own).cloned().collect()
}

fn kind(word: &str) -> Result<(), StepError> {
    match word {
        "approval" => Ok(()),
        _ if LATER.contains(&word) => Err(StepError::LaterKind(word.to_owned())),
        _ => Err(StepError::UnknownKind(word.to_owned())),
    }
}

fn quorum(of: &str, count: i64, config: &Config) -> Result<u32, StepError> {
    let Some(members) = config.members(of) else {
        let none = format!("there is none: add [people.NAME] with user = \"USER\", and [teams] with {of} = [\"NAME\"]");
        let some = config.persons_and_teams().next().is_some();
        let advice = if some { nearest::advice(of, config.persons_and_teams()) } else { none };
        return Err(StepError::UnknownName { of: of.to_owned(), advice });
    };
    let persons = members.len();
    match u32::try_from(count).ok().filter(|count| (1..=persons).contains(&(*count as usize))) {
        Some(count) => Ok(count),
        None if count < 1 => Err(StepError::CountTooLow(count)),
        None => Err(StepError::CountTooHigh { of: of.to_owned(), count, persons }),
    }
}

/// `require`, as an administrator wrote it.
pub(super) fn require(value: &Value<'_>, config: &Config) -> Option<Vec<Step>> {
    let list = value.list_of_some("it would ask nobody: write a step, or leave require out")?;
    let mut steps = Vec::new();
    for item in list {
        let Some(step) = step(&item, config) else { continue };
        if steps.contains(&step) {
            item.mistake("the same step twice asks nobody else: write a higher count, or take one out");
        }
        steps.push(step);
    }
    Some(steps)
}

fn step(value: &Value<'_>, config: &Config) -> Option<Step> {
    const LATER_KEYS: [&str; 2] = ["when", "any"];
    let mut table = value.table("a step")?;
    if table.has_any(&LATER_KEYS) {
        // The rest of it means something else then.
        let values = table.names();
        values
            .iter()
            .filter(|value| LATER_KEYS.contains(&&*value.key))
            .for_each(|value| value.mistake(format!("{}: leave it out", not_served(&value.key))));
        return None;
    }
    let example = "step = \"approval\"";
    let kind =
        table.need("step", example, |value| kind(value.text()?).map_err(|error| value.mistake(error.to_string())).ok());
    kind?;
    let of = table.need("of", "of = \"TEAM\", a person or team of regent.toml", Value::text);
    let counted = table.take("count");
    let count = counted.as_ref().map_or(Some(1), Value::integer);
    table.finish(&[]);
    let (of, count) = (of?, count?);
    let count = quorum(of, count, config).map_err(|error| value.mistake(error.to_string())).ok()?;
    Some(Step { of: of.to_owned(), count })
}
