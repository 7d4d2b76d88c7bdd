//! Sandboxes as they come and go.

use rustix::process::{Pid, Signal, kill_process};

use crate::eventually::eventually;
use crate::proc;
use crate::running::Running;

impl Running<'_> {
    /// All that there are.
    pub fn sandboxes(&self) -> Vec<u32> {
        proc::named(self.pid(), "regent-sandbox")
    }

    /// The only one.
    #[track_caller]
    pub fn only_sandbox(&self) -> u32 {
        eventually("there is one sandbox", || match self.sandboxes()[..] {
            [pid] => Some(pid),
            _ => None,
        })
    }

    /// How often one of this plugin was started in another's place.
    pub fn replacements(&self, plugin: &str) -> usize {
        self.log().matches(&format!("plugin {plugin}: a new sandbox serves")).count()
    }

    /// The one that was started last in another's place, as soon as there are so many and it runs.
    #[track_caller]
    pub fn replaced(&self, plugin: &str, times: usize) -> u32 {
        eventually(&format!("plugin {plugin} has its sandbox number {times}"), || {
            let log = self.log();
            let (_, newest) = log.rsplit_once(&format!("plugin {plugin}: a new sandbox serves (pid "))?;
            let pid = newest.split(')').next()?.parse().ok()?;
            (self.replacements(plugin) >= times && self.sandboxes().contains(&pid)).then_some(pid)
        })
    }
}

/// kill -9, and waits until it is gone.
#[track_caller]
pub fn kill_sandbox(pid: u32) {
    kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), Signal::KILL).unwrap();
    eventually("it is gone", || proc::status(pid, "State").is_none_or(|state| state.starts_with('Z')).then_some(()));
}
