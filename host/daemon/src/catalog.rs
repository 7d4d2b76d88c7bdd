//! Which operation a caller's word names, and whether this caller may see it. What it may not see is as unknown as what is
//! not there.

use std::collections::BTreeMap;
use std::rc::Rc;

use regent_grants::{Grants, Operation, Principal};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::gate::Requester;
use crate::plugin::Plugin;
use crate::plugin::module::ModuleDigest;
use crate::policy::Socket;
use crate::users;

/// Where a plugin stands.
#[derive(Debug, Clone)]
pub enum Status {
    /// Its module is being read, compiled or described: requests wait.
    Preparing,
    /// It serves.
    Serving(Rc<Plugin>),
    /// It does not, and the log said why; the module that was found, if one was read.
    Unserved(Option<ModuleDigest>),
}

/// A grants file, and the plugin that it is for.
#[derive(Debug)]
pub struct Entry {
    /// What the administrator granted.
    pub grants: Rc<Grants>,
    status: watch::Sender<Status>,
}

/// An operation under the name that callers use.
#[derive(Debug)]
pub struct Served {
    /// The file that grants it.
    pub entry: Rc<Entry>,
    /// Its table.
    pub operation: Operation,
    allow: Option<Vec<Who>>,
}

/// A rule of `allow`, as numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Uid(u32),
    Gid(u32),
}

/// All that is granted on this machine.
#[derive(Debug, Default)]
pub struct Catalog {
    operations: BTreeMap<String, Rc<Served>>,
    entries: BTreeMap<String, Rc<Entry>>,
}

/// An operation that this caller may ask for.
///
/// Having one tells you that the socket and the grants let this peer see it; not that its data is any good, nor that it may
/// run.
#[derive(Debug)]
pub struct Found {
    served: Rc<Served>,
}

impl Found {
    /// Its table.
    #[must_use]
    pub fn operation(&self) -> &Operation {
        &self.served.operation
    }

    /// The grants file.
    #[must_use]
    pub fn grants(&self) -> &Rc<Grants> {
        &self.served.entry.grants
    }

    /// The plugin, as soon as it serves; `None` if it does not until the deadline.
    pub async fn plugin(&self, deadline: Instant) -> Option<Rc<Plugin>> {
        match self.served.entry.settled(deadline).await {
            Status::Serving(plugin) => Some(plugin),
            Status::Preparing | Status::Unserved(_) => None,
        }
    }

    /// Where its plugin stands as soon as that is settled, or at the deadline.
    pub async fn settled(&self, deadline: Instant) -> Status {
        self.served.entry.settled(deadline).await
    }
}

impl Entry {
    /// Of a file whose module is still to be read.
    #[must_use]
    pub fn new(grants: Grants) -> Rc<Self> {
        Rc::new(Self { grants: Rc::new(grants), status: watch::Sender::new(Status::Preparing) })
    }

    /// It stands elsewhere now.
    pub fn set(&self, status: Status) {
        self.status.send_replace(status);
    }

    async fn settled(&self, deadline: Instant) -> Status {
        let mut status = self.status.subscribe();
        let settled = status.wait_for(|status| !matches!(status, Status::Preparing));
        match timeout_at(deadline, settled).await {
            Ok(Ok(settled)) => settled.clone(),
            _ => Status::Preparing,
        }
    }
}

impl Catalog {
    /// Of all grants files. An operation that two of them serve is served by neither; the mistakes are for the log.
    #[must_use]
    pub fn new(all: Vec<Grants>) -> (Self, Vec<String>) {
        let (mut catalog, mut mistakes) = (Self::default(), Vec::new());
        let mut twice = Vec::new();
        for grants in all {
            let entry = Entry::new(grants);
            for operation in &entry.grants.operations {
                let called = operation.called.clone();
                match served(&entry, operation) {
                    Err(why) => mistakes.push(why),
                    Ok(served) => {
                        if let Some(other) = catalog.operations.insert(called.clone(), Rc::new(served)) {
                            let (one, two) = (&other.entry.grants.name, &entry.grants.name);
                            mistakes.push(format!("operation {called}: granted by {one} and by {two}, so by neither"));
                            twice.push(called);
                        }
                    }
                }
            }
            catalog.entries.insert(entry.grants.name.clone(), entry);
        }
        twice.iter().for_each(|called| drop(catalog.operations.remove(called)));
        (catalog, mistakes)
    }

    /// Every file.
    pub fn entries(&self) -> impl Iterator<Item = &Rc<Entry>> {
        self.entries.values()
    }

    /// The operation of this name, if the socket shows it and its grants allow this peer.
    #[must_use]
    pub fn find(&self, socket: &Socket, requester: &Requester, name: &str) -> Option<Found> {
        let served = self.operations.get(name).filter(|_| socket.operations.sees(name))?;
        served.allows(requester).then(|| Found { served: Rc::clone(served) })
    }

    /// The operation that a record names: by whom it was asked was judged when it was asked, and is judged again.
    #[must_use]
    pub fn find_again(&self, sockets: &[Rc<Socket>], requester: &Requester, name: &str) -> Option<Found> {
        let socket = sockets.iter().find(|socket| socket.name == requester.socket)?;
        self.find(socket, requester, name)
    }
}

fn served(entry: &Rc<Entry>, operation: &Operation) -> Result<Served, String> {
    let resolve = |principal: &Principal| match principal {
        Principal::User(name) => users::user(name).map(|user| Who::Uid(user.uid)),
        Principal::Uid(uid) => Ok(Who::Uid(*uid)),
        Principal::Group(name) => users::group(name).map(Who::Gid),
        Principal::Gid(gid) => Ok(Who::Gid(*gid)),
    };
    let allow = operation.allow.as_ref().map(|rules| rules.iter().map(resolve).collect()).transpose();
    let allow = allow.map_err(|why: String| {
        format!("{}: operation {}: allow: {why}, so it is not served", entry.grants.name, operation.name)
    })?;
    Ok(Served { entry: Rc::clone(entry), operation: operation.clone(), allow })
}

impl Served {
    /// Whether the rules take this peer in. On a socket whose uids mean nothing they take in nobody.
    fn allows(&self, requester: &Requester) -> bool {
        let Some(rules) = &self.allow else { return true };
        requester.trusted
            && rules.iter().any(|rule| match rule {
                Who::Uid(uid) => requester.uid == *uid,
                Who::Gid(gid) => requester.gid == *gid || requester.groups.contains(gid),
            })
    }
}
