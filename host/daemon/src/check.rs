//! `regentd --check`: everything that is wrong, and what is valid and dangerous, without serving anything.

use std::rc::Rc;

use regent_grants::Grants;

use crate::catalog::{Catalog, Entry, Status};
use crate::installed::bring::unaccepted;
use crate::installed::seen::{self, File};
use crate::policy::{Findings, Policy};

/// Looks at the grants of this policy as a start would.
pub fn check(policy: &Policy, findings: &mut Findings) {
    let seen = seen::look(&policy.config);
    findings.mistakes.extend(seen.mistakes);
    findings.warnings.extend(seen.warnings);
    let read: Vec<_> = seen.files.into_values().map(|file| granted(file, policy, findings)).collect();
    // A file that could not be read may name anybody.
    if let Some(all) =
        read.iter().map(|read| read.as_ref().map(|(_, grants)| grants.clone())).collect::<Option<Vec<Grants>>>()
    {
        findings.warnings.extend(policy.config.unused(&all).iter().map(ToString::to_string));
    }
    findings.mistakes.extend(Catalog::of(read.into_iter().flatten().map(|(entry, _)| entry)).mistakes());
}

fn granted(mut file: File, policy: &Policy, findings: &mut Findings) -> Option<(Rc<Entry>, Grants)> {
    if let Some(found) = file.grants().map(regent_resolve::judge) {
        file.judged(found);
    }
    findings.warnings.extend(file.warnings.iter().cloned());
    let written = file.written().map_err(|mistakes| findings.mistakes.extend(mistakes)).ok()?;
    findings.mistakes.extend(seen::unresolved(&written.grants, &written.allowed));
    let file = &written.grants.file;
    match &written.module {
        // A daemon that runs serves on with the module before it.
        Some(module) => findings.warnings.extend(unaccepted(&written.grants, module)),
        None => {
            let (module, folders) = (&written.grants.module, crate::installed::list(&policy.config.plugins));
            findings.warnings.push(format!(
                "{file}: there is no {module}.wasm in {folders}: put it there, write module = \"NAME\" at the top of the \
                 file, or give each operation a run"
            ));
        }
    }
    let grants = written.grants.clone();
    Some((Entry::new(Rc::new(written.grants), written.allowed, true, Status::Unserved(None)), grants))
}
