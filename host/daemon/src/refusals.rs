//! "No", sorted by blame: the caller hears its part, the log hears why, and both have the same reference. A stranger can be
//! refused as often as it likes, so what is written of refusals is bounded.

use std::cell::RefCell;
use std::collections::HashMap;

use jiff::Timestamp;
use regent_protocol::{AllowView, Code, Data, Refusal, Reply, RuleView, State};
use tokio::time::Instant;

use crate::daemon::Daemon;
use crate::gate::{Owner, Requester};
use crate::kept::audit::Event;
use crate::perform::Failure;
use crate::plugin::Fault;
use crate::plugin::exchange::{NoAnswer, words};
use crate::shares::Limit;
use crate::why::{Refused, Rule, cut};

/// Refusals written at once, of one peer and of all: enough to see what happens, too few to fill a disk (a line is some KiB). One
/// who is refused without end does not keep what others were refused from being written.
const BURST: Limit = Limit { each: 50, most: 450 };
/// And then a second.
const A_SECOND: usize = 10;
const A_SECOND_EACH: usize = 2;
/// What is written of why, in bytes: the name of an operation that is not there may be as long as a request's line.
const WHY_MAX: usize = 1 << 10;
/// The same of such a name. One that is there is shorter.
const NAME_MAX: usize = 128;

/// A refusal, and what the log is told besides.
#[derive(Debug)]
pub struct Because {
    refusal: Refusal,
    why: String,
    state: Option<State>,
    blame: Blame,
    rule: Option<Box<Rule>>,
    asked: Option<Box<(String, Data)>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blame {
    /// It did not even know the secret: not worth a line of the audit log.
    Stranger,
    Caller,
    /// The plugin, the host or the administrator: somebody should look.
    Ours,
}

impl Because {
    /// The caller hears this, the log that.
    #[must_use]
    pub fn of(refusal: Refusal, why: String) -> Self {
        Self { refusal, why, state: None, blame: Blame::Caller, rule: None, asked: None }
    }

    /// The caller hears `Operation failed`; the log hears whose fault it was.
    #[must_use]
    pub fn ours(code: Code, why: String) -> Self {
        Self { blame: Blame::Ours, ..Self::of(Refusal::operation_failed(code), why) }
    }

    /// A run failed; if there is more to say than the caller hears, somebody should look.
    #[must_use]
    pub fn failed(failure: Failure) -> Self {
        let blame = if failure.why.is_empty() { Blame::Caller } else { Blame::Ours };
        let rule = failure.rule.map(|rule| Rule { rule, allow: None });
        Self { blame, ..Self::of(failure.refusal, failure.why) }.by_what(rule)
    }

    /// What the caller hears, and what the log is told besides.
    #[must_use]
    pub fn into_parts(self) -> (Refusal, String) {
        (self.refusal, self.why)
    }

    /// No secret, or a wrong one.
    #[must_use]
    pub fn wrong_secret() -> Self {
        Self::stranger(Refusal::denied())
    }

    /// A line that is no request, by whoever sent it.
    #[must_use]
    pub fn stranger(refusal: Refusal) -> Self {
        Self { blame: Blame::Stranger, ..Self::of(refusal, String::new()) }
    }

    /// The plugin does not serve, or not in time.
    #[must_use]
    pub fn not_served(plugin: &str) -> Self {
        Self::ours(Code::Busy, format!("plugin {plugin} does not serve: regent plugin list {plugin} says why"))
    }

    /// By this rule, which only an administrator is told.
    #[must_use]
    pub fn by(mut self, rule: Rule) -> Self {
        self.rule = Some(Box::new(rule));
        self
    }

    /// The same where there may have been a rule.
    #[must_use]
    pub fn by_what(self, rule: Option<Rule>) -> Self {
        match rule {
            Some(rule) => self.by(rule),
            None => self,
        }
    }

    /// Of a request for this.
    #[must_use]
    pub fn asked(mut self, operation: &str, data: &Data) -> Self {
        self.asked = Some(Box::new((operation.to_owned(), data.clone())));
        self
    }

    /// About a hold that stands so.
    #[must_use]
    pub fn about(mut self, state: State) -> Self {
        self.state = Some(state);
        self
    }
}

impl From<Refusal> for Because {
    fn from(refusal: Refusal) -> Self {
        Self::of(refusal, String::new())
    }
}

impl From<NoAnswer> for Because {
    fn from(no: NoAnswer) -> Self {
        match no {
            NoAnswer::Busy => Self::ours(Code::Busy, "no lane came free in time".into()),
            NoAnswer::Refused(refusal) if refusal.code == "invalid-data" => {
                Refusal::invalid_data(&words(&refusal.message)).into()
            }
            NoAnswer::Refused(refusal) => Self::ours(
                Code::Failed,
                format!("prepare refused: {}: {}", words(&refusal.code), words(&refusal.message)),
            ),
            NoAnswer::Denied(why) => {
                Self::of(Refusal::not_authorised(), format!("the plugin denied it: {}", words(&why)))
            }
            NoAnswer::Fault(fault) => fault.into(),
        }
    }
}

impl From<Fault> for Because {
    fn from(fault: Fault) -> Self {
        let code = match fault {
            Fault::Guest(regent_lane::Blame::Time, _) => Code::Timeout,
            Fault::Resting(_) => Code::Busy,
            _ => Code::Failed,
        };
        match fault {
            Fault::Host(why) => Self::ours(code, why),
            fault => Self::ours(code, format!("the plugin's fault: {fault}")),
        }
    }
}

/// How much may still be written of refusals.
#[derive(Debug)]
pub struct Budget(RefCell<Spent>);

#[derive(Debug)]
struct Spent {
    all: usize,
    each: HashMap<Owner, usize>,
    at: Instant,
    unsaid: u64,
}

impl Budget {
    /// Whole.
    #[must_use]
    pub fn new() -> Self {
        Self(RefCell::new(Spent { all: 0, each: HashMap::new(), at: Instant::now(), unsaid: 0 }))
    }

    /// Whether no more of this peer's is written for now.
    #[must_use]
    pub fn is_spent(&self, owner: &Owner) -> bool {
        let mut spent = self.0.borrow_mut();
        spent.come_back(Instant::now());
        let own = spent.each.get(owner).copied().unwrap_or_default();
        !BURST.has_room(own, spent.all, 1)
    }

    /// Whether one more of this peer's is written, and how many before it were not.
    fn spend(&self, owner: Owner, now: Instant) -> Option<u64> {
        let mut spent = self.0.borrow_mut();
        spent.come_back(now);
        let own = spent.each.get(&owner).copied().unwrap_or_default();
        if !BURST.has_room(own, spent.all, 1) {
            spent.unsaid += 1;
            return None;
        }
        spent.all += 1;
        spent.each.insert(owner, own + 1);
        Some(std::mem::take(&mut spent.unsaid))
    }
}

impl Spent {
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

impl Default for Budget {
    fn default() -> Self {
        Self::new()
    }
}

/// Writes a refusal down, as far as there is room, and makes it a reply.
pub fn refused(daemon: &Daemon, requester: &Requester, reference: &str, because: Because) -> Reply {
    let Because { refusal, why, state, blame, rule, asked } = because;
    let asked = asked.as_deref().map(|(operation, data)| (operation.as_str(), data));
    let rule = rule.map(|rule| *rule);
    if let Some(unsaid) = daemon.refusals.spend(requester.owner(), Instant::now()) {
        if unsaid > 0 {
            crate::warning!("{unsaid} refusals were not written down, for they came too fast");
        }
        let why =
            [why.as_str(), rule.as_ref().map_or("", |rule| &rule.rule.rule)].into_iter().find(|why| !why.is_empty());
        let outcome = why.map_or_else(|| refusal.text.clone(), |why| format!("{}: {why}", refusal.text));
        let outcome = cut(&outcome, WHY_MAX);
        let code = refusal.code;
        let level = if blame == Blame::Ours { crate::log::Level::Warning } else { crate::log::Level::Info };
        let (name, uid, socket) = (requester.name(), requester.uid, &requester.socket);
        crate::log::say(level, format_args!("ref {reference}: {name} (uid {uid}) on {socket}: {code}: {outcome}"));
        if let (Blame::Ours, Some(allow)) = (blame, rule.as_ref().and_then(|rule| rule.allow.as_ref())) {
            to_be_written(allow);
        }
        if blame != Blame::Stranger {
            let operation = asked.map(|(operation, _)| cut(operation, NAME_MAX));
            let rule = rule.as_ref().map(|rule| &rule.rule);
            record(daemon, requester, reference, operation.as_deref(), &outcome, rule);
        }
    }
    let at = Timestamp::now();
    daemon.remembered.keep(Refused { requester, at, asked, refusal: &refusal, reference, why, rule });
    Reply::Refused { refusal: refusal.with_reference(reference), state }
}

/// What somebody forgot to grant, to be copied from the log.
fn to_be_written(allow: &AllowView) {
    crate::warning!("to allow it, write into {}:", allow.file);
    allow.lines.iter().for_each(|line| crate::warning!("    {line}"));
}

fn record(
    daemon: &Daemon,
    requester: &Requester,
    reference: &str,
    operation: Option<&str>,
    outcome: &str,
    rule: Option<&RuleView>,
) {
    let rule = rule.map(|rule| RuleView { rule: cut(&rule.rule, WHY_MAX), ..rule.clone() });
    let event = Event {
        event: "refused",
        reference: Some(reference),
        socket: Some(&requester.socket),
        uid: Some(requester.uid),
        gid: Some(requester.gid),
        pid: requester.pid,
        operation,
        outcome: Some(outcome),
        rule: rule.as_ref(),
        ..Event::default()
    };
    if let Err(why) = daemon.record(&event) {
        crate::error!("{why}");
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
        let (budget, now) = (Budget::new(), Instant::now());
        let written = |uid| (0..1_000).filter(|_| budget.spend(owner(uid), now).is_some()).count();
        assert_eq!((written(1), written(1)), (BURST.each, 0));
        assert!(written(2) > BURST.each / 2);
        assert!((3..12).map(written).all(|lines| lines > 5), "and neither do a dozen");
        assert!(written(1) == 0 && budget.0.borrow().unsaid > 0);
        let later = now + std::time::Duration::from_secs(30);
        assert!(budget.spend(owner(1), later).is_some());
    }
}
