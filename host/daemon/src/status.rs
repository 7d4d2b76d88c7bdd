//! The daemon at one moment, for an administrator.

use std::rc::Rc;

use jiff::Timestamp;
use regent_grants::Visible;
use regent_protocol::{Serving, SocketView, StatusView};
use regent_resolve::users;

use crate::crowd::Crowd;
use crate::held::Held;
use crate::installed::Installed;
use crate::policy::{Policy, Socket};
use crate::reload::Reload;
use crate::shutdown::Shutdown;

#[derive(Debug)]
pub struct StatusSource {
    pub since: Timestamp,
    /// What this machine or this user lacks, and what that means.
    pub lacks: Vec<String>,
    pub installed: Rc<Installed>,
    pub held: Rc<Held>,
    pub crowd: Rc<Crowd>,
    pub shutdown: Shutdown,
    pub reload: Reload,
}

impl StatusSource {
    pub fn view(&self, policy: &Policy) -> StatusView {
        let plugins = self.installed.views(policy);
        let serving = plugins.iter().filter(|plugin| plugin.state == Serving::Serving).count();
        let troubled = plugins.iter().filter(|plugin| plugin.grants.is_some() && !plugin.reasons.is_empty()).count();
        let (found, last) = (self.installed.found(), self.reload.last());
        let not_taken = |why: String| format!("regent.toml was not taken when it was read last: {why}");
        StatusView {
            version: env!("CARGO_PKG_VERSION").into(),
            pid: std::process::id(),
            user: Some(users::name_of(rustix::process::geteuid().as_raw())),
            since: crate::time::second(self.since),
            config: policy.path.display().to_string(),
            engine: Some(policy.config.engine.as_str().into()),
            sockets: policy.sockets.iter().map(|socket| self.socket(socket)).collect(),
            serving,
            troubled,
            held: self.held.waiting(),
            running: self.shutdown.count(),
            lacks: self.lacks.clone(),
            mistakes: last.not_taken.into_iter().map(not_taken).chain(found.mistakes).collect(),
            warnings: last.warnings.into_iter().chain(found.warnings).collect(),
        }
    }

    fn socket(&self, socket: &Socket) -> SocketView {
        let operations = match &socket.operations {
            Visible::All => vec!["*".to_owned()],
            Visible::Only(names) => names.iter().cloned().collect(),
        };
        SocketView {
            name: socket.name.clone(),
            path: socket.place.path.display().to_string(),
            connections: self.crowd.connections.on(socket.number),
            operations,
            trust_peer_uid: socket.trust_peer_uid,
        }
    }
}
