//! What is installed, as administrators are told: what serves, what lies there, why the one is not the other, and who
//! may ask.

use std::path::Path;

use jiff::Timestamp;
use regent_grants::Principal;
use regent_protocol::{CrashesView, PluginView, ServedView, Serving};
use tokio::time::Instant;

use super::{Installed, Instance};
use crate::catalog::{Catalog, Entry, Status};
use crate::list::step;
use crate::plugin::keeping::Fared;
use crate::policy::Policy;

impl Installed {
    /// Every grants file, and every module without one.
    pub fn views(&self, policy: &Policy) -> Vec<PluginView> {
        let (instances, catalog) = (self.instances.borrow(), self.catalog());
        let files = instances.iter().map(|(name, instance)| view(name, instance, policy, &catalog));
        let findings = self.findings.borrow();
        files.chain(findings.strays.iter().map(|path| stray(path))).collect()
    }
}

fn view(name: &str, instance: &Instance, policy: &Policy, catalog: &Catalog) -> PluginView {
    let status = instance.entry.as_ref().map(|entry| entry.status());
    let plugin = match &status {
        Some(Status::Serving(plugin)) => Some(plugin),
        _ => None,
    };
    let serves = plugin.map(|plugin| plugin.digest);
    let engine = plugin.map(|plugin| plugin.engine()).filter(|engine| *engine != policy.config.engine);
    let crashes = plugin.and_then(|plugin| crashes(plugin.fared()));
    let rests = crashes.as_ref().and_then(|crashes| Some(resting(name, crashes, crashes.until.as_deref()?)));
    let state = match &status {
        Some(Status::Serving(_)) if rests.is_some() => Serving::Resting,
        Some(Status::Serving(_)) if instance.reasons.is_empty() || serves == instance.file => Serving::Serving,
        Some(Status::Serving(_)) => Serving::ServingAccepted,
        Some(Status::Preparing) => Serving::Preparing,
        _ => Serving::NotServing,
    };
    let operations = instance.entry.as_ref().map(|entry| operations(entry, policy, catalog)).unwrap_or_default();
    PluginView {
        name: name.to_owned(),
        state,
        grants: Some(instance.path.display().to_string()),
        module: instance.module.as_ref().map(|path| path.display().to_string()),
        serves: serves.map(hex::encode),
        file: instance.file.map(hex::encode),
        pin: instance.pin.to_owned(),
        engine: engine.map(|engine| engine.as_str().to_owned()),
        reasons: rests.into_iter().chain(instance.reasons.iter().map(ToString::to_string)).collect(),
        operations,
        crashes,
    }
}

fn crashes(fared: Fared) -> Option<CrashesView> {
    let Fared { crashes: count, last, rests } = fared;
    let left = rests.map(|until| until.saturating_duration_since(Instant::now()));
    let until = left.and_then(|left| Timestamp::now().checked_add(left).ok()).map(crate::time::second);
    (count > 0).then_some(CrashesView { count, last, until })
}

fn resting(name: &str, crashes: &CrashesView, until: &str) -> String {
    format!(
        "its sandbox crashes again and again, at last because {}: nothing of it is started before {until}. If what ended it is \
         mended, regent reload starts it at once; if not, regent plugin rollback {name} goes back to the module before",
        crashes.last
    )
}

fn operations(entry: &Entry, policy: &Policy, catalog: &Catalog) -> Vec<ServedView> {
    let view = |operation: &regent_grants::Operation| {
        let shows = policy.sockets.iter().filter(|socket| socket.operations.sees(&operation.called));
        let twice = catalog.served_twice(&operation.called);
        let twice = twice.map(|files| format!("{}.toml all serve it, so none does", files.join(".toml, ")));
        ServedView {
            operation: operation.called.clone(),
            sockets: shows.map(|socket| socket.name.clone()).collect(),
            allow: operation.allow.as_ref().map(|rules| rules.iter().map(principal).collect()),
            require: operation.require.iter().map(step).collect(),
            unserved: twice.or_else(|| entry.unresolved(operation)),
        }
    };
    entry.grants.operations.iter().map(view).collect()
}

fn principal(principal: &Principal) -> String {
    match principal {
        Principal::User(name) => format!("user {name}"),
        Principal::Uid(uid) => format!("uid {uid}"),
        Principal::Group(name) => format!("group {name}"),
        Principal::Gid(gid) => format!("gid {gid}"),
    }
}

/// A module that lies there and is granted nothing.
fn stray(path: &Path) -> PluginView {
    let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
    let reason = format!("no grants file names it: regent plugin enable {name}");
    PluginView {
        state: Serving::NotServing,
        grants: None,
        module: Some(path.display().to_string()),
        serves: None,
        file: None,
        pin: "none".into(),
        engine: None,
        reasons: vec![reason],
        operations: Vec::new(),
        crashes: None,
        name,
    }
}
