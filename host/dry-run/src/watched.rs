//! A plan in the making, watched: the daemon's own [`Planning`] decides, and what it refuses is noted with all that its
//! author may know. A caller would hear far less.

use std::path::Path;
use std::rc::Rc;

use regent_grants::{Grants, Instead, RenderError};
use regent_lane::{Call, Refusal};
use regent_protocol::visible;
use regentd::plan::{Plan, Planning};
use regentd::plugin::Fault;
use regentd::plugin::exchange::Planner;
use regentd::process::Spawner;
use regentd::why::lines;

use crate::report::Lines;

/// Calls, and what became of them.
#[derive(Debug)]
pub(crate) struct Watched {
    inner: Planning,
    grants: Rc<Grants>,
    file: String,
    /// Values that a slot did not take.
    pub(crate) not_accepted: Vec<String>,
    wider: Option<Lines>,
    not_granted: Vec<Call>,
}

impl Watched {
    pub(crate) fn new(spawner: Rc<Spawner>, grants: Rc<Grants>, file: &Path) -> Self {
        let inner = Planning::new(spawner, Rc::clone(&grants), None);
        let file = file.display().to_string();
        Self { inner, grants, file, not_accepted: Vec::new(), wider: None, not_granted: Vec::new() }
    }

    pub(crate) fn into_plan(self) -> Plan {
        self.inner.plan
    }

    /// Lines that would grant the commands that were planned and are not granted; `None` if all are.
    pub(crate) fn to_add(&self) -> Option<Lines> {
        let lines = self.not_granted.iter().map(|call| {
            let slots: Vec<_> = call.values.iter().map(|(slot, value)| (slot.clone(), Some(value.clone()))).collect();
            lines::command(&call.command, &slots, None)
        });
        let lines = lines.collect::<Vec<_>>().join("\n");
        (!lines.is_empty()).then(|| Lines { file: self.file.clone(), lines, instead_of: None })
    }

    /// The line by which the first value that a slot did not take would be taken, where there is one that somebody
    /// might want.
    pub(crate) fn into_wider(self) -> Option<Lines> {
        self.wider
    }

    fn note(&mut self, call: &Call) {
        let Some(command) = self.grants.command(&call.command) else {
            if self.not_granted.iter().all(|known| known.command != call.command) {
                self.not_granted.push(call.clone());
            }
            return;
        };
        if let Err(RenderError::NotAccepted { slot, rule, line, allow }) = command.render(&call.values) {
            let value = call.values.iter().find(|(name, _)| *name == slot).map(|(_, value)| value.as_str());
            self.not_accepted.push(format!(
                "{}:{}: [commands.{}]: {slot} = {} is not accepted; it takes {rule}",
                self.file,
                line,
                command.name,
                visible::argument(value.unwrap_or_default())
            ));
            let wider = allow.map(|allow| Lines {
                instead_of: Some(instead_of(&allow, &command.name)),
                file: self.file.clone(),
                lines: allow.text,
            });
            self.wider = self.wider.take().or(wider);
        }
    }
}

/// What a line that takes more stands for: the slot's own, or the list that it names.
fn instead_of(allow: &Instead, command: &str) -> String {
    let Instead { line, is_setting, .. } = allow;
    if *is_setting { format!("line {line}, in [settings]") } else { format!("line {line}, in [commands.{command}]") }
}

impl Planner for Watched {
    async fn plan(&mut self, call: Call) -> Result<(), Refusal> {
        let answer = self.inner.plan(call.clone()).await;
        if answer.is_err() {
            self.note(&call);
        }
        answer
    }

    fn start_again(&mut self) {
        self.inner.start_again();
        self.not_accepted.clear();
        self.wider = None;
        self.not_granted.clear();
    }

    fn fault(&mut self) -> Option<Fault> {
        self.inner.fault()
    }
}
