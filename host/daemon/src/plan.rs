//! What will run: the granted commands with their slots filled, and what that comes to on this machine. A plan is made
//! by the plugin's calls, and again from its names and values when what was held is to run; two that are equal run the
//! same.

use std::rc::Rc;
use std::time::Duration;

use regent_grants::{Command, Grants, Instead, RenderError};
use regent_lane::{CALL_MAX, Call, Refusal, STEPS_MAX};
use regent_resolve::PlannedStep;

use crate::plugin::Fault;
use crate::plugin::exchange::Planner;
use crate::process::{Spawner, Unplanned};
use crate::record::denial::Rule;
use crate::why::{lines, rules};

/// Argument lists of one plan together: what a person can be shown, and a record of it kept.
pub const PLAN_MAX: usize = 128 << 10;

/// One step: what is shown and bound, and the grant by which it runs.
#[derive(Debug, Clone)]
pub struct Step {
    pub planned: PlannedStep,
    pub command: Command,
    pub grants: Rc<Grants>,
}

#[derive(Debug, Clone, Default)]
pub struct Plan(Vec<Step>);

impl Plan {
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn planned(&self) -> Vec<PlannedStep> {
        self.0.iter().map(|step| step.planned.clone()).collect()
    }

    pub fn missing_program(&self) -> Option<&str> {
        self.0.iter().find(|step| step.planned.program.is_none())?.planned.argv.first().map(String::as_str)
    }

    /// How long its steps may take together.
    pub fn longest(&self) -> Duration {
        self.0.iter().map(|step| step.command.timeout).sum()
    }

    /// The same plan by today's grants and on today's machine.
    pub async fn again(spawner: &Spawner, grants: &Rc<Grants>, planned: &[PlannedStep]) -> Result<Self, Unequal> {
        let mut plan = Self::default();
        for step in planned {
            let command = grants.command(&step.command);
            let command = command.ok_or_else(|| Unequal::Differs(not_granted(&step.command, &grants.name)))?;
            let again = self::step(spawner, grants, command, &step.values).await.map_err(|why| match why {
                NotPlanned::Caller { slot, rule, .. } => Unequal::Differs(format!("{}: {slot}: {rule}", step.command)),
                NotPlanned::Ungranted(_, why) | NotPlanned::Plugin(why) | NotPlanned::Host(why) => {
                    Unequal::Differs(why)
                }
                NotPlanned::Unanswered(why) => Unequal::Unanswered(why),
            })?;
            plan.0.push(again);
        }
        Ok(plan)
    }
}

/// Why what was held is not what would run now.
#[derive(Debug)]
pub enum Unequal {
    /// In this: a field, or why it can no longer be made; for the administrator.
    Differs(String),
    /// Nobody could say in time whether it is.
    Unanswered(String),
}

/// Why a call is no step, by blame.
#[derive(Debug)]
enum NotPlanned {
    /// A slot did not take its value.
    Caller {
        slot: String,
        rule: String,
        line: Option<usize>,
        allow: Option<Instead>,
    },
    /// The command is not granted; with it, the lines that would grant it.
    Ungranted(Vec<String>, String),
    Plugin(String),
    Host(String),
    Unanswered(String),
}

/// Values that make no command line, by blame, and where to mend it.
fn unrendered(why: RenderError, command: &Command, file: &str) -> NotPlanned {
    let name = &command.name;
    let at = |slot: &str| {
        let line = command.params().find(|(known, _)| *known == slot).map_or(command.line, |(_, slot)| slot.line());
        format!("{file}:{line}")
    };
    NotPlanned::Plugin(match why {
        RenderError::NotAccepted { slot, rule, line, allow } => {
            return NotPlanned::Caller { slot, rule, line: Some(line), allow };
        }
        RenderError::UnknownSlot(slot) => format!(
            "command {name} has no slot {slot}: have the plugin leave it out, or add params.{slot} = {{ type = … }}, and \
             where it stands in run, to [commands.{name}] of {}",
            at(&slot)
        ),
        RenderError::MissingSlot(slot) => format!(
            "command {name}: slot {slot} was given no value: the plugin must fill it, as params.{slot} of {} says",
            at(&slot)
        ),
        RenderError::GivenTwice(slot) => format!(
            "command {name}: slot {slot} was given twice: the plugin may fill it once, unless params.{slot} of {} is a list",
            at(&slot)
        ),
    })
}

async fn step(
    spawner: &Spawner,
    grants: &Rc<Grants>,
    command: &Command,
    values: &[(String, String)],
) -> Result<Step, NotPlanned> {
    let rendered = command.render(values).map_err(|why| unrendered(why, command, &grants.file))?;
    let planned = spawner.plan(grants, command, rendered.values()).await.map_err(|why| match why {
        Unplanned::Path { slot, rule } => NotPlanned::Caller { slot, rule, line: None, allow: None },
        Unplanned::Host(why) => NotPlanned::Host(why),
        Unplanned::Unanswered(why) => NotPlanned::Unanswered(why),
    })?;
    Ok(Step { planned, command: command.clone(), grants: Rc::clone(grants) })
}

fn ungranted(call: &Call, grants: &Grants) -> NotPlanned {
    let slots: Vec<_> = call.values.iter().map(|(slot, value)| (slot.clone(), Some(value.clone()))).collect();
    let lines = lines::command(&call.command, &slots, None);
    NotPlanned::Ungranted(lines.lines().map(str::to_owned).collect(), not_granted(&call.command, &grants.name))
}

fn not_granted(command: &str, grants: &str) -> String {
    format!("not granted: add [commands.{command}] to the grants of {grants}")
}

/// Takes a plugin's calls while it prepares.
#[derive(Debug)]
pub struct Planning {
    spawner: Rc<Spawner>,
    grants: Rc<Grants>,
    /// Where the operation stands that plans.
    line: Option<usize>,
    pub plan: Plan,
    bytes: usize,
    fault: Option<Fault>,
    /// The rule by which the last call was refused, if one was.
    pub rule: Option<Rule>,
}

impl Planning {
    pub fn new(spawner: Rc<Spawner>, grants: Rc<Grants>, line: Option<usize>) -> Self {
        Self { spawner, grants, line, plan: Plan::default(), bytes: 0, fault: None, rule: None }
    }

    async fn add(&mut self, call: &Call) -> Result<(), NotPlanned> {
        if self.plan.0.len() >= STEPS_MAX {
            return Err(NotPlanned::Plugin(format!("it planned more than {STEPS_MAX} steps")));
        }
        let size: usize = call.values.iter().map(|(slot, text)| slot.len() + text.len()).sum();
        if size > CALL_MAX {
            return Err(NotPlanned::Plugin(format!("it planned a step of more than {CALL_MAX} bytes")));
        }
        let command = self.grants.command(&call.command);
        let command = command.ok_or_else(|| ungranted(call, &self.grants))?;
        let step = step(&self.spawner, &self.grants, command, &call.values).await?;
        self.bytes += step.planned.argv.iter().map(String::len).sum::<usize>();
        if self.bytes > PLAN_MAX {
            return Err(NotPlanned::Plugin(format!("its plan is longer than {PLAN_MAX} bytes")));
        }
        self.plan.0.push(step);
        Ok(())
    }
}

impl Planner for Planning {
    async fn plan(&mut self, call: Call) -> Result<(), Refusal> {
        let refusal = |message: String| Refusal { code: "invalid-data".into(), message };
        let Err(why) = self.add(&call).await else { return Ok(()) };
        let (rule, fault) = match why {
            NotPlanned::Caller { slot, rule, line, allow } => {
                self.rule = Some(rules::slot(&self.grants, &call.command, &slot, &rule, line, allow));
                return Err(refusal(format!("{slot}: not accepted")));
            }
            NotPlanned::Ungranted(lines, why) => {
                (Some(rules::ungranted(&self.grants, self.line, &call.command, lines)), Fault::Rule(why))
            }
            NotPlanned::Plugin(why) => (rules::command(&self.grants, &call.command), Fault::Rule(why)),
            NotPlanned::Host(why) | NotPlanned::Unanswered(why) => {
                (rules::command(&self.grants, &call.command), Fault::Host(why))
            }
        };
        // The request is over; what the plugin makes of it no longer matters.
        self.rule = rule;
        self.fault.get_or_insert(fault);
        Err(refusal("not planned".into()))
    }

    fn start_again(&mut self) {
        (self.plan, self.bytes, self.fault, self.rule) = (Plan::default(), 0, None, None);
    }

    fn fault(&mut self) -> Option<Fault> {
        self.fault.take()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]
mod tests {
    use super::*;

    #[test]
    fn values_that_no_slot_has_are_the_plugins_fault_and_told_with_the_line_of_the_grants() {
        let config = "plugins = [\"/p\"]\nstate = \"/s\"\n[[sockets]]\nname = \"a\"\npath = \"/a/b\"\n\
                      secret_file = \"/c\"\noperations = [\"*\"]\n";
        let config = regent_grants::Config::parse("regent.toml", config).unwrap().value;
        let text = "[operations.say]\n[commands.say]\nrun = [\"/usr/bin/true\", \"{text}\"]\n\
                    params.text = { type = \"text\", pattern = \"[a-z]+\" }\n";
        let grants = Grants::parse("x", "/g/x.toml", text, &config).unwrap().value;
        let command = grants.command("say").unwrap();
        for (values, words, place) in [
            (vec![("text", "a"), ("other", "b")], "has no slot other", "[commands.say] of /g/x.toml:2"),
            (vec![], "slot text was given no value", "params.text of /g/x.toml:4 says"),
            (vec![("text", "a"), ("text", "b")], "slot text was given twice", "params.text of /g/x.toml:4 is a list"),
        ] {
            let values: Vec<_> = values.iter().map(|(slot, value)| ((*slot).to_owned(), (*value).to_owned())).collect();
            let why = command.render(&values).unwrap_err();
            let NotPlanned::Plugin(why) = unrendered(why, command, &grants.file) else { panic!("{words}") };
            assert!(why.contains(words) && why.ends_with(place), "{why}");
        }
        command.render(&[("text".into(), "a".into())]).unwrap();
    }
}
