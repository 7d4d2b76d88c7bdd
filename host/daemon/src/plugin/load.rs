//! From a module's bytes to a plugin that serves: pin, cache or compiler, sandbox, description. What stands in the way is
//! said with its cure; it stands in nobody else's way.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use regent_grants::Grants;
use regent_lane::{Ask, Export, Say};
use tokio::time::Instant;

use super::cache::{Cache, Key};
use super::description::Description;
use super::exchange::Nothing;
use super::module::Sealed;
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

impl Loader {
    /// A plugin of this module by these grants.
    ///
    /// # Errors
    /// Every reason why it does not serve, for the administrator.
    pub async fn serve(&self, grants: &Grants, module: &Sealed, uid: Option<u32>) -> Result<Rc<Plugin>, Vec<String>> {
        let key = self.cache.key(&module.digest());
        let (code, sandbox, exports) = self.sandbox(grants, module, key, uid).await?;
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
        // What is asked of one that describes itself from its settings is asked anew for other settings.
        let key = self.cache.told(key, &plugin.settings);
        if let Some(description) = self.cache.description(key).and_then(|text| Description::read(&text, exports).ok()) {
            return Ok(description);
        }
        let text = ask(plugin).await.map_err(|fault| vec![format!("describe: {fault}. Its author can repair it")])?;
        let description = Description::read(&text, exports)?;
        self.cache.keep_description(key, &text);
        Ok(description)
    }
}

async fn ask(plugin: &Plugin) -> Result<String, Fault> {
    let at_once = Instant::now();
    let place = plugin.places.take((u64::MAX, 0), at_once).await.map_err(|_| Fault::Ended("no lane".into()))?;
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

/// Whether the plugin has what its grants serve.
///
/// # Errors
/// Each operation that it has not.
pub fn served(grants: &Grants, description: &Description) -> Result<(), Vec<String>> {
    let unknown = grants.operations.iter().filter(|operation| description.operation(&operation.name).is_none());
    let names: Vec<&str> = description.names().collect();
    let reasons: Vec<String> = unknown
        .map(|operation| {
            let name = &operation.name;
            let has = if names.is_empty() { "none at all".to_owned() } else { names.join(", ") };
            format!(
                "{}.toml:{}: [operations.{name}]: the plugin has no such operation; it has {has}",
                grants.name, operation.line
            )
        })
        .collect();
    if reasons.is_empty() { Ok(()) } else { Err(reasons) }
}
