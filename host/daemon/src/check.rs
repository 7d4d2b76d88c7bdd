//! `regentd --check`: everything that is wrong, and what is valid and dangerous, without serving anything.

use std::rc::Rc;

use crate::catalog::{Catalog, Entry, Status};
use crate::installed::seen;
use crate::policy::{Findings, Policy};

/// Looks at the grants of this policy as a start would.
pub fn check(policy: &Policy, findings: &mut Findings) {
    let seen = seen::look(&policy.config);
    findings.mistakes.extend(seen.mistakes);
    findings.warnings.extend(seen.warnings);
    let mut entries = Vec::new();
    for (name, file) in seen.files {
        findings.warnings.extend(file.warnings);
        match file.written {
            Ok(written) => {
                let unresolved = written
                    .allowed
                    .iter()
                    .filter_map(|(operation, allowed)| Some((operation, allowed.as_ref().err()?)));
                let said =
                    |(operation, why)| format!("{name}: operation {operation}: allow: {why}, so it is not served");
                findings.mistakes.extend(unresolved.map(said));
                if written.module.is_none() {
                    let module = &written.grants.module;
                    findings
                        .warnings
                        .push(format!("{name}: there is no {module}.wasm in the folders of plugins: put it there"));
                }
                entries.push(Entry::new(Rc::new(written.grants), written.allowed, Status::Unserved(None)));
            }
            Err(mistakes) => findings.mistakes.extend(mistakes),
        }
    }
    findings.mistakes.extend(Catalog::of(entries.into_iter()).mistakes());
}
