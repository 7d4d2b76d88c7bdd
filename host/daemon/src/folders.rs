//! Grants files as they stand in their folders: each by itself, whole or not at all.

use std::path::Path;

use regent_grants::{Grants, Unpinned};

use crate::plan;
use crate::policy::{Findings, Policy};
use crate::start::grants_folders;
use crate::trusted_file::{self, Program, Trusted, Untrusted};

/// Reads every grants file; what is wrong with one is said and keeps only that one out.
pub fn read_all(policy: &Policy, findings: &mut Findings) -> Vec<Grants> {
    let mut all: Vec<Grants> = Vec::new();
    let mistakes = findings.mistakes.len();
    for folder in grants_folders(policy) {
        let names = match trusted_file::names(&folder, ".toml") {
            Ok(names) => names,
            Err(why) => {
                findings.mistakes.push(why.to_string());
                continue;
            }
        };
        for name in names {
            if all.iter().any(|grants| grants.name == name) {
                findings.warnings.push(format!("{}/{name}.toml: an earlier folder has it; not read", folder.display()));
            } else if let Some(grants) = read(policy, &folder, &name, findings) {
                all.push(grants);
            }
        }
    }
    // A file that could not be read may name anybody.
    if findings.mistakes.len() == mistakes {
        findings.warnings.extend(policy.config.unused(&all).iter().map(ToString::to_string));
    }
    all
}

fn read(policy: &Policy, folder: &Path, name: &str, findings: &mut Findings) -> Option<Grants> {
    let path = folder.join(format!("{name}.toml"));
    let text = match Trusted::open(&path).and_then(Trusted::text) {
        Ok(text) => text,
        Err(why) => {
            findings.mistakes.push(why.to_string());
            return None;
        }
    };
    match Grants::parse(name, &path.display().to_string(), &text, &policy.config) {
        Ok(checked) => {
            findings.warnings.extend(checked.warnings.iter().map(ToString::to_string));
            let before = findings.mistakes.len();
            match checked.value.unpinned() {
                Some(Unpinned::Warning(warning)) => findings.warnings.push(warning.to_string()),
                Some(Unpinned::Mistake(mistake)) => findings.mistakes.push(mistake.to_string()),
                None => {}
            }
            on_this_machine(&checked.value, &path, findings);
            (findings.mistakes.len() == before).then_some(checked.value)
        }
        Err(mistakes) => {
            findings.mistakes.extend(mistakes.iter().map(ToString::to_string));
            None
        }
    }
}

/// Users and programs: a program that is missing may come, one that others can change is a mistake.
fn on_this_machine(grants: &Grants, path: &Path, findings: &mut Findings) {
    for command in grants.commands.values() {
        let at = format!("{}:{}", path.display(), command.line);
        let own = rustix::process::geteuid();
        match plan::identity(command) {
            Err(why) => findings.mistakes.push(format!("{at}: {why}")),
            Ok(identity) if !own.is_root() && identity.uid != own.as_raw() => {
                let (name, user) = (&command.name, &identity.name);
                findings
                    .mistakes
                    .push(format!("{at}: command {name}: run_as {user}: only a daemon started as root can"));
            }
            Ok(_) => {}
        }
        match Program::open(&command.program) {
            Ok(_) => {}
            Err(why @ Untrusted::Missing(_)) => {
                findings.warnings.push(format!("{at}: command {}: {why}: it will fail", command.name));
            }
            Err(why) => findings.mistakes.push(format!("{at}: command {}: {why}", command.name)),
        }
    }
}
