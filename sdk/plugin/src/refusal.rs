//! The two ways of saying no. Neither is a fault: a plugin that panics has a fault, one that refuses has answered.

use std::fmt;

/// The code of a refusal whose message the caller may read.
const INVALID_DATA: &str = "invalid-data";

/// "No" from `prepare` or `authorise`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// A short word for programs.
    pub code: String,
    /// One line for people, at most 500 bytes.
    pub message: String,
}

impl Refusal {
    /// The data is not acceptable. From `prepare` the caller hears `Invalid data: MESSAGE`.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self { code: INVALID_DATA.into(), message: message.into() }
    }

    /// No, for a reason that only the log hears: the caller is told `Operation failed`, or from `authorise`
    /// `Authorisation failed`.
    pub fn denied(message: impl Into<String>) -> Self {
        Self { code: "denied".into(), message: message.into() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code, self.message)
    }
}

/// "It did not work" from `finish`.
///
/// With words (`Failure::from("Failed to change firewall")`) these are the caller's error text; without
/// (`Failure::default()`, [`Failure::logged`]) the caller hears `Operation failed`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Failure {
    pub(crate) words: Option<String>,
    pub(crate) reason: Option<String>,
}

impl Failure {
    /// It did not work, for a reason that only the log hears.
    pub fn logged(reason: impl Into<String>) -> Self {
        Self { words: None, reason: Some(reason.into()) }
    }
}

impl From<&str> for Failure {
    fn from(words: &str) -> Self {
        Self { words: Some(words.into()), reason: None }
    }
}

impl From<String> for Failure {
    fn from(words: String) -> Self {
        Self { words: Some(words), reason: None }
    }
}
