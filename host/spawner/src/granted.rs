//! What a granted command is started with: all of it the administrator's, but for the values in its slots.

use std::fmt;
use std::os::fd::OwnedFd;
use std::path::Path;

use regent_files::{Program, Untrusted};
use regent_grants::Command;
use regent_resolve::{PlannedStep, SYSTEMD_RUN, users};

use crate::{Confinement, Descent, Identity, Start, transient};

/// What a command always has, whatever its grant adds.
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";
const LANG: &str = "C.UTF-8";

/// Why a granted command cannot be started, for the administrator.
#[derive(Debug)]
pub enum CommandError {
    /// Its program is not there, or not to be trusted.
    Program(Untrusted),
    /// Its program's path is not UTF-8.
    PathEncoding,
    /// `systemd-run` is not there, or not to be trusted.
    SystemdRun(Untrusted),
    /// Its user has no home that is known.
    User(String),
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Program(error) => error.fmt(f),
            Self::PathEncoding => f.write_str("its path is not UTF-8"),
            Self::SystemdRun(error) => write!(f, "via = \"systemd\": {error}"),
            Self::User(error) => f.write_str(error),
        }
    }
}

impl std::error::Error for CommandError {}

/// The handle to start it by, and how it is to be born: in a cgroup of its own, or else below a reaper.
///
/// # Errors
/// For the administrator: the program is not there or not to be trusted, or its user has no home that is known.
pub fn born(
    token: u64,
    command: &Command,
    step: &PlannedStep,
    grouped: bool,
) -> Result<(OwnedFd, Start), CommandError> {
    let program = Program::open(Path::new(step.argv.first().map_or("", String::as_str)));
    let (handle, path) = program.map_err(CommandError::Program)?.into_parts();
    // A script is executed by its path, letter by letter: another spelling would be another file, which nobody judged.
    let path = path.into_os_string().into_string().map_err(|_| CommandError::PathEncoding)?;
    let identity = Identity { uid: step.uid, gid: step.gid, groups: step.groups.clone() };
    let env = environment(command, step)?;
    if command.via.is_some() {
        let argv = transient::argv(token, command, step, &env);
        return asked_for(token, argv, grouped);
    }
    let start = Start {
        token,
        path,
        argv: step.argv.clone(),
        env,
        cwd: command.cwd.as_ref().map_or_else(|| "/".into(), |cwd| cwd.display().to_string()),
        umask: command.umask,
        // Another user only root can be, and then all of it is set anew.
        identity: rustix::process::geteuid().is_root().then_some(identity),
        capabilities: command.capabilities.map(|capabilities| capabilities.0),
        may_gain: command.setuid,
        confinement: Confinement::None,
        limits: Vec::new(),
        extra: 0,
        descent: match (command.leave_children, grouped) {
            (true, _) => Descent::Leave { after: command.ok.clone() },
            (false, true) => Descent::Cgroup,
            (false, false) => Descent::Sweep,
        },
    };
    Ok((handle, start))
}

/// `systemd-run` with these arguments, as root: it asks, and waits.
fn asked_for(token: u64, argv: Vec<String>, grouped: bool) -> Result<(OwnedFd, Start), CommandError> {
    let program = Program::open(Path::new(SYSTEMD_RUN)).map_err(CommandError::SystemdRun)?;
    let start = Start {
        token,
        path: SYSTEMD_RUN.to_owned(),
        argv,
        env: vec![format!("PATH={PATH}"), format!("LANG={LANG}")],
        cwd: "/".to_owned(),
        umask: 0o077,
        identity: Some(Identity { uid: 0, gid: 0, groups: Vec::new() }),
        capabilities: None,
        may_gain: false,
        confinement: Confinement::None,
        limits: Vec::new(),
        extra: 0,
        descent: if grouped { Descent::Cgroup } else { Descent::Sweep },
    };
    Ok((program.into_parts().0, start))
}

/// `NAME=VALUE`: the grant's own, and what it does not set.
fn environment(command: &Command, step: &PlannedStep) -> Result<Vec<String>, CommandError> {
    let home = match &command.run_as {
        Some(user) => users::user(user),
        None => users::own(),
    };
    let home = home.map_err(|error| CommandError::User(error.to_string()))?.home;
    let base = [("PATH", PATH), ("LANG", LANG), ("HOME", &home), ("USER", &step.run_as)];
    let base = base.iter().filter(|(name, _)| !command.env.contains_key(*name));
    let base = base.map(|(name, value)| format!("{name}={value}"));
    Ok(base.chain(command.env.iter().map(|(name, value)| format!("{name}={value}"))).collect())
}
