//! What a plugin did that no plugin may, or what happened to it.

use std::fmt;

use regent_lane::Blame;

use super::lane::LaneError;

/// What a plugin did that no plugin may, or what happened to it. The caller hears `Operation failed`, the log hears
/// why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Its code broke a rule, by the sandbox's word.
    Guest(Blame, String),
    /// It broke a rule that the daemon keeps.
    Rule(String),
    /// What it planned is granted and cannot be done: the administrator's fault, or this machine's.
    Host(String),
    /// Its process ended, perhaps through another request's fault.
    Ended(String),
    /// No process of it runs, and none will in time.
    Resting(String),
}

impl Fault {
    /// The word for it, in logs and for who looks for help: it stays what it is when the texts are worded better.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Guest(blame, _) => blame.code(),
            Self::Rule(_) => "plugin-fault",
            Self::Ended(_) => "plugin-ended",
            Self::Resting(_) => "plugin-resting",
            Self::Host(_) => "host",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, text) = match self {
            Self::Guest(Blame::Trap, text) => ("it trapped: ", text),
            Self::Guest(Blame::Time, text) => ("it ran too long: ", text),
            Self::Guest(Blame::Memory, text) => ("it wanted too much: ", text),
            Self::Guest(Blame::Denied, text) => ("it called what it may not: ", text),
            Self::Guest(Blame::Answer, text) => ("its answer is none: ", text),
            Self::Rule(text) | Self::Host(text) | Self::Ended(text) | Self::Resting(text) => ("", text),
        };
        write!(f, "{}: {what}{text}", self.code())
    }
}

impl From<LaneError> for Fault {
    fn from(why: LaneError) -> Self {
        match why {
            LaneError::Closed => Self::Ended(why.to_string()),
            LaneError::Late => Self::Guest(Blame::Time, why.to_string()),
            LaneError::Garbled(_) => Self::Rule(why.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_has_its_code_and_its_text_begins_with_it() {
        let guest = |blame| Fault::Guest(blame, "why".into());
        for (fault, text) in [
            (guest(Blame::Time), "plugin-timeout: it ran too long: why"),
            (guest(Blame::Memory), "plugin-memory: it wanted too much: why"),
            (guest(Blame::Trap), "plugin-trap: it trapped: why"),
            (guest(Blame::Denied), "plugin-fault: it called what it may not: why"),
            (guest(Blame::Answer), "plugin-fault: its answer is none: why"),
            (Fault::Rule("why".into()), "plugin-fault: why"),
            (Fault::Ended("why".into()), "plugin-ended: why"),
            (Fault::Resting("why".into()), "plugin-resting: why"),
            (Fault::Host("why".into()), "host: why"),
        ] {
            assert_eq!(fault.to_string(), text);
        }
    }
}
