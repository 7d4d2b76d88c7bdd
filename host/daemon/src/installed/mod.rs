//! What is installed, and what of it serves: each grants file with its module by itself, whole or not at all.
//!
//! Whatever changes in the folders is looked at as soon as it is closed or renamed. What is good takes the place of what was,
//! between two requests; what is not leaves it as it was and is said, with its cure. Nothing here delays a request: folders are
//! read on a thread of their own, modules are compiled by processes, and the catalog changes in one step.

// What lies in the folders.
pub mod seen;
// Who vouches for a module besides its grants.
mod sums;
// When to look again.
mod watch;
// Modules that served once.
pub mod accepted;
// From a file that was seen to a plugin that serves.
pub mod bring;
// As it is told.
mod views;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use regent_grants::{Config, Grants};
use tokio::sync::{Mutex, Notify, watch as channel};
use tokio::task::{AbortHandle, spawn_local};
use tokio::time::{Instant, timeout_at};

use crate::catalog::{Allowed, Catalog, Entry, Status};
use crate::held::Held;
use crate::kept::audit::Event;
use crate::kept::ledger::{SharedAudit, lock};
use crate::plugin::load::Loader;
use crate::plugin::module::ModuleDigest;
use accepted::Shelf;
use bring::Brought;
use seen::{File, Module, Seen, Written};
use watch::Watch;

/// After a change others often follow at once: they are one look.
const SETTLE: Duration = Duration::from_millis(5);
/// How often is looked whether a folder is still the one that it was.
const FOLLOW_EVERY: Duration = Duration::from_secs(2);

/// Everything that is installed.
#[derive(Debug)]
pub struct Installed {
    config: RefCell<Arc<Config>>,
    /// Who loads, as soon as that is known; or why nobody can.
    loader: channel::Sender<Option<Result<Rc<Loader>, String>>>,
    shelf: Shelf,
    held: Rc<Held>,
    audit: SharedAudit,
    /// Whether sandboxes have uids of their own.
    root: bool,
    watch: Option<Watch>,
    instances: RefCell<BTreeMap<String, Instance>>,
    catalog: RefCell<Rc<Catalog>>,
    findings: RefCell<Found>,
    one_look: Mutex<()>,
    look_again: Notify,
    settled: Notify,
    news: RefCell<Vec<String>>,
    listens: Cell<bool>,
}

/// What was found in the folders besides what serves.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Found {
    /// Wrong: each with file, line and cure.
    pub mistakes: Vec<String>,
    /// Served, and to be looked at.
    pub warnings: Vec<String>,
    strays: Vec<PathBuf>,
}

/// A grants file, and what of it serves.
#[derive(Debug)]
struct Instance {
    path: PathBuf,
    entry: Option<Rc<Entry>>,
    /// What was judged last, so that nothing is judged twice.
    judged: Option<([u8; 32], Module)>,
    /// The text by which it serves.
    text: Option<[u8; 32]>,
    module: Option<PathBuf>,
    file: Option<ModuleDigest>,
    pin: &'static str,
    /// Why what lies there is not what serves.
    reasons: Vec<String>,
    warnings: Vec<String>,
    loading: Option<AbortHandle>,
}

impl Instance {
    fn at(path: PathBuf) -> Self {
        Self {
            path,
            entry: None,
            judged: None,
            text: None,
            module: None,
            file: None,
            pin: "none",
            reasons: Vec::new(),
            warnings: Vec::new(),
            loading: None,
        }
    }

    fn stop_loading(&mut self) {
        if let Some(loading) = self.loading.take() {
            loading.abort();
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.stop_loading();
    }
}

/// What a load is made of.
struct Load {
    text: [u8; 32],
    grants: Rc<Grants>,
    allowed: Allowed,
    module: Module,
}

impl Installed {
    /// Of nothing yet: [`look`](Self::look) before anybody asks.
    ///
    /// # Errors
    /// What the kernel says of the folder of accepted modules.
    pub fn new(config: Arc<Config>, held: Rc<Held>, audit: SharedAudit, shelf: PathBuf) -> std::io::Result<Rc<Self>> {
        let watch = Watch::new();
        if let Err(why) = &watch {
            crate::warning!("inotify: {why}: changed files are read by `regent reload` alone");
        }
        Ok(Rc::new(Self {
            config: RefCell::new(config),
            loader: channel::Sender::new(None),
            shelf: Shelf::open(shelf)?,
            held,
            audit,
            root: rustix::process::geteuid().is_root(),
            watch: watch.ok(),
            instances: RefCell::default(),
            catalog: RefCell::default(),
            findings: RefCell::default(),
            one_look: Mutex::default(),
            look_again: Notify::new(),
            settled: Notify::new(),
            news: RefCell::default(),
            listens: Cell::new(false),
        }))
    }

    /// What is granted now.
    #[must_use]
    pub fn catalog(&self) -> Rc<Catalog> {
        Rc::clone(&self.catalog.borrow())
    }

    /// What was found wrong when it was looked last.
    #[must_use]
    pub fn found(&self) -> Found {
        let mut found = self.findings.borrow().clone();
        found.mistakes.extend(self.catalog().mistakes());
        for (name, instance) in &*self.instances.borrow() {
            found.mistakes.extend(instance.reasons.iter().map(|reason| located(name, reason)));
            found.warnings.extend(instance.warnings.iter().cloned());
        }
        found
    }

    /// From now on plugins can be loaded; or never, for this reason.
    pub fn can_load(&self, loader: Result<Loader, String>) {
        self.loader.send_replace(Some(loader.map(Rc::new)));
    }

    /// Looks whenever something changes, for ever.
    pub async fn keep_looking(self: Rc<Self>) {
        self.listens.set(true);
        loop {
            let changed = async {
                match &self.watch {
                    Some(watch) => watch.changed().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = changed => {}
                () = self.look_again.notified() => {}
                () = tokio::time::sleep(FOLLOW_EVERY) => if !self.follow() { continue },
            }
            tokio::time::sleep(SETTLE).await;
            self.look().await;
        }
    }

    fn follow(&self) -> bool {
        let config = Arc::clone(&self.config.borrow());
        let folders: BTreeSet<PathBuf> =
            seen::grants_folders(&config).into_iter().chain(config.plugins.clone()).collect();
        let folders: Vec<PathBuf> = folders.into_iter().collect();
        self.watch.as_ref().is_some_and(|watch| watch.follow(&folders))
    }

    /// Lives by another configuration from the next look on; what its people and teams meant is judged anew.
    pub fn configure(&self, config: Arc<Config>) {
        *self.config.borrow_mut() = config;
        self.instances.borrow_mut().values_mut().for_each(|instance| instance.judged = None);
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
            Ok(seen) => self.take(seen),
            Err(why) => crate::error!("the folders could not be looked at: {why}"),
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
    #[must_use]
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

    fn take(self: &Rc<Self>, seen: Seen) {
        let Seen { files, strays, mistakes, warnings } = seen;
        // A folder that could not be read says nothing of what was in it.
        if mistakes.is_empty() {
            let gone: Vec<String> =
                self.instances.borrow().keys().filter(|name| !files.contains_key(*name)).cloned().collect();
            gone.iter().for_each(|name| self.remove(name));
        }
        for (name, file) in files {
            self.take_file(&name, file);
        }
        let found = Found { mistakes, warnings, strays };
        if *self.findings.borrow() != found {
            found.mistakes.iter().for_each(|mistake| crate::error!("{mistake}"));
            found.warnings.iter().for_each(|warning| crate::warning!("{warning}"));
            *self.findings.borrow_mut() = found;
        }
        self.publish();
    }

    fn remove(&self, name: &str) {
        let path = self.instances.borrow().get(name).map(|instance| instance.path.clone());
        if path.is_some_and(|path| self.is_still(&path) || !path.exists()) {
            self.instances.borrow_mut().remove(name);
            self.tell(format!("plugin {name}: its grants file is gone: what it served is unknown now"));
            self.settled.notify_waiters();
        }
    }

    fn is_still(&self, path: &std::path::Path) -> bool {
        self.watch.as_ref().is_none_or(|watch| watch.is_still(path))
    }

    fn is_being_written(&self, path: &std::path::Path) -> bool {
        self.watch.as_ref().is_some_and(|watch| watch.is_being_written(path))
    }

    fn take_file(self: &Rc<Self>, name: &str, file: File) {
        let mut instances = self.instances.borrow_mut();
        let instance = instances.entry(name.to_owned()).or_insert_with(|| Instance::at(file.path.clone()));
        if !self.is_still(&file.path) {
            if instance.entry.is_none() {
                instance.reasons = vec![format!("{}: is being written", file.path.display())];
            }
            return;
        }
        if instance.warnings != file.warnings {
            file.warnings.iter().for_each(|warning| crate::warning!("{warning}"));
            instance.warnings = file.warnings;
        }
        instance.path = file.path;
        match file.written {
            Ok(written) => self.take_written(name, instance, written),
            Err(mistakes) => {
                instance.stop_loading();
                instance.judged = None;
                self.say_reasons(name, instance, mistakes);
            }
        }
    }

    fn take_written(self: &Rc<Self>, name: &str, instance: &mut Instance, written: Written) {
        let Written { grants, text, allowed, module } = written;
        let Some(module) = module else {
            let (module, folders) = (&grants.module, list(&self.config.borrow().plugins));
            let had = instance.entry.take().is_some();
            instance.stop_loading();
            (instance.judged, instance.module, instance.file) = (None, None, None);
            self.say_reasons(name, instance, vec![format!("there is no {module}.wasm in {folders}: put it there")]);
            if had {
                self.tell(format!("plugin {name}: its module is gone: what it served is unknown now"));
            }
            return;
        };
        instance.module = Some(module.path.clone());
        if self.is_being_written(&module.path) {
            if instance.entry.is_none() {
                instance.reasons = vec![format!("{}: is being written", module.path.display())];
            }
            return;
        }
        let judged = Some((text, module.clone()));
        if instance.judged == judged {
            return;
        }
        instance.judged = judged;
        instance.stop_loading();
        let grants = Rc::new(grants);
        if instance.entry.as_ref().is_none_or(|entry| entry.plugin().is_none()) {
            // Nothing of it serves, so whoever asks waits for this.
            instance.entry =
                Some(Entry::new(Rc::clone(&grants), allowed.clone(), module.vouched.is_some(), Status::Preparing));
        }
        let load = Load { text, grants, allowed, module };
        let (installed, name) = (Rc::clone(self), name.to_owned());
        let loading = spawn_local(async move { installed.load(name, load).await });
        instance.loading = Some(loading.abort_handle());
    }

    /// Brings a file to serve, and says what came of it.
    async fn load(self: Rc<Self>, name: String, load: Load) {
        let current = self.instances.borrow().get(&name).and_then(|instance| instance.entry.as_ref()?.plugin());
        let brought = self.bring(&name, &load, current).await;
        let mut instances = self.instances.borrow_mut();
        let Some(instance) = instances.get_mut(&name) else { return };
        instance.loading = None;
        instance.file = brought.file;
        instance.pin = brought.pin;
        self.settle_one(&name, instance, load, brought);
        drop(instances);
        self.publish();
        self.settled.notify_waiters();
    }

    fn settle_one(&self, name: &str, instance: &mut Instance, load: Load, brought: Brought) {
        let Brought { plugin, reasons, file, .. } = brought;
        let Some(plugin) = plugin else {
            match &instance.entry {
                Some(entry) if entry.plugin().is_some() => {}
                Some(entry) => entry.set(Status::Unserved(file)),
                None => {}
            }
            return self.say_reasons(name, instance, reasons);
        };
        let former = instance.entry.as_ref().and_then(|entry| entry.plugin());
        let same = former.is_some_and(|former| Rc::ptr_eq(&former, &plugin)) && instance.text == Some(load.text);
        if !same {
            let serves: Vec<&str> = load.grants.operations.iter().map(|operation| operation.called.as_str()).collect();
            let digest = hex::encode(plugin.digest);
            let news = format!("plugin {name} serves {}", serves.join(", "));
            self.record(&Event { event: "plugin", module: Some(&digest), outcome: Some(&news), ..Event::default() });
            self.tell(format!("{news} (sha256 {digest})"));
        }
        instance.text = Some(load.text);
        let unresolved =
            load.allowed.iter().filter_map(|(operation, allowed)| Some((operation, allowed.as_ref().err()?)));
        let unresolved = unresolved
            .map(|(operation, why)| format!("{name}: operation {operation}: allow: {why}, so it is not served"));
        let reasons = reasons.into_iter().chain(unresolved).collect();
        match &instance.entry {
            // Whoever waits for it hears of it.
            Some(entry) if Rc::ptr_eq(&entry.grants, &load.grants) => entry.set(Status::Serving(plugin)),
            _ => {
                instance.entry =
                    Some(Entry::new(load.grants, load.allowed, load.module.vouched.is_some(), Status::Serving(plugin)))
            }
        }
        self.say_reasons(name, instance, reasons);
    }

    /// Keeps why something is not as it lies there, and says what was not said before.
    fn say_reasons(&self, name: &str, instance: &mut Instance, reasons: Vec<String>) {
        let serves = instance.entry.as_ref().is_some_and(|entry| entry.plugin().is_some());
        let what = if serves { "serves on as before" } else { "does not serve" };
        for reason in reasons.iter().filter(|reason| !instance.reasons.contains(reason)) {
            crate::error!("plugin {name} {what}: {reason}");
        }
        instance.reasons = reasons;
    }

    fn tell(&self, news: String) {
        crate::info!("{news}");
        let mut all = self.news.borrow_mut();
        // Whoever reloads takes them away; where nobody does they must not pile up.
        if all.len() >= NEWS_MAX {
            all.remove(0);
        }
        all.push(news);
    }

    /// What serves from now on is on record before it does anything; if it cannot be, what it does cannot be either.
    fn record(&self, event: &Event<'_>) {
        if let Err(why) = lock(&self.audit).append(event) {
            crate::error!("the audit log cannot be written: {why}");
        }
    }

    /// The catalog of what serves now, in one step.
    fn publish(&self) {
        let before = self.catalog().mistakes();
        let catalog = Catalog::of(self.instances.borrow().values().filter_map(|instance| instance.entry.clone()));
        let mistakes = catalog.mistakes();
        mistakes.iter().filter(|mistake| !before.contains(mistake)).for_each(|mistake| crate::error!("{mistake}"));
        *self.catalog.borrow_mut() = Rc::new(catalog);
    }

    /// Has the folders looked at soon.
    pub fn look_soon(&self) {
        self.look_again.notify_one();
    }
}

/// News that nobody has asked for yet.
const NEWS_MAX: usize = 1_000;

/// A reason that names no file is told with the plugin that it is of.
fn located(name: &str, reason: &str) -> String {
    if reason.starts_with('/') { reason.to_owned() } else { format!("plugin {name}: {reason}") }
}

/// Folders, for people.
#[must_use]
pub fn list(folders: &[PathBuf]) -> String {
    folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(", ")
}
