//! What is installed, as administrators are told: what serves, what lies there, why the one is not the other, and who may ask.

use std::path::Path;

use regent_grants::Principal;
use regent_protocol::{PluginView, ServedView, Serving};

use super::{Installed, Instance};
use crate::catalog::{Catalog, Entry, Status};
use crate::list::step;
use crate::policy::Policy;

impl Installed {
    /// Every grants file, and every module without one.
    #[must_use]
    pub fn views(&self, policy: &Policy) -> Vec<PluginView> {
        let (instances, catalog) = (self.instances.borrow(), self.catalog());
        let files = instances.iter().map(|(name, instance)| view(name, instance, policy, &catalog));
        let findings = self.findings.borrow();
        files.chain(findings.strays.iter().map(|path| stray(path))).collect()
    }
}

fn view(name: &str, instance: &Instance, policy: &Policy, catalog: &Catalog) -> PluginView {
    let status = instance.entry.as_ref().map(|entry| entry.status());
    let serves = match &status {
        Some(Status::Serving(plugin)) => Some(plugin.digest),
        _ => None,
    };
    let engine = match &status {
        Some(Status::Serving(plugin)) => Some(plugin.engine()),
        _ => None,
    };
    let engine = engine.filter(|engine| *engine != policy.config.engine);
    let state = match &status {
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
        reasons: instance.reasons.clone(),
        operations,
    }
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
        name,
    }
}
