//! A plugin by itself, for a trial: no pin was judged, no cache is asked, nothing of it is kept. Its sandbox is like any other's.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use regent_grants::Engine;
use regent_lane::{Ask, Export, Say};
use tokio::time::Instant;

use super::codes::Code;
use super::description::Description;
use super::exchange::Nothing;
use super::keeping::Keeping;
use super::module::Sealed;
use super::places::Places;
use super::programs::Programs;
use super::sandbox::Exchange;
use super::{Fault, Plugin};

/// A plugin that can be asked, and what was learnt on the way.
#[derive(Debug)]
pub struct Alone {
    /// Ready to be asked.
    pub plugin: Rc<Plugin>,
    /// All that it says of itself, as it said it.
    pub described: String,
    /// The optional interfaces that it exports.
    pub exports: Vec<Export>,
    /// How long its module took to compile.
    pub compile: Duration,
    /// How long its sandbox took to start and load.
    pub load: Duration,
}

/// Compiles, starts and describes a plugin under this name.
///
/// # Errors
/// Every reason why no daemon would serve it.
pub async fn load(
    programs: &Rc<Programs>,
    name: &str,
    uid: Option<u32>,
    engine: Engine,
    module: &Sealed,
    settings: &str,
) -> Result<Alone, Vec<String>> {
    let begin = Instant::now();
    let code = programs.compile(name, uid, engine, module).await?;
    let compile = begin.elapsed();
    let begin = Instant::now();
    let (sandbox, exports) =
        programs.sandbox(name, uid, engine, &code, settings).await.map_err(super::programs::Unloadable::reasons)?;
    let load = begin.elapsed();
    let plugin = Plugin {
        name: name.to_owned(),
        digest: module.digest(),
        description: Description::default(),
        settings: settings.to_owned(),
        engine,
        code: Rc::new(Code::fresh(code)),
        uid,
        programs: Rc::clone(programs),
        places: Places::new(),
        sandbox: RefCell::new(sandbox),
        // Whoever tries it wants to see what that one process came to.
        keeping: Keeping::new(name, None),
    };
    let described = describe(&plugin).await.map_err(|fault| vec![format!("describe: {fault}")])?;
    let description = Description::read(&described, &exports)?;
    let plugin = Rc::new(Plugin { description, ..plugin });
    plugin.keep();
    Ok(Alone { plugin, described, exports, compile, load })
}

async fn describe(plugin: &Plugin) -> Result<String, Fault> {
    let place = plugin.places.take((0, 0), Instant::now()).await.map_err(|_| Fault::Ended("no lane".into()))?;
    let exchange = Exchange::begin(&plugin.sandbox(), place);
    let mut exchange = exchange.map_err(|_| Fault::Ended("its sandbox ended".into()))?;
    let none: Option<&mut Nothing> = None;
    match plugin.converse(&mut exchange, &Ask::Describe, none).await? {
        Say::Described(text) => {
            exchange.end(None);
            Ok(text)
        }
        Say::Fault(blame, text) => {
            let fault = Fault::Guest(blame, text);
            exchange.end(Some(&fault));
            Err(fault)
        }
        _ => Err(exchange.condemn("it answered what was not asked")),
    }
}
