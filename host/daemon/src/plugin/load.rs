//! From a module's bytes to a plugin that serves: pin, cache or compiler, sandbox, description. What stands in the way is
//! said with its cure; it stands in nobody else's way.

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use regent_grants::Grants;
use regent_lane::{Ask, Export, Say};
use tokio::time::Instant;

use super::cache::{Cache, Key};
use super::description::Description;
use super::exchange::Nothing;
use super::module::{self, ModuleDigest, Sealed};
use super::places::Places;
use super::programs::{Programs, Unloadable};
use super::sandbox::{Exchange, Sandbox};
use super::{Fault, Plugin};

/// What loading needs besides the module.
#[derive(Debug)]
pub struct Loader {
    /// Compiler and sandbox.
    pub programs: Rc<Programs>,
    /// What was compiled before.
    pub cache: Cache,
}

/// Why a plugin does not serve.
#[derive(Debug)]
pub struct NotServed {
    /// Every reason, for the administrator.
    pub reasons: Vec<String>,
    /// The module that was found, if one was read.
    pub module: Option<ModuleDigest>,
}

impl Loader {
    /// Loads the module of a grants file from one of the plugin folders.
    ///
    /// # Errors
    /// [`NotServed`].
    pub async fn load(&self, grants: &Grants, folders: &[PathBuf], uid: Option<u32>) -> Result<Rc<Plugin>, NotServed> {
        let unread = |why| NotServed { reasons: vec![why], module: None };
        let path = locate(&grants.module, folders).map_err(unread)?;
        let module = read(path.clone()).await.map_err(unread)?;
        let digest = module.digest();
        self.serve(grants, &path, module, uid).await.map_err(|reasons| NotServed { reasons, module: Some(digest) })
    }

    async fn serve(
        &self,
        grants: &Grants,
        path: &Path,
        module: Sealed,
        uid: Option<u32>,
    ) -> Result<Rc<Plugin>, Vec<String>> {
        pinned(grants, path, &module).map_err(|why| vec![why])?;
        let key = self.cache.key(&module.digest());
        let (code, sandbox, exports) = self.sandbox(grants, &module, key, uid).await?;
        let places = Places::new();
        let plugin = Plugin {
            name: grants.name.clone(),
            digest: module.digest(),
            description: Description::default(),
            settings: grants.settings.clone(),
            code,
            uid,
            programs: Rc::clone(&self.programs),
            places,
            sandbox: RefCell::new(sandbox),
            starting: tokio::sync::Mutex::new(()),
            ends: Cell::new((0, Instant::now())),
        };
        let description = self.describe(&plugin, key, &exports).await?;
        served(grants, &description)?;
        Ok(Rc::new(Plugin { description, ..plugin }))
    }

    /// A sandbox with the module's code in it, compiled now if the cache has none that the engine takes.
    async fn sandbox(
        &self,
        grants: &Grants,
        module: &Sealed,
        key: Key,
        uid: Option<u32>,
    ) -> Result<(Sealed, Rc<Sandbox>, Vec<Export>), Vec<String>> {
        let name = &grants.name;
        let mut kept = self.cache.code(key);
        loop {
            let (code, fresh) = match kept.take() {
                Some(code) => (code, false),
                None => (self.programs.compile(name, uid, module).await?, true),
            };
            match self.programs.sandbox(name, uid, &code, &grants.settings).await {
                Ok((sandbox, exports)) => {
                    if fresh {
                        self.cache.keep_code(key, &code);
                    }
                    return Ok((code, sandbox, exports));
                }
                Err(Unloadable::Incompatible(_)) if !fresh => {
                    crate::info!("plugin {name}: what was compiled is of another engine or machine: compiling again");
                    self.cache.forget(key);
                }
                Err(why) => return Err(why.reasons()),
            }
        }
    }

    /// What the plugin says of itself: asked once for each key, and kept beside the code.
    async fn describe(&self, plugin: &Plugin, key: Key, exports: &[Export]) -> Result<Description, Vec<String>> {
        if let Some(description) = self.cache.description(key).and_then(|text| Description::read(&text, exports).ok()) {
            return Ok(description);
        }
        let text = ask(plugin).await.map_err(|fault| vec![format!("describe: {fault}")])?;
        let description = Description::read(&text, exports)?;
        self.cache.keep_description(key, &text);
        Ok(description)
    }
}

async fn ask(plugin: &Plugin) -> Result<String, Fault> {
    let at_once = Instant::now();
    let place = plugin.places.take((usize::MAX, 0), at_once).await.map_err(|_| Fault::Ended("no lane".into()))?;
    let exchange = Exchange::begin(&plugin.sandbox(), place);
    let mut exchange = exchange.map_err(|_| Fault::Ended("its sandbox ended".into()))?;
    let none: Option<&mut Nothing> = None;
    match plugin.converse(&mut exchange, &Ask::Describe, none).await? {
        Say::Described(text) => {
            exchange.end();
            Ok(text)
        }
        Say::Fault(blame, text) => {
            exchange.end();
            Err(Fault::Guest(blame, text))
        }
        _ => Err(exchange.condemn("it answered what was not asked")),
    }
}

/// The first folder that has it.
fn locate(name: &str, folders: &[PathBuf]) -> Result<PathBuf, String> {
    let paths = folders.iter().map(|folder| folder.join(format!("{name}.wasm")));
    let found = paths.into_iter().find(|path| path.symlink_metadata().is_ok());
    found.ok_or_else(|| format!("there is no {name}.wasm in {}", list(folders)))
}

fn list(folders: &[PathBuf]) -> String {
    folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// Off the request path, for a module may be large.
async fn read(path: PathBuf) -> Result<Sealed, String> {
    let read = tokio::task::spawn_blocking(move || module::read(&path)).await;
    read.unwrap_or_else(|why| Err(format!("reading it ended early: {why}")))
}

fn pinned(grants: &Grants, path: &Path, module: &Sealed) -> Result<(), String> {
    if grants.sha256.is_empty() || grants.sha256.contains(&module.digest()) {
        return Ok(());
    }
    let (name, found) = (&grants.name, hex::encode(module.digest()));
    Err(format!(
        "{} is not the module that {name}.toml pins: it has sha256 {found}. If that is the one you mean, write it there",
        path.display()
    ))
}

/// Whether the plugin has what its grants serve.
fn served(grants: &Grants, description: &Description) -> Result<(), Vec<String>> {
    let unknown = grants.operations.iter().filter(|operation| description.operation(&operation.name).is_none());
    let names: Vec<&str> = description.names().collect();
    let reasons: Vec<String> = unknown
        .map(|operation| {
            let (name, has) = (&operation.name, names.join(", "));
            format!(
                "{}.toml:{}: [operations.{name}]: the plugin has no such operation; it has {has}",
                grants.name, operation.line
            )
        })
        .collect();
    if reasons.is_empty() { Ok(()) } else { Err(reasons) }
}
