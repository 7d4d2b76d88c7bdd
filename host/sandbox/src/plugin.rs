//! The loaded component: read from its image, linked with what is served and nothing else, and tried once.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use regent_lane::{Export, ModuleError, Say, Settings};
use wasmtime::Engine;
use wasmtime::component::{Component, InstancePre, Linker};

use crate::bindings::exports::regent::plugin as exported;
use crate::state::State;
use crate::threads::{Assembly, ThreadError};
use crate::ticker::Ticker;
use crate::{engine, wasi, world};

/// The largest image: a Python plugin's is 35 MB, and this process may not have more than 4 GiB of addresses.
const IMAGE_MAX: u64 = 1 << 30;

/// A component, ready to be made instances of.
pub(crate) struct Plugin {
    pub(crate) linked: InstancePre<State>,
    pub(crate) functions: Functions,
    pub(crate) settings: Arc<str>,
}

/// Where its functions are.
pub(crate) struct Functions {
    pub(crate) operation: exported::operation::GuestIndices,
    pub(crate) finishing: Option<exported::finishing::GuestIndices>,
    pub(crate) authorising: Option<exported::authorising::GuestIndices>,
}

/// A plugin, and the clock of its engine.
pub(crate) struct Loaded {
    pub(crate) plugin: Arc<Plugin>,
    pub(crate) ticker: Arc<Ticker>,
    pub(crate) exports: Vec<Export>,
}

/// Why it cannot be served, for the administrator.
pub(crate) struct Unloadable {
    /// Compiling the module once more may help.
    incompatible: bool,
    error: ModuleError,
}

impl Unloadable {
    pub(crate) fn for_good(error: impl Into<ModuleError>) -> Self {
        Self { incompatible: false, error: error.into() }
    }

    /// As a word.
    pub(crate) fn say(self) -> Say {
        Say::Unloadable { incompatible: self.incompatible, reasons: vec![self.error] }
    }
}

impl From<ThreadError> for Unloadable {
    fn from(error: ThreadError) -> Self {
        Self::for_good(error.to_string())
    }
}

impl Plugin {
    /// Reads it and links it. Nothing of its own runs yet.
    pub(crate) fn load(
        kind: engine::Kind,
        image: OwnedFd,
        settings: Settings,
        assembly: &Assembly,
    ) -> Result<Loaded, Unloadable> {
        let engine = engine::settings(kind).and_then(|settings| Engine::new(&settings));
        let engine = engine.map_err(|why| Unloadable::for_good(format!("no engine: {why:#}")))?;
        let ticker = Ticker::start(engine.clone(), assembly)?;
        let component = component(&engine, image)?;
        // Files in memory, which cannot be made later.
        let images = component.initialize_copy_on_write_image();
        images.map_err(|why| Unloadable::for_good(format!("its memory cannot be made ready: {why:#}")))?;
        let linked = link(&engine, &component).map_err(|why| {
            Unloadable::for_good(format!(
                "it imports what is not served: {why:#}: build it against Regent's `wit` folder"
            ))
        })?;
        let (functions, exports) = Functions::of(&linked)?;
        let plugin = Self { linked, functions, settings: settings.settings.into() };
        Ok(Loaded { plugin: Arc::new(plugin), ticker, exports })
    }
}

fn component(engine: &Engine, image: OwnedFd) -> Result<Component, Unloadable> {
    let bytes = read(image).map_err(|why| Unloadable::for_good(format!("its image cannot be read: {why}")))?;
    // SAFETY: what is loaded must have come from `Engine::precompile_component` unchanged. These bytes came from
    // `regent-compiler` through the daemon, which keeps them where nobody else writes, with their digest, and compares
    // that as it copies them into the sealed image. Were they someone else's all the same, they would run with the
    // rights of this process: none but the lanes of the plugin whose image it is.
    #[expect(unsafe_code, reason = "compiled code cannot be verified, only be trusted or not be run")]
    let loaded = unsafe { Component::deserialize(engine, &bytes) };
    loaded.map_err(|why| {
        let error = format!("its compiled code is of another engine, or damaged: {why:#}").into();
        Unloadable { incompatible: true, error }
    })
}

fn read(image: OwnedFd) -> std::io::Result<Vec<u8>> {
    use std::io::{Read as _, Seek as _};
    let mut image = std::fs::File::from(image);
    image.rewind()?;
    let mut bytes = Vec::new();
    image.take(IMAGE_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn link(engine: &Engine, component: &Component) -> wasmtime::Result<InstancePre<State>> {
    let mut linker = Linker::new(engine);
    world::link(&mut linker)?;
    wasi::link(&mut linker)?;
    linker.instantiate_pre(component)
}

impl Functions {
    fn of(linked: &InstancePre<State>) -> Result<(Self, Vec<Export>), Unloadable> {
        let operation = exported::operation::GuestIndices::new(linked).map_err(|_| {
            Unloadable::for_good("it exports no regent:plugin/operation 0.1: build it against Regent's `wit` folder")
        })?;
        let finishing = exported::finishing::GuestIndices::new(linked).ok();
        let authorising = exported::authorising::GuestIndices::new(linked).ok();
        let optional = [
            (authorising.is_some(), Export::Authorising),
            (exported::judging::GuestIndices::new(linked).is_ok(), Export::Judging),
            (exported::performing::GuestIndices::new(linked).is_ok(), Export::Performing),
            (finishing.is_some(), Export::Finishing),
        ];
        let exports = optional.into_iter().filter_map(|(is_there, export)| is_there.then_some(export)).collect();
        Ok((Self { operation, finishing, authorising }, exports))
    }
}
