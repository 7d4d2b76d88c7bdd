//! How a line of the log is meant.

/// How a line of the log is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// For the plugin's author.
    Debug,
    /// Worth knowing.
    Info,
    /// Worth looking at.
    Warning,
    /// Something failed.
    Error,
}
