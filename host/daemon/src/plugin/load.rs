//! From a module's bytes to a plugin that serves: pin, cache or compiler, sandbox, description. What stands in the way
//! is said with its cure; it stands in nobody else's way.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use regent_grants::{Engine, Grants, Recycle};
use regent_lane::Export;
use tokio::sync::Semaphore;
use tokio::task::spawn_local;
use tokio_util::task::AbortOnDropHandle;

use super::Plugin;
use super::cache::{Cache, CacheKey};
use super::care::Care;
use super::codes::{Code, Codes};
use super::description::Description;
use super::exchange::describe;
use super::fault::Fault;
use super::keeping::keep;
use super::load_error::LoadErrors;
use super::module::{ModuleDigest, Sealed};
use super::places::LanePermits;
use super::programs::{Launch, Programs, Unloadable};
use super::sandbox::Sandbox;

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

/// A module's code in a sandbox that has loaded it.
pub(super) struct Loaded {
    code: Rc<Code>,
    sandbox: Rc<Sandbox>,
    places: Rc<LanePermits>,
    pub(super) exports: Vec<Export>,
}

impl Loaded {
    pub(super) async fn of(programs: &Programs, launch: Launch<'_>, code: Rc<Code>) -> Result<Self, Unloadable> {
        let (sandbox, exports) = programs.sandbox(launch, &code.sealed).await?;
        Ok(Self { code, sandbox, places: LanePermits::new(), exports })
    }

    pub(super) async fn describe(&self) -> Result<String, Fault> {
        describe(&self.sandbox, &self.places).await
    }

    /// The plugin that serves by this sandbox; its processes are kept from now on.
    pub(super) fn serve(
        self,
        programs: &Rc<Programs>,
        launch: Launch<'_>,
        digest: ModuleDigest,
        description: Description,
        recycle: Option<Recycle>,
    ) -> Rc<Plugin> {
        let care = Care::new(launch.name, recycle);
        self.sandbox.serve(&care);
        Rc::new_cyclic(|plugin| Plugin {
            name: launch.name.to_owned(),
            digest,
            description,
            settings: launch.settings.to_owned(),
            engine: launch.engine,
            code: self.code,
            uid: launch.uid,
            programs: Rc::clone(programs),
            places: self.places,
            sandbox: RefCell::new(self.sandbox),
            _keeper: AbortOnDropHandle::new(spawn_local(keep(plugin.clone(), Rc::clone(&care)))),
            care,
        })
    }
}

impl Loader {
    pub fn new(programs: Rc<Programs>, cache: Cache, recycle: Recycle) -> Self {
        Self { programs, cache, recycle, codes: Codes::default(), starts: Semaphore::new(STARTS) }
    }

    pub async fn serve(
        &self,
        grants: &Grants,
        engine: Engine,
        module: &Sealed,
        uid: Option<u32>,
    ) -> Result<Rc<Plugin>, LoadErrors> {
        let key = self.cache.key(&module.digest(), engine);
        let launch = Launch { name: &grants.name, uid, engine, settings: &grants.settings };
        let loaded = self.load(launch, module, key).await?;
        let description = self.describe(&loaded, launch.settings, key).await?;
        served(grants, &description)?;
        Ok(loaded.serve(&self.programs, launch, module.digest(), description, Some(self.recycle)))
    }

    /// A sandbox with the module's code in it, compiled now if there is none that the engine takes.
    async fn load(&self, launch: Launch<'_>, module: &Sealed, key: CacheKey) -> Result<Loaded, LoadErrors> {
        let name = launch.name;
        let mut useless = None;
        loop {
            let make = async || match self.kept(key, useless.is_some()).await {
                Some(sealed) => Ok(Code { sealed, kept: Cell::new(true) }),
                None => self.programs.compile(launch, module).await.map(Code::fresh),
            };
            let code = self.codes.get(key, useless.as_ref(), make).await?;
            let turn = self.starts.acquire().await;
            let loaded = Loaded::of(&self.programs, launch, Rc::clone(&code)).await;
            drop(turn);
            match loaded {
                Ok(loaded) => {
                    self.keep(key, &code).await;
                    return Ok(loaded);
                }
                Err(Unloadable::Incompatible(_)) if code.kept.get() && useless.is_none() => {
                    crate::info!("plugin {name}: what was compiled is of another engine or machine: compiling again");
                    useless = Some(code);
                }
                Err(why) => return Err(why.into()),
            }
        }
    }

    /// What was compiled before, read off the request path; or nothing, and then it is forgotten, if that was of no
    /// use.
    async fn kept(&self, key: CacheKey, useless: bool) -> Option<Sealed> {
        let cache = self.cache.clone();
        let read = move || if useless { cache.forget(key) } else { cache.code(key) };
        tokio::task::spawn_blocking(read).await.ok().flatten()
    }

    /// Keeps what has been seen to load.
    async fn keep(&self, key: CacheKey, code: &Code) {
        let Ok(sealed) = code.sealed.try_clone() else { return };
        if !code.kept.replace(true) {
            let cache = self.cache.clone();
            let _said_if_it_failed = tokio::task::spawn_blocking(move || cache.keep_code(key, &sealed)).await;
        }
    }

    /// What the plugin says of itself: asked once for each key, and kept beside the code.
    async fn describe(&self, loaded: &Loaded, settings: &str, key: CacheKey) -> Result<Description, LoadErrors> {
        let exports = &loaded.exports;
        // What is asked of one that describes itself from its settings is asked anew for other settings.
        let key = self.cache.told(key, settings);
        if let Some(description) = self.cache.description(key).and_then(|text| Description::read(&text, exports).ok()) {
            return Ok(description);
        }
        let text = loaded.describe().await?;
        let description = Description::read(&text, exports)?;
        let cache = self.cache.clone();
        let keep = tokio::task::spawn_blocking(move || cache.keep_description(key, &text));
        let _said_if_it_failed = keep.await;
        Ok(description)
    }
}

/// Whether the plugin has what its grants serve.
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
