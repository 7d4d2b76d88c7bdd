//! What is installed, and what of it serves: each grants file with its module by itself, whole or not at all.
//!
//! Whatever changes in the folders is looked at as soon as it is closed or renamed. What is good takes the place of
//! what was, between two requests; what is not leaves it as it was and is said, with its cure. Nothing here delays a
//! request: folders are read on a thread of their own, modules are compiled by processes, and the catalog changes in
//! one step.

// What lies in the folders.
pub mod seen;
// Who vouches for a module besides its grants.
mod sums;
// Why something does not serve.
mod reason;
// When to look again.
mod watch;
// Modules that served once.
pub mod accepted;
// From a file that was seen to a plugin that serves.
pub mod bring;
// What was seen, taken.
mod take;
// As it is told.
mod views;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use regent_grants::{Config, Grants};
use tokio::sync::{Mutex, Notify, watch as channel};
use tokio::time::{Instant, timeout_at};
use tokio_util::task::AbortOnDropHandle;

use crate::catalog::{Allowed, Catalog, Entry};
use crate::kept::audit::AuditLog;
use crate::kept::sandbox_numbers::SandboxNumbers;
use crate::plugin::Plugin;
use crate::plugin::load::Loader;
use crate::plugin::load_error::LoadError;
use crate::plugin::module::ModuleDigest;
use crate::process::Spawner;
use accepted::Shelf;
use reason::UnservedReason;
use seen::{FolderFindings, Link, Module, Seen};
use watch::Watch;

/// After a change others often follow at once: they are one look.
const SETTLE: Duration = Duration::from_millis(5);
/// How often is looked whether a folder is still the one that it was.
const FOLLOW_EVERY: Duration = Duration::from_secs(2);
/// What a link leads to is looked at when nobody has written to it for so long: it is not said when it is closed.
const LINK_QUIET: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub struct Installed {
    config: RefCell<Arc<Config>>,
    /// Who loads, as soon as that is known; or why nobody can.
    loader: channel::Sender<Option<Result<Rc<Loader>, LoadError>>>,
    shelf: Shelf,
    numbers: SandboxNumbers,
    audit: AuditLog,
    spawner: Rc<Spawner>,
    watch: Option<Watch>,
    instances: RefCell<BTreeMap<String, Instance>>,
    catalog: RefCell<Rc<Catalog>>,
    findings: RefCell<FolderFindings>,
    one_look: Mutex<()>,
    settled: Notify,
    news: RefCell<Vec<String>>,
}

/// A grants file, and what of it serves.
#[derive(Debug, Default)]
struct Instance {
    path: PathBuf,
    link: Option<Link>,
    entry: Option<Rc<Entry>>,
    /// What was judged last, so that nothing is judged twice.
    judged: Option<([u8; 32], Module)>,
    /// The text by which it serves.
    text: Option<[u8; 32]>,
    module: Option<PathBuf>,
    file: Option<ModuleDigest>,
    pin: &'static str,
    reasons: Vec<UnservedReason>,
    warnings: Vec<String>,
    loading: Option<AbortOnDropHandle<()>>,
}

impl Instance {
    fn plugin(&self) -> Option<Rc<Plugin>> {
        self.entry.as_ref()?.plugin()
    }

    /// It serves what lies there, and names nobody who may be another user or group by now.
    fn is_settled(&self) -> bool {
        let serves = |entry: &Rc<Entry>| {
            entry.plugin().is_some() && entry.grants.operations.iter().all(|operation| operation.allow.is_none())
        };
        self.reasons.is_empty() && self.entry.as_ref().is_some_and(serves)
    }
}

struct Load {
    text: [u8; 32],
    grants: Rc<Grants>,
    allowed: Allowed,
    module: Module,
}

impl Installed {
    /// Of nothing yet: [`look`](Self::look) before anybody asks.
    pub fn new(
        config: Arc<Config>,
        numbers: SandboxNumbers,
        audit: AuditLog,
        spawner: Rc<Spawner>,
        shelf: PathBuf,
    ) -> std::io::Result<Rc<Self>> {
        let watch = Watch::new();
        if let Err(why) = &watch {
            crate::warning!("inotify: {why}: changed files are read by `regent reload` alone");
        }
        Ok(Rc::new(Self {
            config: RefCell::new(config),
            loader: channel::Sender::new(None),
            shelf: Shelf::open(shelf)?,
            numbers,
            audit,
            spawner,
            watch: watch.ok(),
            instances: RefCell::default(),
            catalog: RefCell::default(),
            findings: RefCell::default(),
            one_look: Mutex::default(),
            settled: Notify::new(),
            news: RefCell::default(),
        }))
    }

    pub fn catalog(&self) -> Rc<Catalog> {
        Rc::clone(&self.catalog.borrow())
    }

    /// What was found wrong when it was looked last.
    pub fn found(&self) -> FolderFindings {
        let mut found = self.findings.borrow().clone();
        found.mistakes.extend(self.catalog().mistakes());
        for instance in self.instances.borrow().values() {
            found.mistakes.extend(instance.reasons.iter().map(|reason| reason.located(&instance.path)));
            found.warnings.extend(instance.warnings.iter().cloned());
        }
        found
    }

    /// From now on plugins can be loaded; or never, for this reason.
    pub fn can_load(&self, loader: Result<Loader, LoadError>) {
        self.loader.send_replace(Some(loader.map(Rc::new)));
    }

    /// Looks whenever something changes, for ever.
    pub async fn keep_looking(self: Rc<Self>) {
        loop {
            let changed = async {
                match &self.watch {
                    Some(watch) => watch.changed().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = changed => {}
                () = tokio::time::sleep(FOLLOW_EVERY) => if !(self.follow() | self.leads_elsewhere()) { continue },
            }
            tokio::time::sleep(SETTLE).await;
            self.look().await;
        }
    }

    fn follow(&self) -> bool {
        let config = Arc::clone(&self.config.borrow());
        let folders: BTreeSet<PathBuf> =
            regent_resolve::grants_folders(&config).into_iter().chain(config.plugins.clone()).collect();
        let folders: Vec<PathBuf> = folders.into_iter().collect();
        self.watch.as_ref().is_some_and(|watch| watch.follow(&folders))
    }

    /// Whether a grants file that is a link leads to something else than it did: what it leads to is in no folder that
    /// is listened to.
    fn leads_elsewhere(&self) -> bool {
        let instances = self.instances.borrow();
        let mut links = instances.values().filter_map(|instance| Some((&instance.path, instance.link.as_ref()?)));
        links.any(|(path, link)| link.has_changed(path, LINK_QUIET))
    }

    /// Lives by this configuration from the next look on. What means the same as before is not judged anew.
    pub fn configure(&self, config: Arc<Config>) {
        let former = self.config.replace(Arc::clone(&config));
        let same = former.people == config.people && former.teams == config.teams;
        let mut instances = self.instances.borrow_mut();
        for instance in instances.values_mut().filter(|instance| !(same && instance.is_settled())) {
            instance.judged = None;
        }
    }

    /// Looks at the folders now, and begins to load what is new.
    pub async fn look(self: &Rc<Self>) {
        let _one_at_a_time = self.one_look.lock().await;
        self.follow();
        if let Some(watch) = &self.watch {
            watch.begin();
        }
        let config = Arc::clone(&self.config.borrow());
        match tokio::task::spawn_blocking(move || seen::look(&config)).await {
            Ok(mut seen) => {
                self.judge(&mut seen).await;
                self.take(seen);
            }
            Err(why) => crate::error!("the folders could not be looked at: {why}"),
        }
    }

    /// What this machine says of each file, which the spawner has to have read itself before anything of it serves.
    async fn judge(&self, seen: &mut Seen) {
        for (name, file) in &mut seen.files {
            let Some(text) = file.grants().map(|grants| grants.text) else { continue };
            let serving = self.instances.borrow().get(name).and_then(|instance| instance.text);
            file.judged(self.spawner.look(name, text, serving).await);
        }
    }

    /// Waits until nothing is being loaded any more, or the deadline; says whether all is settled.
    pub async fn settle(&self, deadline: Instant) -> bool {
        loop {
            let settled = self.settled.notified();
            tokio::pin!(settled);
            settled.as_mut().enable();
            if self.instances.borrow().values().all(|instance| instance.loading.is_none()) {
                return true;
            }
            if timeout_at(deadline, settled).await.is_err() {
                return false;
            }
        }
    }

    /// What has changed since this was asked last by whoever reloads, a line each.
    pub fn take_news(&self) -> Vec<String> {
        std::mem::take(&mut *self.news.borrow_mut())
    }

    /// Drops what no plugin can go back to. Once, at a start.
    pub fn tidy(&self) {
        let instances = self.instances.borrow();
        let names = instances.keys().cloned().collect();
        let entries = instances.values().filter_map(|instance| instance.entry.as_ref());
        let pins = entries.flat_map(|entry| entry.grants.sha256.iter().copied()).collect();
        let shelf = self.shelf.clone();
        drop(tokio::task::spawn_blocking(move || shelf.tidy(&names, &pins)));
    }

    /// What crashed too often is started again: an administrator has looked.
    pub fn forgive(&self) {
        let instances = self.instances.borrow();
        instances.values().filter_map(Instance::plugin).for_each(|plugin| plugin.forgive());
    }
}

pub fn list(folders: &[PathBuf]) -> String {
    folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(", ")
}
