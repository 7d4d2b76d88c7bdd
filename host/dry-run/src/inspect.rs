//! `regent-dry-run inspect`: what a module is, without trying anything with it but to describe itself.

use std::fmt::{self, Display};

use regent_grants::Engine;
use regent_protocol::{ImportView, ModuleView};
use regentd::plugin::alone;
use regentd::plugin::module::{self, Sealed};

use crate::arguments::Inspect;
use crate::means::Means;
use crate::place::{self, PlaceError};
use crate::report::{Described, Problem, exports};

/// Why the module was not read.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// There is none.
    Place(PlaceError),
    /// Its file cannot be read.
    Module(String),
}

impl Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Place(why) => write!(f, "{why}"),
            Self::Module(why) => f.write_str(why),
        }
    }
}

/// The module, and what its file tells; or why it was not read.
pub(crate) type ReadModule = (ModuleView, Result<Sealed, ReadError>);

/// Reads the module, of which nothing is looked at yet.
pub(crate) fn read(asked: &Inspect) -> ReadModule {
    let mut found = ModuleView { file: asked.what.display().to_string(), ..ModuleView::default() };
    let path = place::find_by_name(&asked.what, &asked.config).map_err(ReadError::Place);
    let read = path.and_then(|path| {
        found.file = path.display().to_string();
        module::read_untrusted(&path).map_err(ReadError::Module)
    });
    (found, read)
}

/// One JSON object, and how to end.
pub(crate) async fn inspect((mut found, module): ReadModule, means: &Means) -> (String, u8) {
    let looked = match module {
        Ok(module) => look(&module, means, &mut found).await,
        Err(why) => Err(vec![why.to_string()]),
    };
    if let Err(reasons) = looked {
        found.reasons = reasons;
    }
    let status = if found.reasons.is_empty() { 0 } else { Problem::of_module(found.reasons.clone()).status };
    (serde_json::to_string(&found).unwrap_or_default(), status)
}

async fn look(module: &Sealed, means: &Means, found: &mut ModuleView) -> Result<(), Vec<String>> {
    (found.sha256, found.size) = (hex::encode(module.digest()), module.size());
    let imports = means.programs.imports(means.uid, module).await?;
    found.imports = imports.into_iter().map(|(class, name)| ImportView { name, class }).collect();
    let alone = alone::load(&means.programs, "inspected", means.uid, Engine::default(), module, "{}").await?;
    found.exports = exports(&alone.exports);
    let described: Described = serde_json::from_str(&alone.described)
        .map_err(|why| vec![format!("what it says of itself cannot be read: {why}")])?;
    (found.operations, found.wants) = (described.operations, described.wants);
    Ok(())
}
