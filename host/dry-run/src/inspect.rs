//! `regentd --inspect`: what a module is, without trying anything with it but to describe itself.

use regent_grants::Engine;
use serde::Serialize;

use super::report::{Described, Operation, Problem, Want, exports};
use super::{Inspect, Means, place};
use crate::plugin::alone;
use crate::plugin::module::{self, Sealed};

/// What was found.
#[derive(Debug, Default, Serialize)]
pub(super) struct Found {
    file: String,
    sha256: String,
    size: u64,
    imports: Vec<Import>,
    exports: Vec<&'static str>,
    operations: Vec<Operation>,
    wants: Vec<Want>,
    /// Why no daemon would serve it; empty: one would.
    reasons: Vec<String>,
}

/// An import, and what it is to a plugin.
#[derive(Debug, Serialize)]
struct Import {
    name: String,
    class: String,
}

/// The module, and what its file tells; or why it was not read.
pub(super) type Read = (Found, Result<Sealed, String>);

/// Reads the module, of which nothing is looked at yet.
pub(super) fn read(asked: &Inspect) -> Read {
    let mut found = Found { file: asked.what.display().to_string(), ..Found::default() };
    let read = place::find_by_name(&asked.what, &asked.config).and_then(|path| {
        found.file = path.display().to_string();
        module::read_untrusted(&path)
    });
    (found, read)
}

/// One JSON object, and how to end.
pub(super) async fn inspect((mut found, module): Read, means: &Means) -> (String, u8) {
    let looked = match module {
        Ok(module) => look(&module, means, &mut found).await,
        Err(why) => Err(vec![why]),
    };
    if let Err(reasons) = looked {
        found.reasons = reasons;
    }
    let status = if found.reasons.is_empty() { 0 } else { Problem::of_module(found.reasons.clone()).status };
    (serde_json::to_string(&found).unwrap_or_default(), status)
}

async fn look(module: &Sealed, means: &Means, found: &mut Found) -> Result<(), Vec<String>> {
    (found.sha256, found.size) = (hex::encode(module.digest()), module.size());
    let imports = means.programs.imports(means.uid, module).await?;
    found.imports = imports.into_iter().map(|(class, name)| Import { name, class }).collect();
    let alone = alone::load(&means.programs, "inspected", means.uid, Engine::default(), module, "{}").await?;
    found.exports = exports(&alone.exports);
    let described: Described = serde_json::from_str(&alone.described)
        .map_err(|why| vec![format!("what it says of itself cannot be read: {why}")])?;
    (found.operations, found.wants) = (described.operations, described.wants);
    Ok(())
}
