//! A refusal, and what the log is told besides. It is sorted by blame.

use jiff::Timestamp;
use regent_protocol::{AllowView, Code, Data, Refusal, RuleView, State};

use super::outcome::{Failure, Performed};
use super::requester::Requester;
use super::why::{ReasonWord, Why};

/// A refusal, and what the log is told besides.
#[derive(Debug)]
pub struct Because {
    pub refusal: Refusal,
    pub why: Box<Why>,
    /// The state of the hold that it is about.
    pub state: Option<State>,
    pub blame: Blame,
    pub rule: Option<Box<Rule>>,
    /// The operation that was asked for, and its data.
    pub asked: Option<Box<(String, Data)>>,
}
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// A peer that did not even know the secret: not worth a line of the audit log.
    Stranger,
    Caller,
    /// The plugin, the host or the administrator: somebody should look.
    Ours,
}

/// The rule that decided, and what would have it decide otherwise.
#[derive(Debug, Clone)]
pub struct Rule {
    pub rule: RuleView,
    /// The lines that would allow what was refused, where there are such.
    pub allow: Option<AllowView>,
}

/// A refusal, as far as it is told to an administrator.
#[derive(Debug)]
pub struct Refused<'a> {
    pub requester: &'a Requester,
    pub at: Timestamp,
    pub asked: Option<(&'a str, &'a Data)>,
    pub refusal: &'a Refusal,
    /// What it was given to name it by.
    pub reference: &'a str,
    /// Why, as the audit log has it.
    pub word: Option<ReasonWord>,
    pub why: String,
    pub rule: Option<Rule>,
}

impl Because {
    /// The caller hears this, the log that.
    pub fn of(refusal: Refusal, why: Why) -> Self {
        Self { refusal, why: Box::new(why), state: None, blame: Blame::Caller, rule: None, asked: None }
    }

    /// The caller hears `Operation failed`; the log hears whose fault it was.
    pub fn ours(code: Code, why: Why) -> Self {
        Self { blame: Blame::Ours, ..Self::of(Refusal::operation_failed(code), why) }
    }

    /// A run failed; if there is more to say than the caller hears, somebody should look.
    pub fn failed(failure: Failure) -> Self {
        let blame = if failure.why.is_unsaid() { Blame::Caller } else { Blame::Ours };
        let rule = failure.rule.map(|rule| Rule { rule, allow: None });
        Self { blame, ..Self::of(failure.refusal, failure.why) }.by(rule)
    }

    /// What the caller hears, and what the log is told besides.
    pub fn into_parts(self) -> (Refusal, Why) {
        (self.refusal, *self.why)
    }

    /// The secret was missing or wrong: the answer is to be delayed, and nobody else's.
    pub fn wrong_secret() -> Self {
        Self::stranger(Refusal::denied())
    }

    pub fn is_wrong_secret(&self) -> bool {
        self.blame == Blame::Stranger && self.refusal.code == Code::Denied
    }

    /// A line that is no request, by whoever sent it.
    pub fn stranger(refusal: Refusal) -> Self {
        Self { blame: Blame::Stranger, ..Self::of(refusal, Why::Unsaid) }
    }

    /// By this rule, which only an administrator is told.
    pub fn by(self, rule: Option<Rule>) -> Self {
        Self { rule: rule.map(Box::new), ..self }
    }

    pub fn asked(mut self, operation: &str, data: &Data) -> Self {
        self.asked = Some(Box::new((operation.to_owned(), data.clone())));
        self
    }
}

impl Performed {
    /// As the caller hears it at once.
    pub fn into_reply(self) -> Result<Data, Because> {
        match self {
            Self::Done(data) => Ok(data),
            Self::Failed(failure) => Err(Because::failed(failure)),
        }
    }
}

impl From<Refusal> for Because {
    fn from(refusal: Refusal) -> Self {
        Self::of(refusal, Why::Unsaid)
    }
}
