//! regent.toml: where things are, who may connect, and who the people are. It is parsed whole or not at all. What this
//! machine has to say of it (do the users exist, are the files to be trusted) is the daemon's to ask.

// Request sockets and the admin socket.
mod sockets;
// That no two of them share a folder.
mod apart;
// Persons and teams: one space of names.
mod people;
// Secrets, and weak ones.
mod secret;
// Those of them whom nothing needs.
mod unused;
// Sandboxes: their uids, their engine, what the machine may lack.
mod sandbox;
// When one is worn.
mod recycle;
// Keys of the whole file that stand in a table.
mod top_level;
// The file as a whole.
mod read;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use regent_lane::Layer;

pub use people::Person;
pub use recycle::Recycle;
pub use sandbox::SandboxUids;
pub use secret::{Secret, weak_secret};
pub use sockets::{Admin, SecretSource, Socket, Visible};

use crate::engine::Engine;

/// regent.toml.
#[derive(Debug)]
pub struct Config {
    /// What mistakes call the file.
    pub file: String,
    /// Folders of modules, absolute; at least one.
    pub plugins: Vec<PathBuf>,
    /// The folder of grants files; `None`: each is beside its module.
    pub grants: Option<PathBuf>,
    /// The daemon's own folder.
    pub state: PathBuf,
    /// The audit log; by default `audit.jsonl` in the state folder.
    pub audit: PathBuf,
    /// Whom a daemon that root starts becomes, a name or a number; `None`: [`DAEMON_USER`](crate::DAEMON_USER).
    pub daemon_user: Option<String>,
    /// Where that stands, or else the file's first line.
    pub daemon_user_line: usize,
    /// How long a result is told to its requester; at least a second.
    pub keep_results: Duration,
    /// The sandboxes' uids.
    pub sandbox: SandboxUids,
    /// Layers of the sandbox that this machine may lack.
    pub allow_missing: Vec<Layer>,
    /// What runs each plugin whose grants file does not say.
    pub engine: Engine,
    /// When a sandbox is replaced.
    pub recycle: Recycle,
    /// The request sockets, in the order of the file; at least one.
    pub sockets: Vec<Socket>,
    /// The admin socket.
    pub admin: Option<Admin>,
    /// Persons by name.
    pub people: BTreeMap<String, Person>,
    /// Teams by name: persons, at least one, each once.
    pub teams: BTreeMap<String, Vec<String>>,
    /// Where each person and team stands.
    lines: BTreeMap<String, usize>,
}

impl Config {
    /// The persons of a team; a person is a team of one. `None`: neither is known.
    #[must_use]
    pub fn members(&self, of: &str) -> Option<Vec<&str>> {
        if let Some((name, _)) = self.people.get_key_value(of) {
            return Some(vec![name]);
        }
        self.teams.get(of).map(|persons| persons.iter().map(String::as_str).collect())
    }

    /// The keys that a daemon lives by from its start to its end, and that are others in this one.
    #[must_use]
    pub fn fixed_otherwise(&self, now: &Self) -> Vec<&'static str> {
        let sandbox = |config: &Self| (config.sandbox, config.allow_missing.clone(), config.engine, config.recycle);
        let same = [
            ("state", self.state == now.state),
            ("daemon_user", self.daemon_user == now.daemon_user),
            ("audit", self.audit == now.audit),
            ("[sandbox]", sandbox(self) == sandbox(now)),
        ];
        same.into_iter().filter_map(|(key, same)| (!same).then_some(key)).collect()
    }

    /// Wipes the secrets that stand in it, for whoever needs none.
    pub fn forget_secrets(&mut self) {
        for socket in &mut self.sockets {
            if let SecretSource::Text(_) = socket.secret {
                socket.secret = SecretSource::Text(Secret::new(""));
            }
        }
    }

    /// All names that `of` may be.
    pub(crate) fn persons_and_teams(&self) -> impl Iterator<Item = &str> {
        self.people.keys().chain(self.teams.keys()).map(String::as_str)
    }
}
