//! Whom a daemon that root starts becomes.

use regent_grants::{Config, DAEMON_USER};

use crate::users;

/// A user and its groups, by number: the user, its own group, and every further one.
pub type Ids = (u32, u32, Vec<u32>);

/// Whom it becomes; `None`: it stays root.
///
/// # Errors
/// For the administrator: nobody is called so, or the number is a sandbox's.
pub fn daemon_user(config: &Config) -> Result<Option<Ids>, String> {
    let said = |why: String| format!("{}:{}: daemon_user: {why}", config.file, config.daemon_user_line);
    let ids = match config.daemon_user.as_deref() {
        None => (DAEMON_USER, DAEMON_USER, Vec::new()),
        Some(name) => match (users::user(name), name.parse()) {
            (Ok(user), _) => (user.uid, user.gid, user.groups),
            // A number need be nobody's.
            (Err(_), Ok(uid)) => (uid, uid, Vec::new()),
            (Err(why), Err(_)) => {
                let make = format!("`useradd --system --no-create-home --shell /usr/sbin/nologin {name}` makes it");
                return Err(said(format!("{why}: {make}")));
            }
        },
    };
    let sandboxes = config.sandbox.first..config.sandbox.first.saturating_add(config.sandbox.count);
    if sandboxes.contains(&ids.0) {
        return Err(said(format!("uid {} is one of [sandbox] uids, which are plugins': name another", ids.0)));
    }
    Ok((ids.0 != 0).then_some(ids))
}
