//! "No", sorted by blame: the caller hears its part, the log hears why, and both have the same reference. A stranger
//! can be refused as often as it likes, so what is written of refusals is bounded.

use std::cell::RefCell;
use std::collections::HashMap;

use jiff::Timestamp;
use regent_protocol::{AllowView, Reply, RuleView};
use tokio::time::Instant;

use crate::kept::audit::AuditLog;
use crate::kept::event::{Event, EventKind};
use crate::record::denial::{Because, Blame, Refused};
use crate::record::requester::{Owner, Requester};
use crate::record::text::cut;
use crate::shares::Limit;
use crate::why::remembered::Remembered;

/// Refusals written at once, of one peer and of all: enough to see what happens, too few to fill a disk (a line is some
/// KiB). One who is refused without end does not keep what others were refused from being written.
const BURST: Limit = Limit { each: 50, most: 450 };
const A_SECOND: usize = 10;
const A_SECOND_EACH: usize = 2;
/// What is written of why, in bytes: the name of an operation that is not there may be as long as a request's line.
const WHY_MAX: usize = 1 << 10;
/// The same of such a name. One that is there is shorter.
const NAME_MAX: usize = 128;

/// Where refusals go: the daemon's log and the audit log, as far as there is room, and the memory that `regent why`
/// asks.
#[derive(Debug)]
pub struct RefusalLog {
    budget: RefCell<Budget>,
    /// Refusals that can still be asked about.
    pub remembered: Remembered,
    audit: AuditLog,
}

impl RefusalLog {
    pub fn new(audit: AuditLog) -> Self {
        Self { budget: RefCell::new(Budget::new()), remembered: Remembered::default(), audit }
    }

    /// Whether no more of this requester's refusals are written for now.
    pub fn is_spent(&self, requester: &Requester) -> bool {
        self.budget.borrow_mut().is_spent(&requester.owner(), Instant::now())
    }

    /// Writes a refusal down, as far as there is room, and makes it a reply.
    pub fn refuse(&self, requester: &Requester, reference: &str, because: Because) -> Reply {
        let unsaid = self.budget.borrow_mut().spend(requester.owner(), Instant::now());
        if let Some(unsaid) = unsaid {
            if unsaid > 0 {
                crate::warning!("{unsaid} refusals were not written down, for they came too fast");
            }
            self.write(requester, reference, &because);
        }
        let Because { refusal, why, state, rule, asked, .. } = because;
        let asked = asked.as_deref().map(|(operation, data)| (operation.as_str(), data));
        let (at, word, rule) = (Timestamp::now(), why.word(), rule.map(|rule| *rule));
        let refused = Refused { requester, at, asked, refusal: &refusal, reference, word, why: why.to_string(), rule };
        self.remembered.keep(refused);
        Reply::Refused { refusal: refusal.with_reference(reference), state }
    }

    fn write(&self, requester: &Requester, reference: &str, because: &Because) {
        let Because { refusal, blame, rule, asked, .. } = because;
        let why = told(because);
        let (said, code) = (cut(&refusal.text, WHY_MAX), refusal.code);
        let outcome = why.as_ref().map_or_else(|| said.clone(), |why| format!("{said}: {why}"));
        let level = if *blame == Blame::Ours { crate::log::Level::Warning } else { crate::log::Level::Info };
        let (name, uid, socket) = (requester.name(), requester.uid, &requester.socket);
        let outcome = cut(&outcome, WHY_MAX);
        crate::log::say(level, format_args!("ref {reference}: {name} (uid {uid}) on {socket}: {code}: {outcome}"));
        if let (Blame::Ours, Some(allow)) = (blame, rule.as_ref().and_then(|rule| rule.allow.as_ref())) {
            to_be_written(allow);
        }
        if *blame == Blame::Stranger {
            return;
        }
        let operation = asked.as_ref().map(|asked| cut(&asked.0, NAME_MAX));
        let rule = rule.as_ref().map(|rule| RuleView { rule: cut(&rule.rule.rule, WHY_MAX), ..rule.rule.clone() });
        self.audit.record_or_log(&Event {
            reference: Some(reference),
            operation: operation.as_deref(),
            code: Some(code),
            said: Some(&said),
            why: why.as_deref(),
            rule: rule.as_ref(),
            ..Event::by(EventKind::Refused, requester).because(&because.why)
        });
    }
}

/// Why, in words: its own, or those of the rule; `None` where the code says all there is.
fn told(because: &Because) -> Option<String> {
    let why = because.why.to_string();
    let rule = because.rule.as_ref().map_or("", |rule| &rule.rule.rule);
    [why.as_str(), rule].into_iter().find(|why| !why.is_empty()).map(|why| cut(why, WHY_MAX))
}

/// What somebody forgot to grant, to be copied from the log.
fn to_be_written(allow: &AllowView) {
    crate::warning!("to allow it, write into {}:", allow.file);
    allow.lines.iter().for_each(|line| crate::warning!("    {line}"));
}

/// How much may still be written of refusals.
#[derive(Debug)]
struct Budget {
    all: usize,
    each: HashMap<Owner, usize>,
    at: Instant,
    unsaid: u64,
}

impl Budget {
    fn new() -> Self {
        Self { all: 0, each: HashMap::new(), at: Instant::now(), unsaid: 0 }
    }

    fn is_spent(&mut self, owner: &Owner, now: Instant) -> bool {
        self.come_back(now);
        let own = self.each.get(owner).copied().unwrap_or_default();
        !BURST.has_room(own, self.all, 1)
    }

    /// Whether one more of this peer's is written, and how many before it were not.
    fn spend(&mut self, owner: Owner, now: Instant) -> Option<u64> {
        if self.is_spent(&owner, now) {
            self.unsaid += 1;
            return None;
        }
        self.all += 1;
        *self.each.entry(owner).or_default() += 1;
        Some(std::mem::take(&mut self.unsaid))
    }

    fn come_back(&mut self, now: Instant) {
        let seconds = usize::try_from(now.saturating_duration_since(self.at).as_secs()).unwrap_or(usize::MAX);
        if seconds == 0 {
            return;
        }
        self.at = now;
        self.all = self.all.saturating_sub(seconds.saturating_mul(A_SECOND));
        self.each.values_mut().for_each(|own| *own = own.saturating_sub(seconds.saturating_mul(A_SECOND_EACH)));
        self.each.retain(|_, own| *own > 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(uid: u32) -> Owner {
        ("web".into(), Some(uid))
    }

    #[test]
    fn who_is_refused_without_end_takes_no_line_from_others_and_has_some_again_after_a_while() {
        let (budget, now) = (RefCell::new(Budget::new()), Instant::now());
        let written = |uid| (0..1_000).filter(|_| budget.borrow_mut().spend(owner(uid), now).is_some()).count();
        assert_eq!((written(1), written(1)), (BURST.each, 0));
        assert!(written(2) > BURST.each / 2);
        assert!((3..12).map(written).all(|lines| lines > 5), "and neither do a dozen");
        assert!(written(1) == 0 && budget.borrow().unsaid > 0);
        let later = now + std::time::Duration::from_secs(30);
        assert!(budget.borrow_mut().spend(owner(1), later).is_some());
    }
}
