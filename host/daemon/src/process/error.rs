//! Why the spawner did not do what it was asked.

use std::io;

use regent_spawner::{Refused, Stage};
use thiserror::Error;

#[derive(Debug, Clone, Error)]
pub enum StartError {
    #[error("{stage}: {why}")]
    Stage { stage: Stage, why: String },
    #[error("spawner: {0}")]
    Spawner(String),
}

impl From<io::Error> for StartError {
    fn from(why: io::Error) -> Self {
        Self::Stage { stage: Stage::Descriptors, why: why.to_string() }
    }
}

/// Why a grant with values is no step.
#[derive(Debug)]
pub enum Unplanned {
    /// A path that was named could be led elsewhere.
    Path {
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
#[derive(Debug, Error)]
pub enum SpawnerError {
    #[error("{0}")]
    Refused(Refused),
    /// There is none any more, and soon no daemon: nothing was said of what was asked.
    #[error("the spawner has ended")]
    Gone,
}

impl SpawnerError {
    pub(super) fn because(why: impl Into<String>) -> Self {
        Self::Refused(Refused::Because(why.into()))
    }
}

impl From<SpawnerError> for Refused {
    fn from(error: SpawnerError) -> Self {
        match error {
            SpawnerError::Refused(why) => why,
            gone @ SpawnerError::Gone => Self::Because(gone.to_string()),
        }
    }
}

impl From<SpawnerError> for Unplanned {
    fn from(error: SpawnerError) -> Self {
        match error {
            SpawnerError::Refused(Refused::Path { slot, rule }) => Self::Path { slot, rule },
            SpawnerError::Refused(why) => Self::Host(why.to_string()),
            gone @ SpawnerError::Gone => Self::Unanswered(gone.to_string()),
        }
    }
}
