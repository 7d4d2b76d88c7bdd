//! regent.toml.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::mistake::{Checked, Mistakes, Notes};
use crate::people::{People, Person, Teams, people, teams};
use crate::table::{Table, Value, document};
use crate::value::{check_name, duration, mode, path, user_or_group};

/// Bytes below which a secret can be guessed by somebody with patience.
const SECRET_WEAK: usize = 16;
/// How long a result can be read, unless `keep_results` says otherwise.
const KEEP_RESULTS: Duration = Duration::from_secs(24 * 60 * 60);
/// Owner and group may connect.
const SOCKET_MODE: u32 = 0o660;

/// The daemon's configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// Folders with modules.
    pub plugins: Vec<PathBuf>,
    /// The folder of the grants files; `None`: beside the modules.
    pub grants: Option<PathBuf>,
    /// The folder of what the daemon keeps.
    pub state: PathBuf,
    /// The audit log.
    pub audit: PathBuf,
    /// How long results can be read.
    pub keep_results: Duration,
    /// The uids of sandboxes.
    pub sandbox: SandboxUids,
    /// Layers of a sandbox that may be missing.
    pub allow_missing: Vec<String>,
    /// The request sockets; at least one.
    pub sockets: Vec<Socket>,
    /// The admin socket.
    pub admin: Option<Admin>,
    /// The listed persons.
    pub people: BTreeMap<String, Person>,
    /// The teams, by the names of their persons.
    pub teams: BTreeMap<String, Vec<String>>,
}

/// A range of uids that nobody else has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SandboxUids {
    /// The first.
    pub first: u32,
    /// How many.
    pub count: u32,
}

/// A request socket.
#[derive(Debug, Clone)]
pub struct Socket {
    /// Its name in logs and records.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// Who may connect.
    pub mode: u32,
    /// Its group, by name or number.
    pub group: Option<String>,
    /// What a request must know.
    pub secret: SecretSource,
    /// What may be asked on it.
    pub operations: Visible,
    /// Whether its peers' uids mean users of this machine; false for a container's.
    pub trust_peer_uid: bool,
    /// The line that it begins on.
    pub line: usize,
}

/// The admin socket.
#[derive(Debug, Clone)]
pub struct Admin {
    /// Where it is.
    pub path: PathBuf,
    /// Who may connect.
    pub mode: u32,
    /// Its group, by name or number.
    pub group: Option<String>,
}

/// Where a socket's secret stands.
#[derive(Debug, Clone)]
pub enum SecretSource {
    /// In a file: one a line, all valid.
    File(PathBuf),
    /// In regent.toml.
    Text(Secret),
}

/// A secret: wiped when dropped, and shown to nobody who does not say so.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// The text.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// Operations, by the names that callers use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Visible {
    /// `["*"]`
    All,
    /// These.
    Only(BTreeSet<String>),
}

impl Visible {
    /// Whether this one is among them.
    #[must_use]
    pub fn sees(&self, operation: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.contains(operation),
        }
    }
}

/// Why a secret is weak, if it is.
#[must_use]
pub fn weak_secret(text: &str) -> Option<&'static str> {
    let first = text.bytes().next();
    if text.len() < SECRET_WEAK {
        Some("the secret is shorter than 16 bytes and can be guessed: write a longer, random one")
    } else if text.bytes().all(|byte| Some(byte) == first) {
        Some("the secret is one character repeated: write a random one")
    } else {
        None
    }
}

impl Config {
    /// Reads regent.toml.
    ///
    /// # Errors
    /// All mistakes.
    pub fn parse(file: &str, text: &str) -> Result<Checked<Self>, Mistakes> {
        let notes = Notes::new(file, text);
        let value = document(&notes, text).and_then(|table| config(&table));
        notes.finish(value)
    }

    /// The persons that a name stands for: a team's, or the person itself. `None` if there is neither.
    #[must_use]
    pub fn members(&self, of: &str) -> Option<Vec<&str>> {
        if let Some((name, _)) = self.people.get_key_value(of) {
            return Some(vec![name]);
        }
        self.teams.get(of).map(|members| members.iter().map(String::as_str).collect())
    }
}

fn config(file: &Table<'_, '_>) -> Option<Config> {
    let plugins = file.need("plugins", "[\"/usr/lib/regent/plugins\"]").and_then(folders);
    let grants = file.take("grants").map(|value| path(&value));
    let state = file.need("state", "\"/var/lib/regent\"").and_then(|value| path(&value));
    let audit = file.take("audit").map(|value| path(&value));
    let keep_results = file.take("keep_results").map_or(Some(KEEP_RESULTS), |value| duration(&value));
    let (sandbox, allow_missing) = sandbox(file);
    let sockets = sockets(file);
    let admin = file.take("admin").and_then(admin);
    let people: People = people(file);
    let teams: Teams = teams(file, &people);
    apart(file, &sockets, admin.as_ref());
    file.finish();
    let state = state?;
    Some(Config {
        plugins: plugins?,
        grants: grants.flatten(),
        audit: audit.flatten().unwrap_or_else(|| state.join("audit.jsonl")),
        state,
        keep_results: keep_results?,
        sandbox: sandbox?,
        allow_missing,
        sockets,
        admin,
        people,
        teams,
    })
}

fn folders(value: Value<'_, '_>) -> Option<Vec<PathBuf>> {
    let span = value.span.clone();
    let notes = value.notes;
    let list = value.list()?;
    if list.is_empty() {
        notes.mistake(&span, "`plugins` is empty, so nothing would be served: name a folder");
    }
    let paths: Vec<_> = list.iter().map(path).collect();
    paths.into_iter().collect()
}

fn sandbox(file: &Table<'_, '_>) -> (Option<SandboxUids>, Vec<String>) {
    let default = SandboxUids { first: 1_900_000_000, count: 1_000 };
    let Some(table) = file.take("sandbox").and_then(Value::table) else { return (Some(default), Vec::new()) };
    let uids = table.take("uids").map_or(Some(default), |value| uids(&value));
    let allow_missing = match table.take("allow_missing") {
        Some(value) => {
            let listed = value.list().unwrap_or_default();
            listed.iter().for_each(|layer| layer.mistake("names a layer; in this version none may be missing: write []"));
            Vec::new()
        }
        None => Vec::new(),
    };
    table.finish();
    (uids, allow_missing)
}

fn uids(value: &Value<'_, '_>) -> Option<SandboxUids> {
    let text = value.text()?;
    let read = text.split_once('+').and_then(|(first, count)| {
        let (first, count) = (first.parse::<u32>().ok()?, count.parse::<u32>().ok()?);
        // Below are users of the machine; the last number of all is "no user" to the kernel.
        let fits = first >= 65_536 && count > 0 && first.checked_add(count).is_some_and(|end| end < u32::MAX);
        fits.then_some(SandboxUids { first, count })
    });
    if read.is_none() {
        value.mistake(format!("is \"{text}\": write FIRST+COUNT, such as \"1900000000+1000\", from 65536 on"));
    }
    read
}

fn sockets(file: &Table<'_, '_>) -> Vec<Socket> {
    let Some(list) = file.need("sockets", "…: begin a socket with [[sockets]]").and_then(Value::list) else {
        return Vec::new();
    };
    list.into_iter().filter_map(socket).collect()
}

fn socket(value: Value<'_, '_>) -> Option<Socket> {
    let table = value.table()?;
    let name = table.need("name", "\"web\"").and_then(|value| {
        let name = value.text()?;
        check_name(&name, &value).then_some(name)
    });
    let place = place(&table, "\"/run/regent/web/regent.sock\"");
    let secret = secret(&table);
    let trust_peer_uid = table.take("trust_peer_uid").is_none_or(|value| value.boolean().unwrap_or(true));
    let operations = operations(&table, trust_peer_uid);
    table.later(&["rate", "view"]);
    table.finish();
    let (path, mode, group) = place?;
    let line = table.notes.line(&table.span);
    Some(Socket { name: name?, path, mode, group, secret: secret?, operations: operations?, trust_peer_uid, line })
}

type Place = (PathBuf, u32, Option<String>);

fn place(table: &Table<'_, '_>, example: &str) -> Option<Place> {
    let path = table.need("path", example).and_then(|value| path(&value));
    let written = table.take("mode");
    let mode = written.as_ref().map_or(Some(SOCKET_MODE), mode);
    if let (Some(value), Some(mode)) = (&written, mode)
        && mode & 0o002 != 0
    {
        value.notes.warning(&value.span, format!("`{}` lets every user of this machine connect", value.name));
    }
    let group = table.take("group").map(|value| user_or_group(&value));
    match group {
        Some(None) => None,
        group => Some((path?, mode?, group.flatten())),
    }
}

fn secret(table: &Table<'_, '_>) -> Option<SecretSource> {
    match (table.take("secret_file"), table.take("secret")) {
        (Some(file), None) => path(&file).map(SecretSource::File),
        (None, Some(value)) => {
            let text = Zeroizing::new(value.text()?);
            if text.is_empty() {
                value.mistake("is empty: write a random one of 16 bytes or more, or use secret_file");
                return None;
            }
            if let Some(why) = weak_secret(&text) {
                value.notes.warning(&value.span, why);
            }
            Some(SecretSource::Text(Secret(text)))
        }
        (Some(_), Some(value)) => {
            value.mistake("stands beside secret_file: leave out one of them");
            None
        }
        (None, None) => {
            table.notes.mistake(&table.span, format!("[{}]: no secret: write secret_file = \"/etc/regent/web.secret\"", table.name));
            None
        }
    }
}

fn operations(table: &Table<'_, '_>, trusted: bool) -> Option<Visible> {
    let value = table.need("operations", "[\"whoami\"]")?;
    let (notes, span) = (value.notes, value.span.clone());
    let names = value.texts()?;
    if names == ["*"] {
        if !trusted {
            notes.warning(&span, "every operation may be asked on a container's socket: list those that it needs");
        }
        return Some(Visible::All);
    }
    let wrong = names.iter().filter(|name| !crate::value::is_name(name)).count();
    if wrong > 0 {
        notes.mistake(&span, "`operations`: write names, or [\"*\"] alone for all");
        return None;
    }
    Some(Visible::Only(names.into_iter().collect()))
}

fn admin(value: Value<'_, '_>) -> Option<Admin> {
    let table = value.table()?;
    let place = place(&table, "\"/run/regent-admin/admin.sock\"");
    table.finish();
    let (path, mode, group) = place?;
    Some(Admin { path, mode, group })
}

/// Each socket has a folder of its own: a folder is what is mounted into a container.
fn apart(file: &Table<'_, '_>, sockets: &[Socket], admin: Option<&Admin>) {
    let say = |line: usize, text: String| {
        let _at = line;
        file.notes.mistake(&(0..0), text);
    };
    for (at, socket) in sockets.iter().enumerate() {
        for other in sockets.iter().take(at) {
            if other.name == socket.name {
                say(socket.line, format!("two sockets are named {}", socket.name));
            }
            if other.path.parent() == socket.path.parent() {
                say(socket.line, format!("the sockets {} and {} are in one folder: give each its own", other.name, socket.name));
            }
        }
        if admin.is_some_and(|admin| admin.path.parent() == socket.path.parent()) {
            say(socket.line, format!("the admin socket is in the folder of the socket {}: give it one of its own", socket.name));
        }
    }
}
