//! `regent-dry-run inspect`: what a module is, without trying anything with it but to describe itself.

use regent_grants::Engine;
use regent_lane::ModuleError;
use regent_protocol::{ImportView, ModuleView};
use regentd::plugin::alone;
use regentd::plugin::load_error::LoadErrors;
use regentd::plugin::module::{self, Sealed};
use regentd::plugin::programs::Launch;

use crate::arguments::Inspect;
use crate::means::Means;
use crate::place;
use crate::report::{Described, Problem, exports};

/// The module, and what its file tells; or why it was not read.
pub(crate) type ReadModule = (ModuleView, Result<Sealed, ModuleError>);

/// Reads the module, of which nothing is looked at yet.
pub(crate) fn read(asked: &Inspect) -> ReadModule {
    let mut found = ModuleView { file: asked.what.display().to_string(), ..ModuleView::default() };
    let path = place::find_by_name(&asked.what, &asked.config).map_err(|why| why.to_string().into());
    let read = path.and_then(|path| {
        found.file = path.display().to_string();
        module::read_untrusted(&path)
    });
    (found, read)
}

/// One JSON object, and how to end.
pub(crate) async fn inspect((mut found, module): ReadModule, means: &Means) -> (String, u8) {
    let looked = match module {
        Ok(module) => look(&module, means, &mut found).await,
        Err(why) => Err(why.into()),
    };
    let status = looked.map_err(Problem::of_module).map_or_else(
        |problem| {
            found.reasons = problem.why;
            problem.status
        },
        |()| 0,
    );
    (serde_json::to_string(&found).unwrap_or_default(), status)
}

async fn look(module: &Sealed, means: &Means, found: &mut ModuleView) -> Result<(), LoadErrors> {
    (found.sha256, found.size) = (hex::encode(module.digest()), module.size());
    let imports = means.programs.imports(means.uid, module).await?;
    found.imports = imports.into_iter().map(|(class, name)| ImportView { name, class }).collect();
    let launch = Launch { name: "inspected", uid: means.uid, engine: Engine::default(), settings: "{}" };
    let alone = alone::load(&means.programs, launch, module).await?;
    found.exports = exports(&alone.exports);
    let described: Described = serde_json::from_str(&alone.described)
        .map_err(|why| format!("what it says of itself cannot be read: {why}"))?;
    (found.operations, found.wants) = (described.operations, described.wants);
    Ok(())
}
