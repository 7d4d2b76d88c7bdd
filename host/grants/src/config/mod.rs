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

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use people::People;
pub use people::Person;
pub use recycle::Recycle;
use regent_lane::Layer;
pub use sandbox::SandboxUids;
pub use secret::{Secret, weak_secret};
pub use sockets::{Admin, SecretSource, Socket, Visible};

use crate::engine::Engine;
use crate::grants::Grants;
use crate::mistake::{Checked, Mistake, Mistakes};
use crate::sheet::Sheet;
use crate::sheet::table::Table;
use crate::sheet::value::Value;

/// How long results are told to their requesters.
const KEEP_RESULTS: Duration = Duration::from_secs(24 * 3600);

const MONTH: Duration = Duration::from_secs(30 * 24 * 3600);

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
    /// Reads regent.toml; `file` is what mistakes call it.
    ///
    /// # Errors
    /// All mistakes, each with its line and what to write instead.
    pub fn parse(file: &str, text: &str) -> Result<Checked<Self>, Mistakes> {
        let sheet = Sheet::new(file, text);
        let document = sheet.document();
        let config = document
            .as_ref()
            .and_then(|document| read(Table::new(&sheet, "regent.toml".into(), 1, document.get_ref())));
        drop(document);
        sheet.finish(config)
    }

    /// The persons of a team; a person is a team of one. `None`: neither is known.
    #[must_use]
    pub fn members(&self, of: &str) -> Option<Vec<&str>> {
        if let Some((name, _)) = self.people.get_key_value(of) {
            return Some(vec![name]);
        }
        self.teams.get(of).map(|persons| persons.iter().map(String::as_str).collect())
    }

    /// Persons and teams that none of these grants files, which are all, needs: warnings. A plugin may ask for them still.
    #[must_use]
    pub fn unused(&self, grants: &[Grants]) -> Vec<Mistake> {
        unused::find(self, grants)
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

/// Keys of the file itself. Written last, each is in the table that stands last.
const WHOLE: [&str; 6] = ["plugins", "grants", "state", "audit", "daemon_user", "keep_results"];

/// Says of such a key in this table where it belongs; but where keys are names it may be one, with a value of this kind.
fn misplaced(table: &mut Table<'_>, is_name: impl Fn(&Value<'_>) -> bool) {
    for key in WHOLE {
        if !table.holds(key, &is_name) {
            table.misplaced(key, format!("{key} is for the whole file: write it above the first [table]"));
        }
    }
}

fn nowhere(_: &Value<'_>) -> bool {
    false
}

fn read(mut table: Table<'_>) -> Option<Config> {
    let plugins = table.need("plugins", "plugins = [\"/usr/lib/regent/plugins\"]", folders);
    let grants = table.read("grants", Value::path);
    let state = table.need("state", "state = \"/var/lib/regent\"", Value::path);
    let audit = table.read("audit", Value::file_path);
    let daemon_user = table.read("daemon_user", |value| Some((value.account_or_id()?, value.line)));
    let (daemon_user, daemon_user_line) = daemon_user.map_or((None, 1), |(name, line)| (Some(name), line));
    let keep_results = table.read("keep_results", keep_results).unwrap_or(KEEP_RESULTS);
    let sandbox = sandbox::read(&mut table);
    table.misplaced("engine", "engine is of the sandboxes: write it below [sandbox]");
    let admin = table.read("admin", sockets::admin);
    let sockets = sockets::read(&mut table, admin.as_ref());
    let People { people, teams, lines } = people::read(&mut table);
    let file = table.sheet.file().to_owned();
    table.finish(&["mail", "keys", "rate"]);
    let state = state?;
    Some(Config {
        file,
        plugins: plugins?,
        grants,
        audit: audit.unwrap_or_else(|| state.join("audit.jsonl")),
        state,
        daemon_user,
        daemon_user_line,
        keep_results,
        sandbox: sandbox.uids,
        allow_missing: sandbox.allow_missing,
        engine: sandbox.engine,
        recycle: sandbox.recycle,
        sockets,
        admin: admin.map(|(admin, _)| admin),
        people,
        teams,
        lines,
    })
}

fn keep_results(value: &Value<'_>) -> Option<Duration> {
    let time = value.seconds()?;
    if time > MONTH {
        let text = "what commands printed stays on the disk for more than 30 days: write \"720h\" or less";
        value.sheet.warning(value.line, format!("keep_results: {text}"));
    }
    Some(time)
}

fn folders(value: &Value<'_>) -> Option<Vec<PathBuf>> {
    let list = value.list_of_some("nothing could be served: write plugins = [\"/usr/lib/regent/plugins\"]")?;
    Some(Value::each(&list, Value::path))
}
