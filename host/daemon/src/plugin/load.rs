//! From a module's bytes to a plugin that serves: pin, cache or compiler, sandbox, description. What stands in the way is
//! said with its cure; it stands in nobody else's way.

use std::cell::RefCell;
use std::rc::Rc;

use regent_grants::{Engine, Grants, Recycle};
use regent_lane::Export;
use tokio::sync::Semaphore;

use super::Plugin;
use super::cache::{Cache, CacheKey};
use super::care::Keeping;
use super::codes::{Code, Codes};
use super::description::Description;
use super::load_error::LoadErrors;
use super::module::Sealed;
use super::places::LanePermits;
use super::programs::{Programs, Unloadable};
use super::sandbox::Sandbox;

/// What loading needs besides the module.
#[derive(Debug)]
pub struct Loader {
    pub programs: Rc<Programs>,
    cache: Cache,
    /// When a sandbox is worn.
    recycle: Recycle,
    codes: Codes,
    starts: Semaphore,
}

/// Sandboxes that are started at a time: more would only wait for each other, and each has its deadline.
const STARTS: usize = 8;

impl Loader {
    /// By these programs, over this cache.
    pub fn new(programs: Rc<Programs>, cache: Cache, recycle: Recycle) -> Self {
        Self { programs, cache, recycle, codes: Codes::default(), starts: Semaphore::new(STARTS) }
    }

    /// A plugin of this module by these grants, on this engine.
    ///
    /// # Errors
    /// Every reason why it does not serve, for the administrator.
    pub async fn serve(
        &self,
        grants: &Grants,
        engine: Engine,
        module: &Sealed,
        uid: Option<u32>,
    ) -> Result<Rc<Plugin>, LoadErrors> {
        let key = self.cache.key(&module.digest(), engine);
        let (code, sandbox, exports) = self.sandbox(grants, engine, module, key, uid).await?;
        let places = LanePermits::new();
        let plugin = Plugin {
            name: grants.name.clone(),
            digest: module.digest(),
            description: Description::default(),
            settings: grants.settings.clone(),
            engine,
            code,
            uid,
            programs: Rc::clone(&self.programs),
            places,
            sandbox: RefCell::new(sandbox),
            keeping: Keeping::new(&grants.name, Some(self.recycle)),
        };
        let description = self.describe(&plugin, key, &exports).await?;
        served(grants, &description)?;
        let plugin = Rc::new(Plugin { description, ..plugin });
        plugin.keep();
        Ok(plugin)
    }

    /// A sandbox with the module's code in it, compiled now if there is none that the engine takes.
    async fn sandbox(
        &self,
        grants: &Grants,
        engine: Engine,
        module: &Sealed,
        key: CacheKey,
        uid: Option<u32>,
    ) -> Result<(Rc<Code>, Rc<Sandbox>, Vec<Export>), LoadErrors> {
        let name = &grants.name;
        let mut useless = None;
        loop {
            let make = async || match self.kept(key, useless.is_some()).await {
                Some(kept) => Ok(Code::kept(kept)),
                None => self.programs.compile(name, uid, engine, module).await.map(Code::fresh),
            };
            let code = self.codes.get(key, useless.as_ref(), make).await?;
            let turn = self.starts.acquire().await;
            let started = self.programs.sandbox(name, uid, engine, &code.sealed, &grants.settings).await;
            drop(turn);
            match started {
                Ok((sandbox, exports)) => {
                    self.keep(key, &code).await;
                    return Ok((code, sandbox, exports));
                }
                Err(Unloadable::Incompatible(_)) if code.is_kept() && useless.is_none() => {
                    crate::info!("plugin {name}: what was compiled is of another engine or machine: compiling again");
                    useless = Some(code);
                }
                Err(why) => return Err(why.into()),
            }
        }
    }

    /// What was compiled before, read off the request path; or nothing, and then it is forgotten, if that was of no use.
    async fn kept(&self, key: CacheKey, useless: bool) -> Option<Sealed> {
        let cache = self.cache.clone();
        let read = move || if useless { cache.forget(key) } else { cache.code(key) };
        tokio::task::spawn_blocking(read).await.ok().flatten()
    }

    /// Keeps what has been seen to load.
    async fn keep(&self, key: CacheKey, code: &Code) {
        let Ok(sealed) = code.sealed.try_clone() else { return };
        if code.keep() {
            let cache = self.cache.clone();
            let _said_if_it_failed = tokio::task::spawn_blocking(move || cache.keep_code(key, &sealed)).await;
        }
    }

    /// What the plugin says of itself: asked once for each key, and kept beside the code.
    async fn describe(&self, plugin: &Plugin, key: CacheKey, exports: &[Export]) -> Result<Description, LoadErrors> {
        // What is asked of one that describes itself from its settings is asked anew for other settings.
        let key = self.cache.told(key, &plugin.settings);
        if let Some(description) = self.cache.description(key).and_then(|text| Description::read(&text, exports).ok()) {
            return Ok(description);
        }
        let text = plugin.describe().await?;
        let description = Description::read(&text, exports)?;
        let cache = self.cache.clone();
        let keep = tokio::task::spawn_blocking(move || cache.keep_description(key, &text));
        let _said_if_it_failed = keep.await;
        Ok(description)
    }
}

/// Whether the plugin has what its grants serve.
///
/// # Errors
/// Each operation that it has not.
pub fn served(grants: &Grants, description: &Description) -> Result<(), LoadErrors> {
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
    if reasons.is_empty() { Ok(()) } else { Err(reasons.into()) }
}
