//! How a plugin's processes have fared, and so when the next may be started: back-off after a crash, a breaker after
//! many, a rate for those that faults cost. Nothing here starts anything or looks at a clock.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// Crashes within [`WITHIN`] that open the breaker: one may be an accident of the machine, five are the plugin's way.
pub const CRASHES_MAX: usize = 5;
pub const WITHIN: Duration = Duration::from_secs(60);
/// How long nothing is started once the breaker is open: a start a minute costs nothing, whatever comes of it.
pub const REST: Duration = Duration::from_secs(60);
/// Before the start that follows a first crash; each further one doubles it.
const BACK_OFF: Duration = Duration::from_millis(100);
/// The longest: what cannot be started for the machine's sake is tried again as soon as somebody who repairs it would
/// look.
const BACK_OFF_MAX: Duration = Duration::from_secs(10);
/// Processes that faults may cost at once. A fault is what a caller's data brings about, so callers would choose how
/// many are started; beyond this a process goes on serving for a while, each exchange in an instance of its own as
/// ever.
const FAULTS_AT_ONCE: u32 = 8;
/// And after these one in so long: some ten milliseconds of a processor, that is a twentieth of it.
const FAULT_EVERY: Duration = Duration::from_millis(250);

#[derive(Debug)]
pub struct CrashBreaker {
    /// The latest crashes, the newest last.
    crashes: VecDeque<Instant>,
    count: u64,
    /// Starts in a row that came to nothing for the machine's sake.
    failures: u32,
    last: Option<String>,
    not_before: Option<Instant>,
    breaker: Breaker,
    /// When the rate of faults is where it would be had there never been one.
    faults: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Breaker {
    Closed,
    /// Nothing is started before this.
    Open(Instant),
    /// One start is tried; a crash opens it again.
    Trying,
}

impl CrashBreaker {
    pub fn new(now: Instant) -> Self {
        Self {
            crashes: VecDeque::new(),
            count: 0,
            failures: 0,
            last: None,
            not_before: None,
            breaker: Breaker::Closed,
            faults: now,
        }
    }

    /// A process ended by itself, was killed, spoke out of turn or did not answer in time. True if that opens the
    /// breaker.
    pub fn crashed(&mut self, why: &str, now: Instant) -> bool {
        self.crashes.push_back(now);
        while self.crashes.front().is_some_and(|crash| *crash + WITHIN <= now) || self.crashes.len() > CRASHES_MAX {
            self.crashes.pop_front();
        }
        self.count = self.count.saturating_add(1);
        self.last = Some(why.to_owned());
        if matches!(self.breaker, Breaker::Open(until) if until > now) {
            return false;
        }
        if self.breaker == Breaker::Trying || self.crashes.len() >= CRASHES_MAX {
            self.breaker = Breaker::Open(now + REST);
            return true;
        }
        self.not_before = Some(now + back_off(self.crashes.len()));
        false
    }

    /// A process could not be started, for the machine's sake: that says nothing of the plugin, so the breaker is left
    /// as it is.
    pub fn not_started(&mut self, why: &str, now: Instant) {
        self.failures = self.failures.saturating_add(1);
        self.last = Some(why.to_owned());
        self.not_before = Some(now + back_off(usize::try_from(self.failures).unwrap_or(usize::MAX)));
    }

    pub fn start_at(&self, now: Instant) -> Instant {
        let until = match self.breaker {
            Breaker::Open(until) => until,
            Breaker::Closed | Breaker::Trying => now,
        };
        until.max(self.not_before.unwrap_or(now))
    }

    /// A process is about to be started; after a rest that is a trial.
    pub fn begins(&mut self) {
        if matches!(self.breaker, Breaker::Open(_)) {
            self.breaker = Breaker::Trying;
        }
    }

    pub fn started(&mut self) {
        self.failures = 0;
        self.not_before = None;
    }

    /// An exchange ended well, which ends a trial.
    pub fn well(&mut self) {
        if self.breaker == Breaker::Trying {
            self.breaker = Breaker::Closed;
            self.crashes.clear();
        }
    }

    /// Takes a process of those that faults may cost.
    ///
    /// # Errors
    /// When the next is to be had.
    pub fn fault(&mut self, now: Instant) -> Result<(), Instant> {
        let ahead = FAULT_EVERY * (FAULTS_AT_ONCE - 1);
        if self.faults > now + ahead {
            return Err(self.faults - ahead);
        }
        self.faults = self.faults.max(now) + FAULT_EVERY;
        Ok(())
    }

    /// An administrator has looked: what was does not count any more. What faults may cost stays.
    pub fn forgive(&mut self, now: Instant) {
        *self = Self { faults: self.faults, ..Self::new(now) };
    }

    /// Until when nothing is started, if the breaker is open.
    pub fn rests(&self, now: Instant) -> Option<Instant> {
        match self.breaker {
            Breaker::Open(until) if until > now => Some(until),
            _ => None,
        }
    }

    /// How many processes crashed since somebody looked.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// What became of the last that did not go on, in words.
    pub fn last(&self) -> &str {
        self.last.as_deref().unwrap_or("its sandbox has ended")
    }
}

fn back_off(times: usize) -> Duration {
    let doublings = u32::try_from(times.saturating_sub(1)).unwrap_or(u32::MAX);
    BACK_OFF.saturating_mul(2_u32.saturating_pow(doublings)).min(BACK_OFF_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(now: Instant, milliseconds: u64) -> Instant {
        now + Duration::from_millis(milliseconds)
    }

    /// Crashes so often, a second apart, and tells when the last was.
    fn crash(life: &mut CrashBreaker, times: u64, since: Instant) -> Instant {
        for time in 0..times {
            life.crashed("why", after(since, time * 1000));
        }
        after(since, (times - 1) * 1000)
    }

    #[test]
    fn each_crash_doubles_the_time_before_the_next_start() {
        let begin = Instant::now();
        let mut life = CrashBreaker::new(begin);
        assert_eq!(life.start_at(begin), begin);
        for (time, wait) in [100, 200, 400, 800].into_iter().enumerate() {
            let now = after(begin, time as u64 * 1000);
            assert!(!life.crashed("why", now));
            assert_eq!(life.start_at(now), after(now, wait));
            life.begins();
            life.started();
            assert_eq!(life.start_at(now), now, "what was started need not wait");
        }
    }

    #[test]
    fn the_fifth_crash_within_a_minute_opens_the_breaker_and_a_fifth_after_it_does_not() {
        let begin = Instant::now();
        let mut life = CrashBreaker::new(begin);
        let fourth = crash(&mut life, 4, begin);
        assert_eq!(life.rests(fourth), None);
        let late = begin + WITHIN;
        assert!(!life.crashed("why", late), "the first is a minute old");
        assert_eq!(life.rests(late), None);
        assert!(life.crashed("the last", late), "four in the last minute, and this");
        assert_eq!((life.rests(late), life.start_at(late)), (Some(late + REST), late + REST));
        assert_eq!((life.count(), life.last()), (6, "the last"));
        assert!(!life.crashed("of one that still ran", late), "it is open already");
        assert_eq!(life.rests(late), Some(late + REST), "and stays open no longer for that");
    }

    #[test]
    fn after_its_rest_one_start_is_tried_and_a_crash_opens_the_breaker_again_at_once() {
        let begin = Instant::now();
        let mut life = CrashBreaker::new(begin);
        let until = crash(&mut life, 5, begin) + REST;
        assert_eq!((life.rests(until), life.start_at(until)), (None, until));
        life.begins();
        life.started();
        assert!(life.crashed("again", until));
        assert_eq!(life.rests(until), Some(until + REST));
    }

    #[test]
    fn a_trial_that_answers_closes_the_breaker_and_then_five_crashes_open_it_as_before() {
        let begin = Instant::now();
        let mut life = CrashBreaker::new(begin);
        let until = crash(&mut life, 5, begin) + REST;
        life.begins();
        life.well();
        for time in 0..4 {
            assert!(!life.crashed("why", after(until, time)));
        }
        assert!(life.crashed("why", after(until, 5)));
    }

    #[test]
    fn what_answers_well_takes_no_crash_back_that_was_not_followed_by_a_rest() {
        let begin = Instant::now();
        let mut life = CrashBreaker::new(begin);
        let fourth = crash(&mut life, 4, begin);
        life.well();
        assert!(life.crashed("why", fourth));
    }

    #[test]
    fn what_the_machine_could_not_start_is_tried_ever_more_seldom_and_opens_no_breaker() {
        let mut now = Instant::now();
        let mut life = CrashBreaker::new(now);
        let mut before = Duration::ZERO;
        for _ in 0..40 {
            life.not_started("no memory", now);
            let wait = life.start_at(now) - now;
            assert!(before <= wait && wait <= BACK_OFF_MAX, "{before:?}, then {wait:?}");
            (before, now) = (wait, now + wait);
            assert_eq!(life.rests(now), None);
            life.begins();
        }
        assert_eq!((before, life.count(), life.last()), (BACK_OFF_MAX, 0, "no memory"));
        life.started();
        life.not_started("no memory", now);
        assert_eq!(life.start_at(now), now + BACK_OFF, "one that was started ends the row");
    }

    #[test]
    fn who_is_forgiven_begins_anew_but_for_what_faults_may_cost() {
        let begin = Instant::now();
        let mut life = CrashBreaker::new(begin);
        let now = crash(&mut life, 5, begin);
        while life.fault(now).is_ok() {}
        life.forgive(now);
        assert_eq!((life.rests(now), life.start_at(now), life.count()), (None, now, 0));
        assert!(life.fault(now).is_err());
        for _ in 0..4 {
            assert!(!life.crashed("why", now));
        }
    }

    #[test]
    fn faults_cost_some_processes_at_once_and_then_no_more_than_their_rate() {
        let begin = Instant::now();
        let mut life = CrashBreaker::new(begin);
        for _ in 0..FAULTS_AT_ONCE {
            assert_eq!(life.fault(begin), Ok(()));
        }
        let next = life.fault(begin).unwrap_err();
        assert_eq!(next, begin + FAULT_EVERY);
        assert_eq!(life.fault(next - Duration::from_millis(1)), Err(next));
        assert_eq!(life.fault(next), Ok(()));
        assert_eq!(life.fault(next), Err(next + FAULT_EVERY));
        // A whole hour of them without pause.
        let hour = 3600 * 1000;
        let cost = (1..=hour).filter(|time| life.fault(after(next, *time)).is_ok()).count();
        assert_eq!(cost as u64, hour / 250);
        let much_later = after(next, 2 * hour);
        assert_eq!((0..100).filter(|_| life.fault(much_later).is_ok()).count(), FAULTS_AT_ONCE as usize);
    }
}
