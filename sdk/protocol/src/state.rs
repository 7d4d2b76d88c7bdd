//! Where a held operation stands.

use serde::{Deserialize, Serialize};

/// Where a held operation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// A step waits for its answer.
    Held,
    /// All steps are answered; it has not begun.
    Approved,
    /// It runs.
    Performing,
    /// It ran and has a result.
    Done,
    /// It ran and failed.
    Failed,
    /// Somebody said no.
    Denied,
    /// Nobody said yes in time, or it did not begin in time.
    Expired,
    /// What was approved is no longer what would run.
    Void,
    /// Its requester gave it up.
    Cancelled,
    /// The daemon ended while it ran: whether it happened is unknown.
    Interrupted,
}

impl State {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Approved => "approved",
            Self::Performing => "performing",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Void => "void",
            Self::Cancelled => "cancelled",
            Self::Interrupted => "interrupted",
        }
    }

    /// The state that this word is.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        use State::*;
        [Held, Approved, Performing, Done, Failed, Denied, Expired, Void, Cancelled, Interrupted]
            .into_iter()
            .find(|state| state.as_str() == word)
    }

    /// Whether anything can still happen to it.
    #[must_use]
    pub fn is_over(self) -> bool {
        !matches!(self, Self::Held | Self::Approved | Self::Performing)
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
