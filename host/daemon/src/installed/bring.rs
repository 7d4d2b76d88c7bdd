//! From a file that was seen to a plugin that serves: which module may serve by these grants, and if the one that lies
//! there may not or cannot, which of those that served before.

use std::path::PathBuf;
use std::rc::Rc;

use regent_grants::{Engine, Grants};

use super::reason::{ExpectedModule, UnservedReason};
use super::seen::Module;
use super::{Installed, Load};
use crate::plugin::Plugin;
use crate::plugin::load::{Loader, served};
use crate::plugin::module::{self, ModuleDigest, Sealed};

#[derive(Debug)]
pub(super) struct Brought {
    /// What serves from now on; `None`: what served before, if anything did.
    pub(super) plugin: Option<Rc<Plugin>>,
    pub(super) reasons: Vec<UnservedReason>,
    pub(super) file: Option<ModuleDigest>,
    /// What vouches for a module of this plugin.
    pub(super) pin: &'static str,
}

impl Installed {
    pub(super) async fn bring(&self, name: &str, load: &Load, current: Option<Rc<Plugin>>) -> Brought {
        let pin = match (&load.grants.sha256[..], load.module.vouched) {
            ([], None) => "none",
            ([], Some(_)) => "SHA256SUMS",
            _ => "sha256",
        };
        let nothing = |reasons| Brought { plugin: None, reasons, file: None, pin };
        let ground = match self.ground(name).await {
            Ok(ground) => ground,
            Err(why) => return nothing(vec![why]),
        };
        let file = read(load.module.path.clone()).await;
        if !self.is_still(&load.module.path) || !load.module.is_unchanged() {
            // What was read may be half of it; it is looked at again when it is closed.
            self.forget_judged(name);
            return nothing(vec![UnservedReason::BeingWritten(load.module.path.clone())]);
        }
        let digest = file.as_ref().ok().map(Sealed::digest);
        if digest.is_none() {
            // Why it cannot be read may lie above it, and be mended there: it is tried with each look.
            self.forget_judged(name);
        }
        let own = match file.and_then(|file| may_serve(&load.grants, &load.module, file.digest()).map(|()| file)) {
            Ok(file) => ground.serve(load, current.as_ref(), file).await,
            Err(why) => Err(vec![why]),
        };
        let (plugin, reasons) = match own {
            Ok(plugin) => (Some(plugin), Vec::new()),
            Err(reasons) => (self.serve_accepted(name, load, current.as_ref(), &ground).await, reasons),
        };
        Brought { plugin, reasons, file: digest, pin }
    }

    /// A module that served before and may serve by these grants too.
    async fn serve_accepted(
        &self,
        name: &str,
        load: &Load,
        current: Option<&Rc<Plugin>>,
        ground: &Ground,
    ) -> Option<Rc<Plugin>> {
        let last = self.shelf.record(name).map(|record| record.accepted);
        for digest in acceptable(&load.grants.sha256, last) {
            let Some(kept) = self.kept(digest).await else { continue };
            match ground.serve(load, current, kept).await {
                Ok(plugin) => return Some(plugin),
                Err(why) => {
                    why.iter().for_each(|why| crate::error!("plugin {name}: the module accepted before: {why}"))
                }
            }
        }
        None
    }

    async fn kept(&self, digest: ModuleDigest) -> Option<Sealed> {
        let shelf = self.shelf.clone();
        tokio::task::spawn_blocking(move || shelf.module(&digest)).await.ok().flatten()
    }

    async fn ground(&self, name: &str) -> Result<Ground, UnservedReason> {
        let mut loader = self.loader.subscribe();
        let loader = loader.wait_for(Option::is_some).await.ok().and_then(|loader| loader.clone());
        let loader =
            loader.unwrap_or_else(|| Err("the daemon ends".to_owned().into())).map_err(UnservedReason::Load)?;
        let uid = if self.spawner.is_root() { Some(self.uid(name).await?) } else { None };
        let engine = self.config.borrow().engine;
        Ok(Ground { loader, shelf: self.shelf.clone(), engine, uid })
    }

    /// The uid of this plugin's sandboxes, the same after every restart.
    async fn uid(&self, name: &str) -> Result<u32, UnservedReason> {
        let range = self.config.borrow().sandbox;
        let number = self.numbers.number(name, range.count).await;
        let taken = || format!("[sandbox] uids: all {} are taken: give a wider range", range.count);
        Ok(range.first + number.ok_or_else(|| UnservedReason::Load(taken().into()))?)
    }

    fn forget_judged(&self, name: &str) {
        if let Some(instance) = self.instances.borrow_mut().get_mut(name) {
            instance.judged = None;
        }
    }
}

struct Ground {
    loader: Rc<Loader>,
    shelf: super::Shelf,
    /// Where the grants file does not say.
    engine: Engine,
    uid: Option<u32>,
}

impl Ground {
    /// A plugin of this module by these grants: the one that serves, if nothing that it was told has changed; else a
    /// new one.
    async fn serve(
        &self,
        load: &Load,
        current: Option<&Rc<Plugin>>,
        module: Sealed,
    ) -> Result<Rc<Plugin>, Vec<UnservedReason>> {
        let (digest, engine) = (module.digest(), load.grants.engine.unwrap_or(self.engine));
        if let Some(plugin) = current.filter(|plugin| plugin.serves_as(&digest, &load.grants.settings, engine)) {
            served(&load.grants, plugin.description())?;
            return Ok(Rc::clone(plugin));
        }
        let module = Rc::new(module);
        let plugin = self.loader.serve(&load.grants, engine, &module, self.uid).await?;
        self.accept(&load.grants.name, &module).await;
        Ok(plugin)
    }

    /// Kept when it has been seen to load, so that what cannot is never gone back to.
    async fn accept(&self, name: &str, module: &Sealed) {
        let Ok(module) = module.try_clone() else { return };
        let (shelf, plugin) = (self.shelf.clone(), name.to_owned());
        let kept = tokio::task::spawn_blocking(move || shelf.accept(&plugin, &module)).await;
        if let Ok(Err(why)) = kept {
            crate::warning!("plugin {name}: its module is not kept, and serves only while its file is there: {why}");
        }
    }
}

/// What may serve instead of the file, first the one that served last: where nothing is pinned, that one alone.
fn acceptable(pins: &[ModuleDigest], last: Option<ModuleDigest>) -> Vec<ModuleDigest> {
    let last = last.filter(|last| pins.is_empty() || pins.contains(last));
    let others = pins.iter().copied().filter(|pin| Some(*pin) != last);
    last.into_iter().chain(others).collect()
}

/// Off the request path, for a module may be large.
async fn read(path: PathBuf) -> Result<Sealed, UnservedReason> {
    match tokio::task::spawn_blocking(move || module::read(&path)).await {
        Ok(read) => read.map_err(UnservedReason::Unreadable),
        Err(why) => Err(UnservedReason::Load(format!("reading it ended early: {why}").into())),
    }
}

/// What is wrong with the module that lies there, if it can be read and is not the one that the grants or the list pin.
pub fn unaccepted(grants: &Grants, module: &Module) -> Option<UnservedReason> {
    let file = module::read(&module.path).ok()?;
    may_serve(grants, module, file.digest()).err()
}

/// Whether the grants or the list beside the module say that it may serve.
fn may_serve(grants: &Grants, module: &Module, found: ModuleDigest) -> Result<(), UnservedReason> {
    let expected = match (&grants.sha256[..], module.vouched) {
        ([], Some(vouched)) if vouched != found => ExpectedModule::Listed(vouched),
        ([], _) => return Ok(()),
        (pins, _) if pins.contains(&found) => return Ok(()),
        (pins, _) => ExpectedModule::Pinned(pins.to_vec()),
    };
    Err(UnservedReason::WrongModule { path: module.path.clone(), found, plugin: grants.name.clone(), expected })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_served_last_comes_first_if_it_is_pinned_or_nothing_is() {
        let (one, two, six) = ([1; 32], [2; 32], [6; 32]);
        assert_eq!(acceptable(&[], Some(one)), [one]);
        assert_eq!(acceptable(&[], None), [[0; 32]; 0]);
        assert_eq!(acceptable(&[one, two], Some(two)), [two, one]);
        assert_eq!(acceptable(&[one, two], Some(six)), [one, two]);
    }
}
