//! A plugin by itself, for a trial: no pin was judged, no cache is asked, nothing of it is kept. Its sandbox is like
//! any other's.

use std::rc::Rc;
use std::time::Duration;

use regent_lane::Export;
use tokio::time::Instant;

use super::Plugin;
use super::codes::Code;
use super::description::Description;
use super::load::Loaded;
use super::load_error::LoadErrors;
use super::module::Sealed;
use super::programs::{Launch, Programs};

#[derive(Debug)]
pub struct Alone {
    pub plugin: Rc<Plugin>,
    /// All that it says of itself, as it said it.
    pub described: String,
    pub exports: Vec<Export>,
    pub compile: Duration,
    /// How long its sandbox took to start and load.
    pub load: Duration,
}

pub async fn load(programs: &Rc<Programs>, launch: Launch<'_>, module: &Sealed) -> Result<Alone, LoadErrors> {
    let begin = Instant::now();
    let code = programs.compile(launch, module).await?;
    let compile = begin.elapsed();
    let begin = Instant::now();
    let loaded = Loaded::of(programs, launch, Rc::new(Code::fresh(code))).await?;
    let load = begin.elapsed();
    let described = loaded.describe().await?;
    let exports = loaded.exports.clone();
    let description = Description::read(&described, &exports)?;
    // Whoever tries it wants to see what that one process came to.
    let plugin = loaded.serve(programs, launch, module.digest(), description, None);
    Ok(Alone { plugin, described, exports, compile, load })
}
