//! The daemon at one moment, for an administrator.

use regent_grants::Visible;
use regent_protocol::{Serving, SocketView, StatusView};
use regent_resolve::users;

use crate::daemon::Daemon;
use crate::policy::Socket;

/// As it stands.
#[must_use]
pub fn view(daemon: &Daemon) -> StatusView {
    let policy = daemon.policy();
    let plugins = daemon.installed.views(&policy);
    let serving = plugins.iter().filter(|plugin| plugin.state == Serving::Serving).count();
    let troubled = plugins.iter().filter(|plugin| plugin.grants.is_some() && !plugin.reasons.is_empty()).count();
    let found = daemon.installed.found();
    let not_taken = |why: &String| format!("regent.toml was not taken when it was read last: {why}");
    let not_taken: Vec<_> = daemon.not_taken.borrow().iter().map(not_taken).collect();
    let warnings = daemon.warnings.borrow().iter().cloned().chain(found.warnings).collect();
    StatusView {
        version: env!("CARGO_PKG_VERSION").into(),
        pid: std::process::id(),
        user: Some(users::name_of(rustix::process::geteuid().as_raw())),
        since: crate::time::second(daemon.since),
        config: policy.path.display().to_string(),
        engine: Some(policy.config.engine.as_str().into()),
        sockets: policy.sockets.iter().map(|of| socket(daemon, of)).collect(),
        serving,
        troubled,
        held: daemon.held.waiting(),
        running: daemon.running.get(),
        lacks: daemon.lacks.clone(),
        mistakes: not_taken.into_iter().chain(found.mistakes).collect(),
        warnings,
    }
}

fn socket(daemon: &Daemon, socket: &Socket) -> SocketView {
    let operations = match &socket.operations {
        Visible::All => vec!["*".to_owned()],
        Visible::Only(names) => names.iter().cloned().collect(),
    };
    SocketView {
        name: socket.name.clone(),
        path: socket.place.path.display().to_string(),
        connections: daemon.listening.crowd.connections.on(socket.number),
        operations,
        trust_peer_uid: socket.trust_peer_uid,
    }
}
