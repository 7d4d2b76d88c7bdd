//! A granted command: what runs, as whom, and what may stand in its slots.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::template::Template;
use crate::slot::Slot;

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
    /// Where it stands in the file.
    pub line: usize,
    pub(super) arguments: Vec<Template>,
    /// In the order in which `run` first names them; each is in `run`.
    pub(super) slots: Vec<(String, Slot)>,
}

/// A command line.
///
/// Having one tells you that each slot's value was parsed into the slot's type and written again from it, and that nothing
/// else than this grant's fixed text and those values is in it; not that anybody agreed to run it.
#[derive(Debug, PartialEq, Eq)]
pub struct Rendered {
    argv: Vec<String>,
    values: Vec<(String, String)>,
    paths: Vec<Below>,
}

/// A value that is a path below a folder of the administrator's. Whether the machine's folders are fit for it is not judged
/// here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Below {
    /// The slot.
    pub slot: String,
    /// The administrator's folder.
    pub folder: PathBuf,
    /// The path, in that folder.
    pub path: PathBuf,
}

impl Rendered {
    /// The arguments, the program first.
    #[must_use]
    pub fn argv(&self) -> &[String] {
        &self.argv
    }

    /// The values as they were parsed and written again, in the order of the command's slots.
    #[must_use]
    pub fn values(&self) -> &[(String, String)] {
        &self.values
    }

    /// Those of the values that are paths.
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
    /// A slot got two values.
    GivenTwice(String),
    /// A slot's type does not take its value. Neither says what the value was.
    NotAccepted {
        /// The slot.
        slot: String,
        /// What it accepts, for the administrator.
        rule: String,
    },
}

impl Command {
    /// The command line with these values in its slots.
    ///
    /// # Errors
    /// A slot is unknown, missing, given twice, or its value is not accepted.
    pub fn render(&self, values: &[(String, String)]) -> Result<Rendered, RenderError> {
        let mut given = BTreeMap::new();
        for (slot, value) in values {
            if !self.slots.iter().any(|(known, _)| known == slot) {
                return Err(RenderError::UnknownSlot(slot.clone()));
            }
            if given.insert(slot.as_str(), value.as_str()).is_some() {
                return Err(RenderError::GivenTwice(slot.clone()));
            }
        }
        let mut parsed = BTreeMap::new();
        for (name, slot) in &self.slots {
            let value = given.get(name.as_str()).ok_or_else(|| RenderError::MissingSlot(name.clone()))?;
            let not_accepted = || RenderError::NotAccepted { slot: name.clone(), rule: slot.rule() };
            parsed.insert(name.as_str(), slot.accept(value).ok_or_else(not_accepted)?);
        }
        let fill = |argument: &Template| argument.fill(|slot| parsed.get(slot).map(String::as_str));
        // Every slot of `run` is among `slots`, so none lacks its value here.
        let argv = self.arguments.iter().map(fill).collect::<Option<_>>();
        let argv = argv.ok_or_else(|| RenderError::MissingSlot(self.name.clone()))?;
        let value = |(name, _): &(String, Slot)| Some((name.clone(), parsed.get(name.as_str())?.clone()));
        Ok(Rendered { argv, values: self.slots.iter().filter_map(value).collect(), paths: Vec::new() })
    }

    pub(super) fn digest(&self) -> Json {
        let slots: BTreeMap<_, _> = self.slots.iter().map(|(name, slot)| (name, slot.digest())).collect();
        json!({
            "cwd": self.cwd,
            "ends_host": self.ends_host,
            "env": self.env,
            "leave_children": self.leave_children,
            "ok": self.ok,
            "output_max": self.output_max,
            "params": slots,
            "run": self.arguments.iter().map(Template::digest).collect::<Vec<_>>(),
            "run_as": self.run_as,
            "stdin_data": self.stdin_data,
            "timeout_ms": super::digest::milliseconds(self.timeout),
            "umask": self.umask,
        })
    }
}
