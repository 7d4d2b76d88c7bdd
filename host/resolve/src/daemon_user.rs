//! Whom a daemon that root starts becomes.

use std::fmt;

use regent_grants::{Config, DAEMON_USER};

use crate::users::{self, AccountError};

/// A user and its groups, by number: the user, its own group, and every further one.
pub type Ids = (u32, u32, Vec<u32>);

/// Why the daemon cannot become `daemon_user`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DaemonUserError {
    file: String,
    line: usize,
    reason: Reason,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Reason {
    /// This machine has no user of this name.
    Unknown(String, AccountError),
    /// The uid is in the range of the sandboxes.
    Sandbox(u32),
}

impl fmt::Display for DaemonUserError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: daemon_user: ", self.file, self.line)?;
        match &self.reason {
            Reason::Unknown(name, error) => {
                let make = format!("`useradd --system --no-create-home --shell /usr/sbin/nologin {name}` makes it");
                write!(f, "{error}: {make}")
            }
            Reason::Sandbox(uid) => write!(f, "uid {uid} is one of [sandbox] uids, which are plugins': name another"),
        }
    }
}

impl std::error::Error for DaemonUserError {}

/// Whom it becomes; `None`: it stays root.
///
/// # Errors
/// For the administrator: nobody is called so, or the number is a sandbox's.
pub fn daemon_user(config: &Config) -> Result<Option<Ids>, DaemonUserError> {
    let failed = |reason| DaemonUserError { file: config.file.clone(), line: config.daemon_user_line, reason };
    let ids = match config.daemon_user.as_deref() {
        None => (DAEMON_USER, DAEMON_USER, Vec::new()),
        Some(name) => match (users::user(name), name.parse()) {
            (Ok(user), _) => (user.uid, user.gid, user.groups),
            // A number need be nobody's.
            (Err(_), Ok(uid)) => (uid, uid, Vec::new()),
            (Err(error), Err(_)) => return Err(failed(Reason::Unknown(name.to_owned(), error))),
        },
    };
    let sandboxes = config.sandbox.first..config.sandbox.first.saturating_add(config.sandbox.count);
    if sandboxes.contains(&ids.0) {
        return Err(failed(Reason::Sandbox(ids.0)));
    }
    Ok((ids.0 != 0).then_some(ids))
}
