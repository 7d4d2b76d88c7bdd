//! How a run ended.

use regent_protocol::{Code, Data, Refusal, RuleView};
use serde::{Deserialize, Serialize};

use super::why::{CommandFailure, Why};

#[derive(Debug, Clone)]
pub enum Performed {
    Done(Data),
    Failed(Failure),
}

#[derive(Debug, Clone)]
pub struct Failure {
    pub refusal: Refusal,
    /// What the log is told besides.
    pub why: Why,
    /// The grant by which it counts as failed, where a command did.
    pub rule: Option<RuleView>,
}

#[derive(Debug)]
pub struct StepFailed {
    pub failure: Box<CommandFailure>,
    /// The grant by which it counts as failed.
    pub rule: RuleView,
}

/// How an operation that ran ended, as it is kept for its requester.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Outcome {
    Done(Data),
    /// With this text and code for the caller.
    Failed(String, Code),
}

impl Performed {
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Done(_) => None,
            Self::Failed(failure) => Some(failure),
        }
    }

    /// What there is to say of a failure beyond what the caller hears.
    pub fn why(&self) -> Option<&Why> {
        self.failure().map(|failure| &failure.why).filter(|why| !why.is_unsaid())
    }
}

impl Failure {
    /// The caller hears this; the log hears of the step, if one failed.
    pub fn of(refusal: Refusal, step: Option<StepFailed>) -> Self {
        let (failure, rule) = step.map(|step| (step.failure, step.rule)).unzip();
        Self { refusal, why: failure.map(Why::Command).unwrap_or_default(), rule }
    }
}
