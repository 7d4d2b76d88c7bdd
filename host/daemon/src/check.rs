//! `regentd --check`: everything that is wrong, and what is valid and dangerous, without serving anything.

use std::rc::Rc;

use regent_grants::Grants;

use crate::catalog::{Catalog, Entry, Status};
use crate::installed::seen::{self, File};
use crate::policy::{Findings, Policy};

/// Looks at the grants of this policy as a start would.
pub fn check(policy: &Policy, findings: &mut Findings) {
    let seen = seen::look(&policy.config);
    findings.mistakes.extend(seen.mistakes);
    findings.warnings.extend(seen.warnings);
    let read: Vec<_> = seen.files.into_iter().map(|(name, file)| granted(&name, file, findings)).collect();
    // A file that could not be read may name anybody.
    if let Some(all) =
        read.iter().map(|read| read.as_ref().map(|(_, grants)| grants.clone())).collect::<Option<Vec<Grants>>>()
    {
        findings.warnings.extend(policy.config.unused(&all).iter().map(ToString::to_string));
    }
    findings.mistakes.extend(Catalog::of(read.into_iter().flatten().map(|(entry, _)| entry)).mistakes());
}

fn granted(name: &str, file: File, findings: &mut Findings) -> Option<(Rc<Entry>, Grants)> {
    findings.warnings.extend(file.warnings);
    let written = file.written.map_err(|mistakes| findings.mistakes.extend(mistakes)).ok()?;
    let unresolved =
        written.allowed.iter().filter_map(|(operation, allowed)| Some((operation, allowed.as_ref().err()?)));
    let said = |(operation, why)| format!("{name}: operation {operation}: allow: {why}, so it is not served");
    findings.mistakes.extend(unresolved.map(said));
    if written.module.is_none() {
        let module = &written.grants.module;
        findings.warnings.push(format!("{name}: there is no {module}.wasm in the folders of plugins: put it there"));
    }
    let grants = written.grants.clone();
    Some((Entry::new(Rc::new(written.grants), written.allowed, true, Status::Unserved(None)), grants))
}
