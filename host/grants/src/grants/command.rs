//! A granted command: what runs, as whom, and what may stand in its slots.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::template::Template;
use crate::capability::Capabilities;
use crate::duration::milliseconds;
use crate::slot::{Below, Filled, Instead, Param, Slot, Unfilled};

/// A command that plugins may plan by name.
#[derive(Debug, Clone)]
pub struct Command {
    /// Its name.
    pub name: String,
    /// Absolute; the first argument too.
    pub program: PathBuf,
    /// How long it may run.
    pub timeout: Duration,
    /// User name, or number as digits; `None`: the daemon's own.
    pub run_as: Option<String>,
    /// Exit statuses that are success.
    pub ok: Vec<i32>,
    /// What its environment has beside the fixed part.
    pub env: BTreeMap<String, String>,
    /// Where it runs; `None`: in the root folder.
    pub cwd: Option<PathBuf>,
    /// Its file mode creation mask.
    pub umask: u32,
    /// How much of each of its outputs is kept, in bytes.
    pub output_max: usize,
    /// Whether it reads the request's data as JSON; else its standard input is empty.
    pub stdin_data: bool,
    /// Whether what it leaves running goes on when it has ended.
    pub leave_children: bool,
    /// Whether it ends this machine or the daemon, so that nobody may live to see its end.
    pub ends_host: bool,
    /// What it may have of root's rights; `None`: all as root, none as anybody else.
    pub capabilities: Option<Capabilities>,
    /// Whether what it executes may gain rights: by a set-user-ID bit, or by capabilities of a file.
    pub setuid: bool,
    /// Who starts it, if not the daemon's own spawner.
    pub via: Option<Via>,
    /// Where it stands in the file.
    pub line: usize,
    pub(super) arguments: Vec<Template>,
    /// In the order in which `run` first names them; each is in `run`.
    pub(super) slots: Vec<(String, Slot)>,
}

/// Who starts a command instead of the daemon's own spawner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// The service manager, as a transient unit: outside of whatever binds the daemon's.
    Systemd,
}

impl Via {
    /// As it is written.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Systemd => "systemd",
        }
    }
}

/// A command line.
///
/// Having one tells you that each slot's value was parsed into the slot's type and written again from it, and that
/// nothing else than this grant's fixed text and those values is in it; not that anybody agreed to run it.
#[derive(Debug, PartialEq, Eq)]
pub struct Rendered {
    argv: Vec<String>,
    values: Vec<(String, String)>,
    paths: Vec<Below>,
}

impl Rendered {
    /// The arguments, the program first.
    #[must_use]
    pub fn argv(&self) -> &[String] {
        &self.argv
    }

    /// The values as they were parsed and written again, in the order of the command's slots. A list has a pair for
    /// each; a flag has `true`, or no pair.
    #[must_use]
    pub fn values(&self) -> &[(String, String)] {
        &self.values
    }

    /// The paths among the values. That each lies below its folder is so by name alone: links, and who can change the
    /// folder, are for the caller to judge.
    #[must_use]
    pub fn paths(&self) -> &[Below] {
        &self.paths
    }
}

/// Why values make no command line. The first three are the plugin's fault, the last may be its caller's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RenderError {
    /// The command has no such slot.
    UnknownSlot(String),
    /// A slot got no value.
    MissingSlot(String),
    /// A slot that is no list got two values.
    GivenTwice(String),
    /// A slot's type does not take its value. Neither says what the value was.
    NotAccepted {
        /// The slot.
        slot: String,
        /// What it accepts, for the administrator.
        rule: String,
        /// Where the slot is written in the grants file.
        line: usize,
        /// The line by which it would take the value; the value is in it. `None` where none comes to mind that an
        /// administrator would want.
        allow: Option<Instead>,
    },
}

impl Command {
    /// The command line with these values in its slots.
    ///
    /// # Errors
    /// A slot is unknown, missing, given twice, or its value is not accepted.
    pub fn render(&self, values: &[(String, String)]) -> Result<Rendered, RenderError> {
        let known = |name: &String| self.slots.iter().any(|(known, _)| known == name);
        if let Some((name, _)) = values.iter().find(|(name, _)| !known(name)) {
            return Err(RenderError::UnknownSlot(name.clone()));
        }
        let mut filled = BTreeMap::new();
        for (name, slot) in &self.slots {
            filled.insert(name.as_str(), fill(name, slot, values)?);
        }
        // Every slot of `run` is among `slots`, so none is unknown here.
        let arguments = |slot: &str| filled.get(slot).map(|filled| filled.arguments.as_slice());
        let argv = self.arguments.iter().map(|argument| argument.fill(arguments)).collect::<Option<Vec<_>>>();
        let argv = argv.ok_or_else(|| RenderError::MissingSlot(self.name.clone()))?.into_iter().flatten().collect();
        let (mut values, mut paths) = (Vec::new(), Vec::new());
        for (name, slot) in &self.slots {
            for value in filled.remove(name.as_str()).unwrap_or_default().values {
                paths.extend(slot.below().map(|folder| below(name, folder, &value)));
                values.push((name.clone(), value));
            }
        }
        Ok(Rendered { argv, values, paths })
    }

    /// Its slots by name, for people and forms; in the order in which `run` first names them.
    pub fn params(&self) -> impl Iterator<Item = (&str, Param<'_>)> {
        self.slots.iter().map(|(name, slot)| (name.as_str(), Param(slot)))
    }

    pub(super) fn move_up(&mut self, lines: usize) {
        self.line = self.line.saturating_sub(lines);
        self.slots.iter_mut().for_each(|(_, slot)| slot.move_up(lines));
    }

    /// The folders below which its slots take paths, with the slots.
    pub fn folders(&self) -> impl Iterator<Item = (&str, &Path)> {
        self.slots.iter().filter_map(|(name, slot)| Some((name.as_str(), slot.below()?)))
    }

    pub(super) fn digest(&self) -> Json {
        let slots: BTreeMap<_, _> = self.slots.iter().map(|(name, slot)| (name, slot.digest())).collect();
        json!({
            "capabilities": self.capabilities.map(Capabilities::names),
            "cwd": self.cwd,
            "ends_host": self.ends_host,
            "env": self.env,
            "leave_children": self.leave_children,
            "ok": self.ok,
            "output_max": self.output_max,
            "params": slots,
            "run": self.arguments.iter().map(Template::digest).collect::<Vec<_>>(),
            "run_as": self.run_as,
            "setuid": self.setuid,
            "stdin_data": self.stdin_data,
            "timeout_ms": milliseconds(self.timeout),
            "umask": self.umask,
            "via": self.via.map(Via::word),
        })
    }
}

fn fill(name: &str, slot: &Slot, values: &[(String, String)]) -> Result<Filled, RenderError> {
    let given: Vec<_> = values.iter().filter(|(slot, _)| slot == name).map(|(_, value)| value.as_str()).collect();
    slot.fill(&given).map_err(|why| match why {
        Unfilled::Missing => RenderError::MissingSlot(name.to_owned()),
        Unfilled::GivenTwice => RenderError::GivenTwice(name.to_owned()),
        Unfilled::NotAccepted(wider) => RenderError::NotAccepted {
            slot: name.to_owned(),
            rule: slot.rule(),
            line: slot.line(),
            allow: wider.map(|wider| slot.instead(name, &wider)),
        },
    })
}

fn below(slot: &str, folder: &Path, value: &str) -> Below {
    Below { slot: slot.to_owned(), folder: folder.to_owned(), path: value.into() }
}
