//! A grants file, judged by what is on this machine.

use std::fmt;
use std::path::Path;

use regent_files::{NotBelow, Program, Untrusted, below};
use regent_grants::{Command, Grants, Via};

use crate::step::{SYSTEMD_RUN, identity};

/// What is wrong, and what is served all the same but should be looked at: one line each.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Findings {
    /// The file is not served with one of these.
    pub mistakes: Vec<String>,
    /// Said loudly.
    pub warnings: Vec<String>,
}

impl Findings {
    /// What there is, or else a mistake more.
    pub fn keep<T>(&mut self, result: Result<T, impl fmt::Display>) -> Option<T> {
        result.map_err(|error| self.mistakes.push(error.to_string())).ok()
    }
}

/// Users, programs and folders of its commands. A program or folder that is missing may come; one that others can
/// change is a mistake.
#[must_use]
pub fn judge(grants: &Grants) -> Findings {
    let mut findings = Findings::default();
    for command in grants.commands.values() {
        let at = format!("{}:{}", grants.file, command.line);
        user(command, &at, &mut findings);
        program(command, &at, &mut findings);
        folders(command, &at, &mut findings);
        via(command, &at, &mut findings);
    }
    findings
}

fn user(command: &Command, at: &str, findings: &mut Findings) {
    let own = rustix::process::geteuid();
    match identity(command) {
        Err(why) => findings.mistakes.push(format!("{at}: {why}")),
        Ok(identity) if !own.is_root() && identity.uid != own.as_raw() => {
            let (name, user) = (&command.name, &identity.name);
            let why = format!("{at}: command {name}: run_as {user}: only a daemon started as root can");
            findings.mistakes.push(why);
        }
        Ok(_) => {}
    }
}

fn program(command: &Command, at: &str, findings: &mut Findings) {
    let said = |why: Untrusted| format!("{at}: command {}: {why}", command.name);
    match Program::open(&command.program) {
        Ok(_) => {}
        Err(why @ Untrusted::Missing(_)) => findings.warnings.push(format!("{}: it will fail", said(why))),
        Err(why) => findings.mistakes.push(said(why)),
    }
}

/// Only root's systemd starts as anybody; and there has to be one.
fn via(command: &Command, at: &str, findings: &mut Findings) {
    let Some(via) = command.via.map(Via::word) else { return };
    let said = |why: &dyn std::fmt::Display| format!("{at}: command {}: via = {via:?}: {why}", command.name);
    if !rustix::process::geteuid().is_root() {
        findings.mistakes.push(said(&"only a daemon started as root can: take it out"));
    }
    match Program::open(Path::new(SYSTEMD_RUN)) {
        Ok(_) => {}
        Err(why @ Untrusted::Missing(_)) => {
            findings.warnings.push(format!("{}: it will fail: install systemd, or take it out", said(&why)));
        }
        Err(why) => findings.mistakes.push(said(&why)),
    }
}

/// The folders that paths are to lie below, judged as at a request.
fn folders(command: &Command, at: &str, findings: &mut Findings) {
    for (slot, folder) in command.folders() {
        let said = |why: Untrusted| format!("{at}: command {}: {slot}: below: {why}", command.name);
        match below(folder, Path::new("")) {
            Err(NotBelow::Folder(why @ Untrusted::Missing(_))) => {
                findings.warnings.push(format!("{}: it will fail", said(why)));
            }
            Err(NotBelow::Folder(why)) => findings.mistakes.push(said(why)),
            // Of the folder itself nothing is wrong; that no path is given is.
            Err(NotBelow::Path(_)) | Ok(()) => {}
        }
    }
}
