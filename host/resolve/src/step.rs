//! A granted command with values in its slots, and what that comes to on this machine. Two steps that are equal run the
//! same.

use std::fmt;
use std::path::{Path, PathBuf};

use regent_files::{NotBelow, Program, Untrusted, below};
use regent_grants::{Below, Command, RenderError};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::users::{self, AccountError, Identity};

/// By whom systemd is asked to start a command of `via = "systemd"`.
pub const SYSTEMD_RUN: &str = "/usr/bin/systemd-run";

/// One step of a plan as it is shown: the grant's name and the values, and what they came to on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedStep {
    /// The granted command.
    pub command: String,
    /// Slots and values, as they were parsed and written again; a slot that is a list stands once for each of its
    /// values.
    pub values: Vec<(String, String)>,
    /// The argument list.
    pub argv: Vec<String>,
    /// The program with every link resolved; `None` when it was not there.
    pub program: Option<String>,
    /// Whom it runs as, by name.
    pub run_as: String,
    /// The user and groups that the name stood for.
    pub uid: u32,
    /// Its primary group.
    pub gid: u32,
    /// Its further groups.
    pub groups: Vec<u32>,
    /// Milliseconds that it may take.
    pub timeout_ms: u64,
    /// The request's data stands on its standard input.
    #[serde(default, skip_serializing_if = "is_not")]
    pub stdin_data: bool,
    /// It ends this host.
    #[serde(default, skip_serializing_if = "is_not")]
    pub ends_host: bool,
    /// Who starts it, if not the spawner itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
fn is_not(so: &bool) -> bool {
    !so
}

impl PlannedStep {
    /// SHA-256 of all of it, by which whoever runs it knows that it is what was planned.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        // Strings and numbers can always be written down.
        Sha256::digest(serde_json::to_vec(self).unwrap_or_default()).into()
    }
}

/// Why values and a grant are no step.
#[derive(Debug)]
pub enum Unresolved {
    /// The values do not fill the command's slots.
    Values(RenderError),
    /// A path that was named could be led elsewhere by others than root.
    Path {
        /// The slot.
        slot: String,
        /// What it accepts, and what is wrong with this one.
        rule: String,
    },
    /// This machine is not as the grant needs it.
    Host(String),
}

/// What a granted command with these values comes to.
///
/// # Errors
/// [`Unresolved`].
pub fn resolve(command: &Command, values: &[(String, String)]) -> Result<PlannedStep, Unresolved> {
    let name = &command.name;
    let rendered = command.render(values).map_err(Unresolved::Values)?;
    for path in rendered.paths() {
        fit(name, path)?;
    }
    let identity = identity(command).map_err(|error| Unresolved::Host(error.to_string()))?;
    let program = program(&command.program).map_err(|why| Unresolved::Host(format!("command {name}: {why}")))?;
    Ok(PlannedStep {
        command: name.clone(),
        values: rendered.values().to_vec(),
        argv: rendered.argv().to_vec(),
        program: program.map(|path| path.display().to_string()),
        run_as: identity.name,
        uid: identity.uid,
        gid: identity.gid,
        groups: identity.groups,
        timeout_ms: u64::try_from(command.timeout.as_millis()).unwrap_or(u64::MAX),
        stdin_data: command.stdin_data,
        ends_host: command.ends_host,
        via: command.via.map(|via| via.word().to_owned()),
    })
}

/// Why the user that a command runs as was not found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdentityError {
    /// The grant of this command names an unknown user.
    RunAs(String, AccountError),
    /// This process' own user is unknown.
    Own(AccountError),
}

impl fmt::Display for IdentityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RunAs(command, error) => write!(f, "command {command}: run_as: {error}"),
            Self::Own(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for IdentityError {}

/// Whom a command runs as: this process' own user unless the grant names another.
///
/// # Errors
/// For the administrator: no such user.
pub fn identity(command: &Command) -> Result<Identity, IdentityError> {
    match &command.run_as {
        Some(user) => users::user(user).map_err(|error| IdentityError::RunAs(command.name.clone(), error)),
        None => users::own().map_err(IdentityError::Own),
    }
}

/// Whether a path that a caller named leads nowhere that others than root could make it lead.
fn fit(command: &str, path: &Below) -> Result<(), Unresolved> {
    let Below { slot, folder, path } = path;
    let rest = path.strip_prefix(folder).unwrap_or(path);
    below(folder, rest).map_err(|why| match why {
        NotBelow::Folder(why) => Unresolved::Host(format!("command {command}: {slot}: below: {why}")),
        NotBelow::Path(why) => {
            let rule = format!("a path below {} whose folders only root can write; {why}", folder.display());
            Unresolved::Path { slot: slot.clone(), rule }
        }
    })
}

/// The program with every link resolved, judged; `None` if it is not there.
fn program(path: &Path) -> Result<Option<PathBuf>, Untrusted> {
    match Program::open(path) {
        Ok(program) => Ok(Some(program.path().to_path_buf())),
        Err(Untrusted::Missing(_)) => Ok(None),
        Err(why) => Err(why),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_path_that_others_could_redirect_is_its_callers_fault_and_an_unfit_folder_the_hosts() {
        let kept = tempfile::tempdir().unwrap();
        let folder = kept.path().canonicalize().unwrap();
        fs::create_dir(folder.join("open")).unwrap();
        let mode = |path: &str, mode| fs::set_permissions(folder.join(path), fs::Permissions::from_mode(mode)).unwrap();
        mode("open", 0o777);
        let judged =
            |rest: &str| fit("backup", &Below { slot: "what".into(), folder: folder.clone(), path: folder.join(rest) });
        judged("open").unwrap();
        judged("new").unwrap();
        let Err(Unresolved::Path { slot, rule }) = judged("open/file") else { panic!("it is fit") };
        assert_eq!(slot, "what");
        let shown = folder.display();
        assert_eq!(
            rule,
            format!(
                "a path below {shown} whose folders only root can write; \
                 {shown}/open: can be written by others (mode 0777): chmod go-w"
            )
        );
        assert!(matches!(judged("../other"), Err(Unresolved::Path { .. })));
        mode("", 0o777);
        let Err(Unresolved::Host(why)) = judged("new") else { panic!("it is not the host's") };
        assert!(why.starts_with(&format!("command backup: what: below: {shown}: can be written by others")), "{why}");
    }
}
