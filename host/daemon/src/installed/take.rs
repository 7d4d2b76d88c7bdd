//! What was seen is taken: what is new begins to load, what was loaded serves from then on, and what stands in the way
//! is said.

use std::rc::Rc;

use regent_protocol::Serving;
use tokio::task::spawn_local;
use tokio_util::task::AbortOnDropHandle;

use super::bring::Brought;
use super::reason::UnservedReason;
use super::seen::{GrantsFile, Seen, Written};
use super::{Installed, Instance, Load, list};
use crate::catalog::{Catalog, Entry, Status};
use crate::kept::event::{Event, EventKind};
use crate::record::text::cut;

/// News that nobody has asked for yet.
const NEWS_MAX: usize = 1_000;
/// Of the reasons why a plugin does not serve, in bytes of a record: a module chooses the names in them. The log has
/// them all.
const REASONS_MAX: usize = 2 << 10;

impl Installed {
    pub(super) fn take(self: &Rc<Self>, seen: Seen) {
        let Seen { files, folders: found } = seen;
        // A folder that could not be read says nothing of what was in it.
        if found.mistakes.is_empty() {
            let gone: Vec<String> =
                self.instances.borrow().keys().filter(|name| !files.contains_key(*name)).cloned().collect();
            gone.iter().for_each(|name| self.remove(name));
        }
        for (name, file) in files {
            self.take_file(&name, file);
        }
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

    pub(super) fn is_still(&self, path: &std::path::Path) -> bool {
        self.watch.as_ref().is_none_or(|watch| watch.is_still(path))
    }

    fn is_being_written(&self, path: &std::path::Path) -> bool {
        self.watch.as_ref().is_some_and(|watch| watch.is_being_written(path))
    }

    fn take_file(self: &Rc<Self>, name: &str, file: GrantsFile) {
        let mut instances = self.instances.borrow_mut();
        let new = || Instance { path: file.path.clone(), pin: "none", ..Instance::default() };
        let instance = instances.entry(name.to_owned()).or_insert_with(new);
        if !self.is_still(&file.path) {
            if instance.entry.is_none() {
                instance.reasons = vec![UnservedReason::BeingWritten(file.path)];
            }
            return;
        }
        if instance.warnings != file.warnings {
            file.warnings.iter().for_each(|warning| crate::warning!("{warning}"));
            instance.warnings.clone_from(&file.warnings);
        }
        (instance.path, instance.link) = (file.path.clone(), file.link.clone());
        match file.written() {
            Ok(written) => self.take_written(name, instance, written),
            Err(mistakes) => {
                instance.loading = None;
                instance.judged = None;
                self.say_reasons(name, instance, mistakes.into_iter().map(UnservedReason::Grants).collect());
            }
        }
    }

    fn take_written(self: &Rc<Self>, name: &str, instance: &mut Instance, written: Written) {
        let Written { grants, allowed, module } = written;
        let text = grants.text;
        let Some(module) = module else {
            let reason = UnservedReason::NoModule { name: grants.module, folders: list(&self.config.borrow().plugins) };
            let had = instance.entry.take().is_some();
            instance.loading = None;
            (instance.judged, instance.module, instance.file) = (None, None, None);
            self.say_reasons(name, instance, vec![reason]);
            if had {
                // What was taken away does not come back by itself, whatever else is put in its place; a pin names it
                // still.
                if grants.sha256.is_empty() {
                    self.shelf.forget(name);
                }
                self.tell(format!("plugin {name}: its module is gone: what it served is unknown now"));
            }
            return;
        };
        instance.module = Some(module.path.clone());
        if self.is_being_written(&module.path) {
            if instance.entry.is_none() {
                instance.reasons = vec![UnservedReason::BeingWritten(module.path)];
            }
            return;
        }
        let judged = Some((text, module.clone()));
        if instance.judged == judged {
            return;
        }
        instance.judged = judged;
        instance.loading = None;
        let grants = Rc::new(grants);
        if instance.plugin().is_none() {
            // Nothing of it serves, so whoever asks waits for this.
            instance.entry =
                Some(Entry::new(Rc::clone(&grants), allowed.clone(), module.vouched.is_some(), Status::Preparing));
        }
        let load = Load { text, grants, allowed, module };
        let (installed, name) = (Rc::clone(self), name.to_owned());
        let loading = spawn_local(async move { installed.load(name, load).await });
        instance.loading = Some(AbortOnDropHandle::new(loading));
    }

    async fn load(self: Rc<Self>, name: String, load: Load) {
        let current = self.instances.borrow().get(&name).and_then(Instance::plugin);
        let brought = self.bring(&name, &load, current).await;
        let mut instances = self.instances.borrow_mut();
        let Some(instance) = instances.get_mut(&name) else { return };
        // This task itself, which is not to be aborted.
        let _own = instance.loading.take().map(AbortOnDropHandle::detach);
        instance.file = brought.file;
        instance.pin = brought.pin;
        let new = self.settle_one(&name, instance, load, brought);
        drop(instances);
        if new {
            self.publish();
        }
        self.settled.notify_waiters();
    }

    /// Says what came of a load; true if what is granted has changed with it.
    fn settle_one(&self, name: &str, instance: &mut Instance, load: Load, brought: Brought) -> bool {
        let Brought { plugin, reasons, file, .. } = brought;
        let Some(plugin) = plugin else {
            if let Some(entry) = instance.entry.as_ref().filter(|entry| entry.plugin().is_none()) {
                entry.set(Status::Unserved(file));
            }
            self.say_reasons(name, instance, reasons);
            return false;
        };
        let same =
            instance.plugin().is_some_and(|former| Rc::ptr_eq(&former, &plugin)) && instance.text == Some(load.text);
        if !same {
            // What serves from now on is on record before it does anything; if it cannot be, what it does cannot be
            // either. So is what does not serve, and why.
            let serves: Vec<&str> = load.grants.operations.iter().map(|operation| operation.called.as_str()).collect();
            let digest = hex::encode(plugin.digest);
            self.audit.record_or_log(&Event {
                plugin: Some(name),
                serving: Some(Serving::Serving),
                operations: Some(&serves),
                module: Some(&digest),
                ..Event::of(EventKind::Plugin)
            });
            self.tell(format!("plugin {name} serves {} (sha256 {digest})", serves.join(", ")));
        }
        instance.text = Some(load.text);
        let unresolved = load.allowed.iter().filter_map(|(operation, allowed)| {
            let (plugin, operation, why) = (name.to_owned(), operation.clone(), allowed.as_ref().err()?.to_string());
            Some(UnservedReason::Unresolved { plugin, operation, why })
        });
        let reasons = reasons.into_iter().chain(unresolved).collect();
        let waiting = instance.entry.as_ref().filter(|entry| Rc::ptr_eq(&entry.grants, &load.grants));
        let new = waiting.is_none();
        match waiting {
            // Whoever waits for it hears of it.
            Some(entry) => entry.set(Status::Serving(plugin)),
            None => {
                instance.entry =
                    Some(Entry::new(load.grants, load.allowed, load.module.vouched.is_some(), Status::Serving(plugin)))
            }
        }
        self.say_reasons(name, instance, reasons);
        new
    }

    /// Keeps why something is not as it lies there, and says and records what was not said before.
    fn say_reasons(&self, name: &str, instance: &mut Instance, reasons: Vec<UnservedReason>) {
        let serves = instance.plugin().is_some();
        let what = if serves { "serves on as before" } else { "does not serve" };
        let new: Vec<_> = reasons.iter().filter(|reason| !instance.reasons.contains(reason)).collect();
        let texts: Vec<String> = new.iter().map(ToString::to_string).collect();
        texts.iter().for_each(|reason| crate::error!("plugin {name} {what}: {reason}"));
        // Half a file is no judgement, and there may be many of them.
        if new.iter().any(|reason| !matches!(reason, UnservedReason::BeingWritten(_))) {
            let digest = instance.file.map(hex::encode);
            let why = cut(&texts.join("; "), REASONS_MAX);
            self.audit.record_or_log(&Event {
                plugin: Some(name),
                serving: Some(if serves { Serving::ServingAccepted } else { Serving::NotServing }),
                module: digest.as_deref(),
                why: Some(&why),
                ..Event::of(EventKind::Plugin)
            });
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

    /// The catalog of what serves now, in one step.
    fn publish(&self) {
        let before = self.catalog().mistakes();
        let catalog = Catalog::of(self.instances.borrow().values().filter_map(|instance| instance.entry.clone()));
        let mistakes = catalog.mistakes();
        mistakes.iter().filter(|mistake| !before.contains(mistake)).for_each(|mistake| crate::error!("{mistake}"));
        *self.catalog.borrow_mut() = Rc::new(catalog);
    }
}
