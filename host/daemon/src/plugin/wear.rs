//! When a process that serves is replaced by a new one, and why: whatever a request left behind in it ends with it.

use std::time::Duration;

use regent_grants::Recycle;
use tokio::time::Instant;

/// How a process that is there stands.
#[derive(Debug, Clone, Copy)]
pub struct Wear {
    pub usable: bool,
    /// A fault that it will be replaced for, then.
    pub owed: Option<Instant>,
    pub served: u64,
    /// When the last of them began or ended.
    pub used: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It takes no exchange any more.
    Gone,
    /// Its code broke a rule.
    Fault,
    /// It has served so many.
    Served(u64),
    /// Nobody has asked for so long.
    Idle(Duration),
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Gone => f.write_str("the one before is gone"),
            Self::Fault => f.write_str("a fault is behind the one before"),
            Self::Served(times) => write!(f, "the one before was asked {times} times"),
            Self::Idle(time) => write!(f, "nobody has asked for {} s", time.as_secs()),
        }
    }
}

impl Wear {
    /// When it is to be replaced, and why; `None`: not for what is known now. One that never served is as good as new.
    pub fn due(&self, recycle: Option<&Recycle>, now: Instant) -> Option<(Instant, Reason)> {
        if !self.usable {
            return Some((now, Reason::Gone));
        }
        let recycle = recycle?;
        if self.served >= recycle.after {
            return Some((now, Reason::Served(self.served)));
        }
        let owed = self.owed.map(|at| (at, Reason::Fault));
        let idle = (self.served > 0).then(|| (self.used + recycle.idle, Reason::Idle(recycle.idle)));
        owed.into_iter().chain(idle).min_by_key(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECYCLE: Recycle = Recycle { after: 10, idle: Duration::from_secs(3600) };

    #[test]
    fn a_process_is_due_when_it_is_gone_worn_owed_or_idle_and_not_before() {
        let now = Instant::now();
        let wear = Wear { usable: true, owed: None, served: 9, used: now };
        let due = |wear: Wear| wear.due(Some(&RECYCLE), now);
        assert_eq!(due(wear), Some((now + RECYCLE.idle, Reason::Idle(RECYCLE.idle))));
        assert_eq!(due(Wear { served: 0, ..wear }), None, "one that never served is as good as new");
        assert_eq!(due(Wear { served: 10, ..wear }), Some((now, Reason::Served(10))));
        let soon = now + Duration::from_millis(5);
        assert_eq!(due(Wear { owed: Some(soon), ..wear }), Some((soon, Reason::Fault)));
        let gone = Wear { usable: false, ..wear };
        assert_eq!(due(gone), Some((now, Reason::Gone)));
        assert_eq!((gone.due(None, now), wear.due(None, now)), (Some((now, Reason::Gone)), None));
    }
}
