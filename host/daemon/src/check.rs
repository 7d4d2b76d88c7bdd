//! `regentd --check`: everything that is wrong, and what is valid and dangerous, without serving anything. First by
//! whoever asks, who sees what there is; then, if that is root, by the user that the daemon would be, who may not see
//! all of it.

use std::rc::Rc;

use regent_grants::{Command, Grants, Visible};

use crate::catalog::{Catalog, Entry, Status};
use crate::installed::bring::unaccepted;
use crate::installed::seen::{self, GrantsFile};
use crate::policy::{Findings, Policy};
use crate::privileges;
use crate::trusted_file::Trusted;

/// Looks at the grants of this policy as a start would. What it does last gives root's rights away for good.
pub fn check(policy: &Policy, findings: &mut Findings) {
    let seen = seen::look(&policy.config);
    findings.mistakes.extend(seen.folders.mistakes);
    findings.warnings.extend(seen.folders.warnings);
    let read: Vec<_> = seen.files.into_values().map(|file| granted(file, policy, findings)).collect();
    // A file that could not be read may name anybody.
    if let Some(all) =
        read.iter().map(|read| read.as_ref().map(|(_, grants)| grants.clone())).collect::<Option<Vec<Grants>>>()
    {
        findings.warnings.extend(policy.config.unused(&all).iter().map(ToString::to_string));
    }
    findings.mistakes.extend(Catalog::of(read.into_iter().flatten().map(|(entry, _)| entry)).mistakes());
    for folder in &policy.config.plugins {
        findings.warnings.extend(regent_files::folder(folder).err().map(|why| why.to_string()));
    }
    if rustix::process::geteuid().is_root()
        && let Ok(Some(user)) = regent_resolve::daemon_user(&policy.config)
    {
        as_its_user(policy, &user, findings);
    }
}

fn granted(mut file: GrantsFile, policy: &Policy, findings: &mut Findings) -> Option<(Rc<Entry>, Grants)> {
    if let Some(found) = file.grants().map(regent_resolve::judge) {
        file.judged(found);
    }
    findings.warnings.extend(file.warnings.iter().cloned());
    let written = file.written().map_err(|mistakes| findings.mistakes.extend(mistakes)).ok()?;
    findings.mistakes.extend(seen::unresolved(&written.grants, &written.allowed));
    findings.warnings.extend(allowing_nobody(&written.grants, policy));
    findings.warnings.extend(as_the_daemon(&written.grants, policy));
    let file = &written.grants.file;
    match &written.module {
        // A daemon that runs serves on with the module before it.
        Some(module) => findings.warnings.extend(unaccepted(&written.grants, module).map(|why| why.to_string())),
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

/// What the daemon could not read: it is no longer root when it reads grants and modules.
fn as_its_user(policy: &Policy, user: &regent_resolve::Ids, findings: &mut Findings) {
    if let Err(why) = privileges::become_user(user) {
        return findings.mistakes.push(format!("daemon_user: {why}"));
    }
    let seen = seen::look(&policy.config);
    let mut mistakes = seen.folders.mistakes;
    for file in seen.files.into_values() {
        let module = file.module().and_then(|module| Trusted::open_itself(module).err());
        mistakes.extend(module.map(|why| why.with_cure()));
        mistakes.extend(file.written().err().into_iter().flatten());
    }
    mistakes.retain(|mistake| !findings.mistakes.contains(mistake));
    findings.mistakes.extend(mistakes);
}

/// Commands that run as whom the daemon becomes: what is written for it is written for them.
fn as_the_daemon(grants: &Grants, policy: &Policy) -> Vec<String> {
    let Ok(Some((daemon, ..))) = regent_resolve::daemon_user(&policy.config) else { return Vec::new() };
    let runs_as_it = |command: &&Command| {
        command.run_as.is_some() && regent_resolve::identity(command).is_ok_and(|user| user.uid == daemon)
    };
    let said = |command: &Command| {
        format!(
            "{}: command {}: run_as: uid {daemon} is the daemon's own user (daemon_user), so what runs can change its holds and \
             its audit log: name another",
            grants.file, command.name
        )
    };
    grants.commands.values().filter(runs_as_it).map(said).collect()
}

/// Operations that a socket shows by name, and that nobody can ask for there: its peers' uids mean nothing.
fn allowing_nobody(grants: &Grants, policy: &Policy) -> Vec<String> {
    let mut said = Vec::new();
    for socket in policy.sockets.iter().filter(|socket| !socket.trust_peer_uid) {
        let Visible::Only(shown) = &socket.operations else { continue };
        for operation in grants.operations.iter().filter(|operation| shown.contains(&operation.called)) {
            let Some(line) = operation.allow_line else { continue };
            let (file, at, name) = (policy.path.display(), socket.operations_line, &operation.called);
            said.push(format!(
                "{file}:{at}: socket {} shows {name}, whose allow ({}:{line}) matches nobody where trust_peer_uid = false: \
                 take {name} out of operations, or grant it under another name in a file of its own, without allow",
                socket.name, grants.file
            ));
        }
    }
    said
}
