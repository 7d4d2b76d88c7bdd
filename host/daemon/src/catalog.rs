//! Which operation a caller's word names, and whether this caller may see it. What it may not see is as unknown as what
//! is not there; only the administrator is told which it was.
//!
//! A catalog is of one moment: when something in the folders changes another takes its place, and whoever has found
//! something in the former goes on with what it found.

use std::collections::BTreeMap;
use std::rc::Rc;

use regent_grants::{Grants, Operation};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::plugin::Plugin;
use crate::plugin::module::ModuleDigest;
use crate::policy::Socket;
use crate::record::requester::Requester;

#[derive(Debug, Clone)]
pub enum Status {
    /// Its module is being read, compiled or described: requests wait.
    Preparing,
    Serving(Rc<Plugin>),
    /// It does not, and the log said why; the module that was found, if one was read.
    Unserved(Option<ModuleDigest>),
}

/// Who may ask for each operation of a grants file, by the plugin's name for it; or which user or group there is not.
pub type Allowed = BTreeMap<String, Result<Option<Vec<Who>>, UnknownPrincipal>>;

/// A user or group that a rule names and this machine does not know, in words.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct UnknownPrincipal(pub String);

/// A rule of `allow`, as a number of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Uid(u32),
    Gid(u32),
}

/// A grants file, and the plugin that it is for.
#[derive(Debug)]
pub struct Entry {
    pub grants: Rc<Grants>,
    allowed: Allowed,
    /// Whether it is certain which module serves: consent is for that one.
    pub pinned: bool,
    status: watch::Sender<Status>,
}

/// An operation under the name that callers use.
#[derive(Debug)]
pub struct Served {
    pub entry: Rc<Entry>,
    pub operation: Operation,
}

/// All that is granted on this machine.
#[derive(Debug, Default)]
pub struct Catalog {
    operations: BTreeMap<String, Rc<Served>>,
    /// What two files serve is served by neither.
    twice: BTreeMap<String, Vec<Rc<Served>>>,
}

/// An operation that this caller may ask for.
///
/// Having one tells you that the socket and the grants let this peer see it; not that its data is any good, nor that it
/// may run.
#[derive(Debug)]
pub struct Found(Rc<Served>);

/// Why a caller's word names nothing for this caller; for the administrator alone.
#[derive(Debug, Clone)]
pub enum Unseen {
    Unknown,
    Twice(Vec<Rc<Served>>),
    NotShown,
    /// Its rules of `allow` name nobody who is this peer.
    NotAllowed(Rc<Served>),
    /// Its rules of `allow` name whom this machine does not know.
    Unresolved(Rc<Served>, String),
}

impl Found {
    pub fn operation(&self) -> &Operation {
        &self.0.operation
    }

    pub fn grants(&self) -> &Rc<Grants> {
        &self.0.entry.grants
    }

    pub fn entry(&self) -> &Entry {
        &self.0.entry
    }
}

impl Entry {
    pub fn new(grants: Rc<Grants>, allowed: Allowed, vouched: bool, status: Status) -> Rc<Self> {
        let pinned = vouched || !grants.sha256.is_empty();
        Rc::new(Self { grants, allowed, pinned, status: watch::Sender::new(status) })
    }

    pub fn set(&self, status: Status) {
        self.status.send_replace(status);
    }

    pub fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    pub fn plugin(&self) -> Option<Rc<Plugin>> {
        match self.status() {
            Status::Serving(plugin) => Some(plugin),
            Status::Preparing | Status::Unserved(_) => None,
        }
    }

    /// Why nobody may ask for this operation: its rules name whom this machine does not know.
    pub fn unresolved(&self, operation: &Operation) -> Option<String> {
        let why = self.allowed.get(&operation.name)?.as_ref().err()?;
        Some(format!("allow: {why}, so it is not served"))
    }

    /// Where its plugin stands as soon as that is settled, or at the deadline.
    pub async fn settled(&self, deadline: Instant) -> Status {
        let mut status = self.status.subscribe();
        let settled = status.wait_for(|status| !matches!(status, Status::Preparing));
        match timeout_at(deadline, settled).await {
            Ok(Ok(settled)) => settled.clone(),
            _ => Status::Preparing,
        }
    }
}

impl Catalog {
    pub fn of(entries: impl Iterator<Item = Rc<Entry>>) -> Self {
        let mut catalog = Self::default();
        let mut granted: BTreeMap<String, Vec<Rc<Served>>> = BTreeMap::new();
        for entry in entries {
            for operation in &entry.grants.operations {
                let served = Served { entry: Rc::clone(&entry), operation: operation.clone() };
                granted.entry(operation.called.clone()).or_default().push(Rc::new(served));
            }
        }
        for (called, served) in granted {
            match served.as_slice() {
                [one] => drop(catalog.operations.insert(called, Rc::clone(one))),
                _ => drop(catalog.twice.insert(called, served)),
            }
        }
        catalog
    }

    /// The operation of this name, if the socket shows it and its grants allow this peer.
    ///
    /// # Errors
    /// [`Unseen`]; the caller hears the same of each.
    pub fn find(&self, socket: &Socket, requester: &Requester, name: &str) -> Result<Found, Unseen> {
        if let Some(all) = self.twice.get(name) {
            return Err(Unseen::Twice(all.clone()));
        }
        let served = self.operations.get(name).ok_or(Unseen::Unknown)?;
        if !socket.operations.sees(name) {
            return Err(Unseen::NotShown);
        }
        served.judge(requester)?;
        Ok(Found(Rc::clone(served)))
    }

    /// Every operation that this peer may ask for, by name.
    pub fn all_for(&self, socket: &Socket, requester: &Requester) -> Vec<Found> {
        self.operations.keys().filter_map(|name| self.find(socket, requester, name).ok()).collect()
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.operations.keys().map(String::as_str)
    }

    /// The files that all serve this operation, so that none does.
    pub fn served_twice(&self, called: &str) -> Option<Vec<String>> {
        self.twice.get(called).map(|all| files(all))
    }

    /// The operation of this name, whoever may see it.
    pub fn served(&self, name: &str) -> Option<&Rc<Served>> {
        self.operations.get(name)
    }

    /// The operation that has this name in its file, and another for callers.
    pub fn called_otherwise(&self, name: &str) -> Option<&Rc<Served>> {
        self.operations.values().find(|served| served.operation.name == name)
    }

    /// The grants of a plugin that has this operation, where nothing serves one of this name.
    pub fn offering(&self, name: &str) -> Option<Rc<Grants>> {
        let mut entries = self.operations.values().map(|served| &served.entry);
        let offers = |entry: &&Rc<Entry>| {
            let named = |plugin: Rc<Plugin>| plugin.description().names().any(|offered| offered == name);
            entry.plugin().is_some_and(named)
        };
        entries.find(offers).map(|entry| Rc::clone(&entry.grants))
    }

    /// What is served by none because several files serve it, in words.
    pub fn mistakes(&self) -> Vec<String> {
        let said = |(called, all): (&String, &Vec<Rc<Served>>)| {
            let files = files(all).join(".toml and by ");
            format!(
                "operation {called}: granted by {files}.toml, so by neither: write another as = \"…\" in one of them"
            )
        };
        self.twice.iter().map(said).collect()
    }
}

fn files(all: &[Rc<Served>]) -> Vec<String> {
    all.iter().map(|served| served.entry.grants.name.clone()).collect()
}

impl Served {
    /// Whether the rules take this peer in. On a socket whose uids mean nothing they take in nobody.
    fn judge(self: &Rc<Self>, requester: &Requester) -> Result<(), Unseen> {
        let rules = match self.entry.allowed.get(&self.operation.name) {
            Some(Ok(None)) => return Ok(()),
            Some(Ok(Some(rules))) => rules,
            Some(Err(why)) => return Err(Unseen::Unresolved(Rc::clone(self), why.to_string())),
            None => return Err(Unseen::NotAllowed(Rc::clone(self))),
        };
        let takes_in = |rule: &Who| match rule {
            Who::Uid(uid) => requester.uid == *uid,
            Who::Gid(gid) => requester.gid == *gid || requester.groups.contains(gid),
        };
        let within = requester.trusted && rules.iter().any(takes_in);
        if within { Ok(()) } else { Err(Unseen::NotAllowed(Rc::clone(self))) }
    }
}
