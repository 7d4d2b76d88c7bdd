//! regent.toml as the daemon lives by it: read from a trusted file, its names turned into numbers of this machine. All
//! that is wrong is said at once.

use std::cell::RefCell;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use regent_grants::{Checked, Config, Mistakes, SecretSource, Visible};
pub use regent_resolve::Findings;
use zeroize::Zeroizing;

use crate::auth::people::People;
use crate::credential;
use crate::secrets::Secrets;
use crate::trusted_file::{Trusted, Untrusted};
use regent_resolve::users;

/// The whole policy but for the grants.
#[derive(Debug)]
pub struct Policy {
    pub path: PathBuf,
    /// As it was written, but for the sockets.
    pub config: Arc<Config>,
    pub sockets: Vec<Arc<Socket>>,
    pub admin: Option<Place>,
    pub people: People,
}

/// A socket's place and who may connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub path: PathBuf,
    /// Its mode, 0o660 for owner and group.
    pub mode: u32,
    pub group: Option<u32>,
}

/// A request socket and what counts on it.
#[derive(Debug)]
pub struct Socket {
    /// Its name, which stands in records and logs.
    pub name: String,
    /// What its peers are counted by: the same for the same name, whatever else is configured.
    pub number: u64,
    pub place: Place,
    /// Any of these opens the gate.
    pub secrets: Secrets,
    pub operations: Visible,
    /// Whether its peers' uids mean users of this machine.
    pub trust_peer_uid: bool,
    /// Where it stands in the file.
    pub line: usize,
    pub operations_line: usize,
}

impl Policy {
    pub fn socket(&self, name: &str) -> Option<&Arc<Socket>> {
        self.sockets.iter().find(|socket| socket.name == name)
    }
}

/// The policy as the daemon lives by it now. Whoever keeps one keeps that one: a reload puts another in its place.
#[derive(Debug)]
pub struct CurrentPolicy(RefCell<Rc<Policy>>);

impl CurrentPolicy {
    pub fn new(policy: Policy) -> Rc<Self> {
        Rc::new(Self(RefCell::new(Rc::new(policy))))
    }

    pub fn get(&self) -> Rc<Policy> {
        Rc::clone(&self.0.borrow())
    }

    pub fn set(&self, policy: Policy) {
        *self.0.borrow_mut() = Rc::new(policy);
    }
}

/// Who opens a file that only root may read, and judges it.
pub type Opener<'o> = &'o dyn Fn(&Path) -> Result<Trusted, Untrusted>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum For {
    Serving,
    /// To be judged, and nothing more: what only a service is handed is not missed.
    Checking,
}

pub fn read(path: &Path, what_for: For, open: Opener<'_>, findings: &mut Findings) -> Option<Policy> {
    let file = findings.keep(open(path).map_err(|why| missing(&why, "`regent init` writes a first one")))?;
    let readable_by_others = file.readable_by_others();
    let text = file.text();
    let text = Zeroizing::new(findings.keep(text.map_err(|why| why.to_string()))?);
    let mut config = checked(Config::parse(&path.display().to_string(), &text), findings)?;
    let holds_secret = config.sockets.iter().any(|socket| matches!(socket.secret, SecretSource::Text(_)));
    if readable_by_others && holds_secret {
        findings.warnings.push(format!("{}: it holds a secret and others may read it: chmod 0600", path.display()));
    }
    if let Some(None) = findings.keep(regent_resolve::daemon_user(&config)) {
        let (file, line) = (path.display(), config.daemon_user_line);
        findings.warnings.push(format!(
            "{file}:{line}: daemon_user: what reads strangers' bytes keeps all of root's rights: name another user, or take it out"
        ));
    }
    let sockets = sockets(&config, path, (what_for, open), findings);
    let admin = config.admin.as_ref().and_then(|admin| {
        let at = format!("{}: [admin]", path.display());
        place(&at, &admin.path, admin.mode, admin.group.as_deref(), findings)
    });
    let people = people(&config, path, findings);
    // From here on their secrets are hashes and nothing else.
    config.sockets.clear();
    let (path, config) = (path.to_path_buf(), Arc::new(config));
    findings.mistakes.is_empty().then_some(Policy { path, config, sockets, admin, people })
}

/// What was written, if there is no mistake in it.
pub(crate) fn checked<T>(parsed: Result<Checked<T>, Mistakes>, findings: &mut Findings) -> Option<T> {
    match parsed {
        Ok(checked) => {
            findings.warnings.extend(checked.warnings.iter().map(ToString::to_string));
            Some(checked.value)
        }
        Err(mistakes) => {
            findings.mistakes.extend(mistakes.iter().map(ToString::to_string));
            None
        }
    }
}

/// What secrets are read for, and who opens their files.
type Reader<'o> = (For, Opener<'o>);

fn sockets(config: &Config, file: &Path, reader: Reader<'_>, findings: &mut Findings) -> Vec<Arc<Socket>> {
    let mut sockets = Vec::new();
    for socket in &config.sockets {
        let at = format!("{}:{}: socket {}", file.display(), socket.line, socket.name);
        let place = place(&at, &socket.path, socket.mode, socket.group.as_deref(), findings);
        let group = place.as_ref().and_then(|place| place.group);
        let secrets = secrets(&at, &socket.secret, group, reader, findings);
        if let (Some(place), Some(secrets)) = (place, secrets) {
            sockets.push(Arc::new(Socket {
                name: socket.name.clone(),
                number: number(&socket.name),
                place,
                secrets,
                operations: socket.operations.clone(),
                trust_peer_uid: socket.trust_peer_uid,
                line: socket.line,
                operations_line: socket.operations_line,
            }));
        }
    }
    sockets
}

/// Two names that met here would only share their places.
fn number(name: &str) -> u64 {
    let mut hash = DefaultHasher::new();
    name.hash(&mut hash);
    hash.finish()
}

fn place(at: &str, path: &Path, mode: u32, group: Option<&str>, findings: &mut Findings) -> Option<Place> {
    let group = group.map(users::group).transpose();
    let group = findings.keep(group.map_err(|why| format!("{at}: {why}")))?;
    Some(Place { path: path.to_path_buf(), mode, group })
}

/// What is said of a file that is not to be trusted; of one that is not there, what makes it.
fn missing(why: &Untrusted, cure: &str) -> String {
    match why {
        Untrusted::Missing(_) => format!("{why}: {cure}"),
        _ => why.to_string(),
    }
}

/// One secret a line, all valid, so that one can be replaced while clients still use the other. The socket's group may
/// read them: its members are the clients.
fn secrets(
    at: &str,
    source: &SecretSource,
    group: Option<u32>,
    reader: Reader<'_>,
    findings: &mut Findings,
) -> Option<Secrets> {
    let (_, open) = reader;
    match source {
        SecretSource::Text(secret) => Some(Secrets::of(vec![Zeroizing::new(secret.reveal().to_owned())])),
        SecretSource::File(path) => {
            let cure = format!("regent secret new {}", regent_protocol::visible::argument(&path.display().to_string()));
            let file = findings.keep(open(path).map_err(|why| format!("{at}: {}", missing(&why, &cure))))?;
            if file.readable_by_others_than(group) {
                let cure =
                    if file.readable_by_all() { "chmod o-r" } else { "chgrp it to the socket's group, or chmod 0600" };
                findings.warnings.push(format!("{at}: others may read {}: {cure}", path.display()));
            }
            secrets_of(at, path, file, findings)
        }
        SecretSource::Credential(name) => handed_over(at, name, reader, findings),
    }
}

/// Who may read a credential is the service manager's business, which says so by an access list that looks like a
/// group's right.
fn handed_over(at: &str, name: &str, reader: Reader<'_>, findings: &mut Findings) -> Option<Secrets> {
    let (what_for, open) = reader;
    let path = findings.keep(credential::path(name).map_err(|why| format!("{at}: {why}")))?;
    match path {
        Some(path) => {
            let opened = open(&path).map_err(|why| format!("{at}: {}", missing(&why, &credential::cure(name))));
            let file = findings.keep(opened)?;
            secrets_of(at, &path, file, findings)
        }
        None if what_for == For::Checking => {
            let text = "is handed over when the service starts, so it is not looked at here";
            findings.warnings.push(format!("{at}: credential {name} {text}"));
            Some(Secrets::of(Vec::new()))
        }
        None => {
            findings.mistakes.push(format!("{at}: {}", credential::nobody(name)));
            None
        }
    }
}
fn secrets_of(at: &str, path: &Path, file: Trusted, findings: &mut Findings) -> Option<Secrets> {
    let text = Zeroizing::new(findings.keep(file.text().map_err(|why| format!("{at}: {why}")))?);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let texts: Vec<_> = lines.map(|line| Zeroizing::new(line.to_owned())).collect();
    if texts.is_empty() {
        findings.mistakes.push(format!("{at}: the secret file is empty: write a secret of 16 bytes or more into it"));
        return None;
    }
    let weak = texts.iter().filter_map(|text| regent_grants::weak_secret(text));
    findings.warnings.extend(weak.map(|why| format!("{at}: {}: {why}", path.display())));
    Some(Secrets::of(texts))
}

fn people(config: &Config, file: &Path, findings: &mut Findings) -> People {
    let mut persons = Vec::new();
    for (name, person) in &config.people {
        let at = format!("{}: [people.{name}]", file.display());
        if let Some(user) = findings.keep(users::user(&person.user).map_err(|why| format!("{at}: {why}"))) {
            persons.push((name.clone(), user.uid, person.admin));
        }
    }
    let people = People::new(persons, config.teams.clone());
    let said = |(one, other)| format!("{}: {one} and {other} are one user, and so one person", file.display());
    findings.keep(people.map_err(said)).unwrap_or_default()
}
