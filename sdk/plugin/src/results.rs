//! What became of a plan: the results of its steps, in order.

use std::ops::Deref;

use crate::Failure;

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
    /// Output that was cut or is not UTF-8 is a failure without words: half an answer is none.
    pub fn text(&self) -> Result<&str, Failure> {
        if self.truncated {
            return Err(Failure::default());
        }
        std::str::from_utf8(&self.stdout).map_err(|_| Failure::default())
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
        match self.0.last() {
            Some(last) if self.succeeded() => last.text(),
            _ => Err(Failure::default()),
        }
    }
}

impl Deref for Results {
    type Target = [StepResult];

    fn deref(&self) -> &[StepResult] {
        &self.0
    }
}
