//! Whose the state folder is once a daemon has run: root's daemon becomes another user, and the folder with it.

use nix::unistd::{Uid, User};
use regent_files::Trusted;
use regent_grants::{Config, DAEMON_USER};

use super::layout::Layout;

/// The uid of that user, by the regent.toml that is there; `None` where no root starts the daemon.
pub(super) fn uid(layout: &Layout) -> Option<u32> {
    if !Uid::effective().is_root() {
        return None;
    }
    let path = layout.config();
    let text = Trusted::open(&path).and_then(Trusted::text).unwrap_or_default();
    let config = Config::parse(&path.display().to_string(), &text).ok();
    match config.and_then(|checked| checked.value.daemon_user) {
        Some(user) => named(&user),
        None => Some(DAEMON_USER),
    }
}

/// A name, or digits; `None` where nobody is called so, which `regent check` says.
fn named(user: &str) -> Option<u32> {
    user.parse().ok().or_else(|| Some(User::from_name(user).ok()??.uid.as_raw()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_named_or_numbered_and_nobody_is_no_user() {
        assert_eq!((named("root"), named("4711"), named("no-such-user")), (Some(0), Some(4711), None));
    }
}
