//! Why the spawner did not do what it was asked.

use regent_spawner::Refused;

/// Why a program was not started.
#[derive(Debug, Clone)]
pub struct StartError {
    /// At which step.
    pub stage: String,
    /// The kernel's reason.
    pub why: String,
}

impl std::fmt::Display for StartError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.stage, self.why)
    }
}

/// Why a grant with values is no step.
#[derive(Debug)]
pub enum Unplanned {
    /// A path that was named could be led elsewhere.
    Path {
        /// The slot.
        slot: String,
        /// What it accepts, and what is wrong with this one.
        rule: String,
    },
    /// This machine is not as the grant needs it.
    Host(String),
    /// Nobody said in time: it may be as it was.
    Unanswered(String),
}

/// Why a question to the spawner has no answer.
#[derive(Debug)]
pub(super) enum NoAnswer {
    /// The spawner says no.
    Refused(Refused),
    /// There is none any more, and soon no daemon: nothing was said of what was asked.
    Gone,
}

impl From<NoAnswer> for Refused {
    fn from(no: NoAnswer) -> Self {
        match no {
            NoAnswer::Refused(why) => why,
            NoAnswer::Gone => Self::Because("the spawner has ended".into()),
        }
    }
}

impl From<NoAnswer> for Unplanned {
    fn from(no: NoAnswer) -> Self {
        match no {
            NoAnswer::Refused(Refused::Path { slot, rule }) => Self::Path { slot, rule },
            NoAnswer::Refused(why) => Self::Host(why.to_string()),
            gone @ NoAnswer::Gone => Self::Unanswered(Refused::from(gone).to_string()),
        }
    }
}
