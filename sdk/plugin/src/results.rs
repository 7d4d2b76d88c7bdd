//! What became of a plan: the results of its steps, in order.

use std::ops::Deref;

use serde::de::DeserializeOwned;

use crate::{Failure, data};

/// How one step ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StepResult {
    /// The granted command's name.
    pub command: String,
    /// `ok`, `status`, `signal`, `timeout` or `not-started`; what you do not know is a failure.
    pub outcome: String,
    /// The exit status, or the signal's number.
    pub status: i32,
    /// What it wrote to standard output, up to the limit of its grant.
    pub stdout: Vec<u8>,
    /// What it wrote to standard error, likewise.
    pub stderr: Vec<u8>,
    /// Whether either was cut at its limit.
    pub truncated: bool,
}

impl StepResult {
    /// Whether the command ended as its grant calls success.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.outcome == "ok"
    }

    /// Standard output as text.
    ///
    /// # Errors
    /// Output that was cut or is not UTF-8 is a failure without words, whose reason is logged: half an answer is none.
    pub fn text(&self) -> Result<&str, Failure> {
        if self.truncated {
            return Err(self.failure("its output was cut at the limit of its grant, output_max"));
        }
        std::str::from_utf8(&self.stdout).map_err(|error| {
            self.failure(&format!("its output is not UTF-8 from byte {} on: take it from stdout", error.valid_up_to()))
        })
    }

    /// Standard output, which is JSON, as a type of yours.
    ///
    /// # Errors
    /// As [`text`](Self::text), and what is not the JSON that the type takes; the log says where and what was expected.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        data::parse(self.text()?)
            .map_err(|error| self.failure(&format!("its output is not what was expected: {error}")))
    }

    fn failure(&self, why: &str) -> Failure {
        Failure::logged(format!("command {}: {why}", self.command))
    }
}

/// The results of all steps that were started, in order. The first that failed is the last: those after it did not run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Results(Vec<StepResult>);

impl Results {
    pub(crate) fn new(steps: Vec<StepResult>) -> Self {
        Self(steps)
    }

    /// Whether every step succeeded; so it is for an empty plan.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.0.iter().all(StepResult::succeeded)
    }

    /// These results, if every step succeeded.
    ///
    /// # Errors
    /// The failure with these words for the caller, if a step did not.
    pub fn or_fail(&self, words: &str) -> Result<&Self, Failure> {
        if self.succeeded() { Ok(self) } else { Err(words.into()) }
    }

    /// What the last step wrote, as text, if every step succeeded.
    ///
    /// # Errors
    /// A failure without words if a step did not, if there was none, or if the output is not whole UTF-8.
    pub fn text(&self) -> Result<&str, Failure> {
        self.last_if_succeeded()?.text()
    }

    /// What the last step wrote, which is JSON, as a type of yours, if every step succeeded.
    ///
    /// # Errors
    /// As [`text`](Self::text), and what is not the JSON that the type takes.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        self.last_if_succeeded()?.json()
    }

    /// How a step failed the daemon has logged; only that none was planned is ours to say.
    fn last_if_succeeded(&self) -> Result<&StepResult, Failure> {
        if !self.succeeded() {
            return Err(Failure::default());
        }
        self.last().ok_or_else(|| Failure::logged("no step was planned, so there is no output"))
    }
}

impl Deref for Results {
    type Target = [StepResult];

    fn deref(&self) -> &[StepResult] {
        &self.0
    }
}
