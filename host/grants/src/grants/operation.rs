//! An operation that is served: who may ask, whose consent it needs, and how long it may take.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::step::Step;
use crate::duration::milliseconds;

/// An operation that is served.
#[derive(Debug, Clone)]
pub struct Operation {
    /// What the plugin calls it.
    pub name: String,
    /// What callers call it: `as`, or its name.
    pub called: String,
    /// One line for people.
    pub summary: Option<String>,
    /// What it runs without code; `None`: a plugin plans it.
    pub run: Option<Run>,
    /// Who may ask; `None`: whoever knows the secret. Never empty.
    pub allow: Option<Vec<Principal>>,
    /// Whose consent it needs, in order; empty: nobody's.
    pub require: Vec<Step>,
    /// How long an immediate one may take.
    pub deadline: Option<Duration>,
    /// Whether callers are shown the command lines.
    pub show_plan: bool,
    /// How long a held one waits for consent; at least a second.
    pub hold_for: Duration,
    /// How long one with consent waits for its run; at least a second.
    pub run_within: Duration,
    /// Where it stands in the file.
    pub line: usize,
    /// Where `allow` does, if it is there.
    pub allow_line: Option<usize>,
    /// Where `require` does, if it is there.
    pub require_line: Option<usize>,
}

/// Who may ask, as the kernel names the peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// A user, by name or digits.
    User(String),
    /// A user, by number.
    Uid(u32),
    /// A group, by name or digits.
    Group(String),
    /// A group, by number.
    Gid(u32),
}

/// An operation without code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// What its caller gets.
    pub reply: ReplyForm,
}

/// What becomes of a command's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplyForm {
    /// The reply is the output as a text.
    Text,
    /// The output is JSON, and the reply.
    Json,
    /// The reply is empty, whatever the command wrote.
    None,
}

impl ReplyForm {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::None => "none",
        }
    }
}

impl Operation {
    pub(super) fn move_up(&mut self, lines: usize) {
        let all = [Some(&mut self.line), self.allow_line.as_mut(), self.require_line.as_mut()];
        all.into_iter().flatten().for_each(|line| *line = line.saturating_sub(lines));
    }

    pub(super) fn digest(&self) -> Json {
        let allow = self.allow.as_ref().map(|allow| allow.iter().map(Principal::digest).collect::<Vec<_>>());
        let step = |step: &Step| json!({"step": "approval", "of": step.of, "count": step.count});
        json!({
            "name": self.name,
            "as": self.called,
            "summary": self.summary,
            "allow": allow,
            "require": self.require.iter().map(step).collect::<Vec<_>>(),
            "deadline_ms": self.deadline.map(milliseconds),
            "show_plan": self.show_plan,
            "hold_for_ms": milliseconds(self.hold_for),
            "run_within_ms": milliseconds(self.run_within),
        })
    }
}

impl Principal {
    fn digest(&self) -> Json {
        match self {
            Self::User(name) => json!({"user": name}),
            Self::Uid(uid) => json!({"uid": uid}),
            Self::Group(name) => json!({"group": name}),
            Self::Gid(gid) => json!({"gid": gid}),
        }
    }
}
