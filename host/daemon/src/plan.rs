//! What will run: the granted commands with their slots filled, and what that comes to on this machine. A plan is made by the
//! plugin's calls, and again from its names and values when what was held is to run; two that are equal run the same.

use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use regent_grants::{Command, Grants, RenderError};
use regent_lane::{CALL_MAX, Call, Refusal, STEPS_MAX};

use crate::hold::PlannedStep;
use crate::plugin::Fault;
use crate::plugin::exchange::Planner;
use crate::trusted_file::{Program, Untrusted};
use crate::users::{self, Identity};

/// Argument lists of one plan together: what a person can be shown, and a record of it kept.
pub const PLAN_MAX: usize = 128 << 10;

/// One step: what is shown and bound, and the grant by which it runs.
#[derive(Debug, Clone)]
pub struct Step {
    /// What is shown.
    pub planned: PlannedStep,
    /// Whom it runs as.
    pub identity: Identity,
    /// How.
    pub command: Command,
}

/// The steps, in order.
#[derive(Debug, Clone, Default)]
pub struct Plan(Vec<Step>);

impl Plan {
    /// The steps.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// Whether nothing would run.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is shown.
    #[must_use]
    pub fn planned(&self) -> Vec<PlannedStep> {
        self.0.iter().map(|step| step.planned.clone()).collect()
    }

    /// The first program that is not there.
    #[must_use]
    pub fn missing_program(&self) -> Option<&str> {
        self.0.iter().find(|step| step.planned.program.is_none())?.planned.argv.first().map(String::as_str)
    }

    /// How long its steps may take together.
    #[must_use]
    pub fn longest(&self) -> Duration {
        self.0.iter().map(|step| step.command.timeout).sum()
    }

    /// The same plan by today's grants and on today's machine.
    ///
    /// # Errors
    /// Why it can no longer be made, for the administrator.
    pub fn again(grants: &Grants, planned: &[PlannedStep]) -> Result<Self, String> {
        let steps = planned.iter().map(|step| {
            let command = grants.command(&step.command).ok_or_else(|| not_granted(&step.command, &grants.name))?;
            self::step(command, &step.values).map_err(|why| match why {
                NotPlanned::Caller { slot, rule } => format!("{}: {slot}: {rule}", step.command),
                NotPlanned::Plugin(why) | NotPlanned::Host(why) => why,
            })
        });
        steps.collect::<Result<_, _>>().map(Self)
    }
}

/// Why a call is no step, by blame.
enum NotPlanned {
    Caller { slot: String, rule: String },
    Plugin(String),
    Host(String),
}

fn step(command: &Command, values: &[(String, String)]) -> Result<Step, NotPlanned> {
    let name = &command.name;
    let rendered = command.render(values).map_err(|why| match why {
        RenderError::NotAccepted { slot, rule, .. } => NotPlanned::Caller { slot, rule },
        RenderError::UnknownSlot(slot) => NotPlanned::Plugin(format!("command {name} has no slot {slot}")),
        RenderError::MissingSlot(slot) => NotPlanned::Plugin(format!("command {name}: slot {slot} was given no value")),
        RenderError::GivenTwice(slot) => NotPlanned::Plugin(format!("command {name}: slot {slot} was given twice")),
    })?;
    let identity = identity(command).map_err(NotPlanned::Host)?;
    let program = program(&command.program).map_err(|why| NotPlanned::Host(format!("command {name}: {why}")))?;
    let planned = PlannedStep {
        command: name.clone(),
        values: rendered.values().to_vec(),
        argv: rendered.argv().to_vec(),
        program: program.map(|path| path.display().to_string()),
        run_as: identity.name.clone(),
        uid: identity.uid,
        gid: identity.gid,
        groups: identity.groups.clone(),
        timeout_ms: u64::try_from(command.timeout.as_millis()).unwrap_or(u64::MAX),
    };
    Ok(Step { planned, identity, command: command.clone() })
}

/// Whom a command runs as: the daemon's own user unless the grant names another.
///
/// # Errors
/// For the administrator: no such user.
pub fn identity(command: &Command) -> Result<Identity, String> {
    match &command.run_as {
        Some(user) => users::user(user).map_err(|why| format!("command {}: run_as: {why}", command.name)),
        None => users::own(),
    }
}

/// The program with every link resolved, judged; `None` if it is not there.
fn program(path: &std::path::Path) -> Result<Option<PathBuf>, Untrusted> {
    match Program::open(path) {
        Ok(program) => Ok(Some(program.path().to_path_buf())),
        Err(Untrusted::Missing(_)) => Ok(None),
        Err(why) => Err(why),
    }
}

fn not_granted(command: &str, grants: &str) -> String {
    format!("not granted: add [commands.{command}] to the grants of {grants}")
}

/// Takes a plugin's calls while it prepares.
#[derive(Debug)]
pub struct Planning {
    grants: Rc<Grants>,
    plan: Plan,
    bytes: usize,
    fault: Option<Fault>,
}

impl Planning {
    /// By these grants.
    #[must_use]
    pub fn new(grants: Rc<Grants>) -> Self {
        Self { grants, plan: Plan::default(), bytes: 0, fault: None }
    }

    /// What was planned.
    #[must_use]
    pub fn into_plan(self) -> Plan {
        self.plan
    }

    fn add(&mut self, call: &Call) -> Result<(), NotPlanned> {
        if self.plan.0.len() >= STEPS_MAX {
            return Err(NotPlanned::Plugin(format!("it planned more than {STEPS_MAX} steps")));
        }
        let size: usize = call.values.iter().map(|(slot, text)| slot.len() + text.len()).sum();
        if size > CALL_MAX {
            return Err(NotPlanned::Plugin(format!("it planned a step of more than {CALL_MAX} bytes")));
        }
        let command = self.grants.command(&call.command);
        let command = command.ok_or_else(|| NotPlanned::Plugin(not_granted(&call.command, &self.grants.name)))?;
        let step = step(command, &call.values)?;
        self.bytes += step.planned.argv.iter().map(String::len).sum::<usize>();
        if self.bytes > PLAN_MAX {
            return Err(NotPlanned::Plugin(format!("its plan is longer than {PLAN_MAX} bytes")));
        }
        self.plan.0.push(step);
        Ok(())
    }
}

impl Planner for Planning {
    fn plan(&mut self, call: Call) -> Result<(), Refusal> {
        let refusal = |message: String| Refusal { code: "invalid-data".into(), message };
        match self.add(&call) {
            Ok(()) => Ok(()),
            Err(NotPlanned::Caller { slot, rule }) => {
                crate::info!("{}: command {}: {slot}: not accepted: {rule}", self.grants.name, call.command);
                Err(refusal(format!("{slot}: not accepted")))
            }
            // The request is over; what the plugin makes of it no longer matters.
            Err(NotPlanned::Plugin(why)) => {
                self.fault.get_or_insert(Fault::Rule(why));
                Err(refusal("not planned".into()))
            }
            Err(NotPlanned::Host(why)) => {
                self.fault.get_or_insert(Fault::Host(why));
                Err(refusal("not planned".into()))
            }
        }
    }

    fn start_again(&mut self) {
        (self.plan, self.bytes, self.fault) = (Plan::default(), 0, None);
    }

    fn fault(&mut self) -> Option<Fault> {
        self.fault.take()
    }
}
