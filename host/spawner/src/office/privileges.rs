//! What of root's rights this process keeps. As soon as one granted command says what it needs, that is what it needs
//! itself, and what some command needed when it was started; the rest is given up for good, so that a file that wants
//! more is not served before a restart. Where nobody says anything, nothing is given up, and whatever is granted later
//! is served at once.

use std::fmt;

use regent_grants::{Capabilities, Command, Grants};

use crate::rights::{self, no_new_privileges};
use crate::sys::is_root;

/// What starts and ends processes of any user, in namespaces, groups and limits of their own, and makes sockets and
/// folders.
const OWN: [&str; 12] = [
    "cap_chown",
    "cap_dac_override",
    "cap_dac_read_search",
    "cap_fowner",
    "cap_fsetid",
    "cap_kill",
    "cap_setgid",
    "cap_setuid",
    "cap_setpcap",
    "cap_sys_admin",
    "cap_sys_nice",
    "cap_sys_resource",
];

/// All that there are, on whatever kernel.
const ALL: Capabilities = Capabilities(!0);

/// What could not be given up, and errno.
pub(crate) struct PrivilegesError(&'static str, i32);

impl fmt::Display for PrivilegesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(what, errno) = self;
        write!(f, "{what}: {}", std::io::Error::from_raw_os_error(*errno))
    }
}

#[derive(Clone, Copy)]
pub(super) struct Privileges {
    has: Capabilities,
    /// Whether a command may execute what gains rights.
    may_gain: bool,
}

impl Privileges {
    /// Gives up what none of these commands needs.
    pub(super) fn kept(granted: &[Grants]) -> Result<Self, PrivilegesError> {
        let own = OWN.into_iter().filter_map(Capabilities::named).fold(Capabilities::default(), Capabilities::and);
        let commands = || granted.iter().flat_map(|grants| grants.commands.values());
        if commands().all(|command| command.capabilities.is_none()) {
            return Ok(Self { has: ALL, may_gain: true });
        }
        let mut kept = Self { has: own, may_gain: false };
        for command in commands() {
            kept = Self { has: kept.has.and(needs(command)), may_gain: kept.may_gain || command.setuid };
        }
        let failed = |what| move |errno| PrivilegesError(what, errno);
        if is_root() && kept.has != ALL {
            rights::drop_from_bounding_set(!kept.has.0).map_err(failed("bounding set"))?;
            let there = rights::permitted().map_err(failed("capabilities"))?;
            rights::keep_capabilities(kept.has.0 & there, false).map_err(failed("capabilities"))?;
        }
        if !kept.may_gain {
            no_new_privileges().map_err(failed("no new privileges"))?;
        }
        Ok(kept)
    }

    /// What a grants file wants that was given up, a line each.
    pub(super) fn lacks(&self, grants: &Grants) -> Vec<String> {
        let said = |command: &Command, what: &str| {
            let (file, line, name) = (&grants.file, command.line, &command.name);
            format!("{file}:{line}: command {name}: restart needed: {what} when the daemon started, so it was given up")
        };
        let mut lacks = Vec::new();
        for command in grants.commands.values() {
            let more = needs(command).without(self.has);
            if more != Capabilities::default() {
                let what = match command.capabilities {
                    Some(_) => format!("no command had {}", more.names().join(", ")),
                    None => "no command had all capabilities, which one without a list has,".into(),
                };
                lacks.push(said(command, &what));
            }
            if command.setuid && !self.may_gain {
                lacks.push(said(command, "no command had setuid = true"));
            }
        }
        lacks
    }
}

/// Left out, all as root and none as anybody else.
fn needs(command: &Command) -> Capabilities {
    let root = regent_resolve::identity(command).is_ok_and(|identity| identity.uid == 0);
    command.capabilities.unwrap_or(if root { ALL } else { Capabilities::default() })
}
