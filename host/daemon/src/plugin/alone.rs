//! A plugin by itself, for a trial: no pin was judged, no cache is asked, nothing of it is kept. Its sandbox is like any other's.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use regent_grants::Engine;
use regent_lane::Export;
use tokio::time::Instant;

use super::Plugin;
use super::care::Keeping;
use super::codes::Code;
use super::description::Description;
use super::load_error::LoadErrors;
use super::module::Sealed;
use super::places::LanePermits;
use super::programs::Programs;

/// A plugin that can be asked, and what was learnt on the way.
#[derive(Debug)]
pub struct Alone {
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
) -> Result<Alone, LoadErrors> {
    let begin = Instant::now();
    let code = programs.compile(name, uid, engine, module).await?;
    let compile = begin.elapsed();
    let begin = Instant::now();
    let (sandbox, exports) = programs.sandbox(name, uid, engine, &code, settings).await?;
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
        places: LanePermits::new(),
        sandbox: RefCell::new(sandbox),
        // Whoever tries it wants to see what that one process came to.
        keeping: Keeping::new(name, None),
    };
    let described = plugin.describe().await?;
    let description = Description::read(&described, &exports)?;
    let plugin = Rc::new(Plugin { description, ..plugin });
    plugin.keep();
    Ok(Alone { plugin, described, exports, compile, load })
}
