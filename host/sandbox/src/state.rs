//! What an instance carries through its exchange.

use std::sync::Arc;

use crate::lane::SharedLane;
use crate::limits::{Memory, Time};
use crate::wasi;

/// Where in its exchange an instance is: what it may call depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Its own start-up, before any request is known.
    Starting,
    /// `describe`
    Describe,
    /// `prepare`
    Prepare,
    /// `authorise`
    Authorise,
    /// `finish`
    Finish,
}

impl Phase {
    /// As a plugin's author knows it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Starting => "its start-up",
            Self::Describe => "`describe`",
            Self::Prepare => "`prepare`",
            Self::Authorise => "`authorise`",
            Self::Finish => "`finish`",
        }
    }
}

/// What the plugin's calls see.
pub(crate) struct State {
    pub(crate) lane: SharedLane,
    pub(crate) settings: Arc<str>,
    pub(crate) phase: Phase,
    /// Calls of `commands.plan` so far.
    pub(crate) planned: usize,
    pub(crate) wasi: wasi::Held,
    pub(crate) memory: Memory,
    pub(crate) time: Time,
}
