//! The loaded component: read from its image, linked with what is served and nothing else, and tried once.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use regent_lane::{Export, Say, Settings};
use wasmtime::Engine;
use wasmtime::component::{Component, InstancePre, Linker};

use crate::bindings::exports::regent::plugin as exported;
use crate::fault;
use crate::instance::{Instance, State};
use crate::lane::SharedLane;
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

/// A plugin and the clock of its engine.
pub(crate) struct Loaded {
    pub(crate) plugin: Plugin,
    pub(crate) ticker: Arc<Ticker>,
}

impl Plugin {
    /// Loads it: the plugin, its first instance, and the word that says so; or the word that says why not.
    pub(crate) fn load(image: OwnedFd, settings: Settings, lane: &SharedLane) -> Result<(Loaded, Instance, Say), Say> {
        let engine =
            Engine::new(&engine::settings()).map_err(|why| unloadable(false, format!("no engine: {why:#}")))?;
        let ticker = Ticker::start(engine.clone()).map_err(|why| unloadable(false, why))?;
        let component = component(&engine, image)?;
        let linked = link(&engine, &component).map_err(|why| {
            unloadable(false, format!("it imports what is not served: {why:#}: build it against Regent's `wit` folder"))
        })?;
        let (functions, exports) = Functions::of(&linked)?;
        let plugin = Self { linked, functions, settings: settings.settings.into() };
        let ticking = ticker.busy();
        let first = Instance::prepare(&plugin, lane)
            .map_err(|why| unloadable(false, format!("it does not start: {}", told(why))))?;
        drop(ticking);
        Ok((Loaded { plugin, ticker }, first, Say::Loaded { exports }))
    }
}

fn unloadable(incompatible: bool, reason: String) -> Say {
    Say::Unloadable { incompatible, reasons: vec![reason] }
}

/// The text of a fault.
fn told(error: wasmtime::Error) -> String {
    match fault::say(error) {
        Ok(Say::Fault(_, text)) => text,
        _ => "a lane ended".into(),
    }
}

fn component(engine: &Engine, image: OwnedFd) -> Result<Component, Say> {
    let bytes = read(image).map_err(|why| unloadable(false, format!("its image cannot be read: {why}")))?;
    // SAFETY: what is loaded must have come from `Engine::precompile_component` unchanged. These bytes came from
    // `regent-compiler` through the daemon, which keeps them where nobody else writes, with their digest, and compares
    // that as it copies them into the sealed image. Were they someone else's all the same, they would run with the
    // rights of this process: none but the lanes of the plugin whose image it is.
    #[expect(unsafe_code, reason = "compiled code cannot be verified, only be trusted or not be run")]
    let loaded = unsafe { Component::deserialize(engine, &bytes) };
    loaded.map_err(|why| unloadable(true, format!("its compiled code is of another engine, or damaged: {why:#}")))
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
    fn of(linked: &InstancePre<State>) -> Result<(Self, Vec<Export>), Say> {
        let operation = exported::operation::GuestIndices::new(linked).map_err(|_| {
            unloadable(
                false,
                "it exports no regent:plugin/operation of version 0.1: build it against Regent's `wit` folder".into(),
            )
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
