//! A command that the plugin wants to be granted.

/// A command that the plugin wants to be granted.
#[derive(Debug)]
pub struct Want {
    /// The name that [`Plan::run`](crate::Plan::run) is called with.
    pub command: &'static str,
    /// Its slots.
    pub slots: &'static [&'static str],
    /// What for, for the administrator.
    pub reason: &'static str,
}
