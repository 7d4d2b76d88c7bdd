//! Times as they are told to people and programs: RFC 3339, in whole seconds. And the one clock by which anything
//! expires.

use std::cell::Cell;
use std::time::Duration;

use jiff::Timestamp;

/// How far the machine's clock goes back before that is worth a line: what keeps it right corrects by less.
const WORTH_SAYING: Duration = Duration::from_secs(10);

/// The second of a time.
pub fn second(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second()).unwrap_or(time).to_string()
}

/// A clock that goes as the machine's does, but never back and never slower than time passes: a hold whose time was
/// over stays over, and none waits for longer than it may, whatever somebody does to the machine's clock.
#[derive(Debug)]
pub struct Clock {
    /// What it said last, and how long the machine had been up then.
    last: Cell<(Timestamp, Duration)>,
    /// It is ahead of the machine's clock, which has been said.
    ahead: Cell<bool>,
}

impl Clock {
    /// One that is not behind this time, which is known to have been.
    pub fn not_before(known: Timestamp) -> Self {
        Self { last: Cell::new((known, uptime())), ahead: Cell::new(false) }
    }

    pub fn now(&self) -> Timestamp {
        let (wall, up) = (Timestamp::now(), uptime());
        let (last, at) = self.last.get();
        let passed = last.checked_add(up.saturating_sub(at)).unwrap_or(Timestamp::MAX);
        self.last.set((wall.max(passed), up));
        self.tell(wall, passed);
        wall.max(passed)
    }

    fn tell(&self, wall: Timestamp, passed: Timestamp) {
        let back = Duration::try_from(passed.duration_since(wall)).unwrap_or_default();
        let ahead = back >= WORTH_SAYING;
        if ahead && !self.ahead.get() {
            let seconds = back.as_secs();
            crate::warning!(
                "the machine's clock went back by {seconds} s: what is held expires by the time that has passed"
            );
        }
        self.ahead.set(ahead);
    }
}

/// How long the machine has been up, asleep or not.
pub fn uptime() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_not_behind_what_is_known_and_never_goes_back() {
        let known = Timestamp::now() + Duration::from_secs(3600);
        let clock = Clock::not_before(known);
        let first = clock.now();
        assert!(first >= known);
        std::thread::sleep(Duration::from_millis(20));
        assert!(clock.now().duration_since(first) >= jiff::SignedDuration::from_millis(20), "and goes on from there");
    }

    #[test]
    fn it_goes_as_the_machines_does_where_that_is_ahead() {
        let before = Timestamp::now();
        let clock = Clock::not_before(before - Duration::from_secs(3600));
        assert!(clock.now() >= before);
    }
}
