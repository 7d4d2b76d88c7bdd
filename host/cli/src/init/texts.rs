//! The first regent.toml and the unit, with a word about each line: whoever reads them should need no other page.

use std::path::Path;

use super::hardening;
use super::layout::{Kind, Layout};
use crate::ending::Failure;
use crate::files;

/// What the daemon gives what still runs (20 s), and a little more.
const STOP_WITHIN: u32 = 30;

pub(super) fn config(layout: &Layout) -> Result<String, Failure> {
    let quoted = |path: &Path| files::text(path).map(files::quoted);
    let plugins = layout.plugins.iter().map(|path| quoted(path)).collect::<Result<Vec<_>, _>>()?.join(", ");
    let (grants, state) = (quoted(&layout.grants())?, quoted(&layout.state)?);
    let (socket, secret, admin) = (quoted(&layout.socket())?, quoted(&layout.secret())?, quoted(&layout.admin())?);
    Ok(format!(
        r#"# Regent: where things are, who may connect, and who decides.
# `regent check` says what is wrong here; `regent reload` has a running daemon read it again.

# Modules, NAME.wasm; and the grants, NAME.toml: what each may do.
plugins = [{plugins}]
grants = {grants}
# The daemon's own: what is held, the audit log, modules that served.
state = {state}

# Whoever asks for operations does it here. Each socket has a folder, secrets and a view of its own; for a container
# or another user add one: `regent socket add`.
[[sockets]]
name = "local"
path = {socket}
# One secret a line, all valid: `regent secret rotate local`.
secret_file = {secret}
# All that is granted. Names show only those: operations = ["whoami", "open"].
operations = ["*"]
# Who may connect besides whoever starts the daemon; they need the secret too.
# group = "adm"

# Where people see what is held, and decide: the kernel says who connects, there is no secret.
[admin]
path = {admin}
# group = "adm"

# Who may approve: each is a user of this machine, and grants name them or their teams.
# [people.anna]
# user = "anna"
# [people.ben]
# user = "ben"
# [teams]
# ops = ["anna", "ben"]
"#
    ))
}

pub(super) fn unit(layout: &Layout) -> Result<String, Failure> {
    let exec = format!("{} --config {}", word(&layout.regentd)?, word(&layout.config())?);
    let (how, wanted, user) = match layout.kind {
        Kind::User => ("systemctl --user", "default.target", " of a user's own"),
        Kind::Machine | Kind::Trial => ("systemctl", "multi-user.target", ""),
    };
    Ok(format!(
        r"# `{how} daemon-reload && {how} enable --now regentd` starts it now and whenever it should run.
# Sockets may be opened by a regentd.socket instead: ListenStream= with the paths of regent.toml.
[Unit]
Description=Regent, a host for privileged plugins{user}

[Service]
# It says itself when its sockets listen.
Type=notify
ExecStart={exec}
# It reads all its files again; `regent reload` does the same and says what came of it.
ExecReload=/bin/kill -HUP $MAINPID

# Commands and sandboxes run in control groups of their own, below the service's.
Delegate=yes
# A sandbox that took too much memory ends alone.
OOMPolicy=continue
# The daemon ends what it started; what is left then is killed.
KillMode=mixed
TimeoutStopSec={STOP_WITHIN}
# Each connection is a descriptor.
LimitNOFILE=65536

Restart=on-failure
RestartSec=1
# A configuration with mistakes is mended by a person, not by another start.
RestartPreventExitStatus=78
{folders}
{hardening}
[Install]
WantedBy={wanted}
",
        folders = runtime(layout.kind),
        hardening = hardening::lines(layout.kind),
    ))
}

/// /run is empty after each boot.
fn runtime(kind: Kind) -> &'static str {
    match kind {
        Kind::Machine | Kind::User => {
            r"
# What is gone after a boot: the folders of the sockets. They stay when the service stops, for a container that
# mounted one would be left with a folder that nobody serves.
RuntimeDirectory=regent regent-admin
RuntimeDirectoryPreserve=yes
"
        }
        Kind::Trial => "",
    }
}

/// A word of a command line in a unit, as systemd.service(5) takes it.
fn word(path: &Path) -> Result<String, Failure> {
    let text = files::text(path)?.replace('%', "%%").replace('$', "$$");
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-%$+:@".contains(letter);
    if text.chars().all(plain) {
        return Ok(text);
    }
    Ok(format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\"")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_in_a_unit_is_one_word_that_means_itself() {
        for (path, written) in [
            ("/usr/sbin/regentd", "/usr/sbin/regentd"),
            ("/a b/c", "\"/a b/c\""),
            ("/50%/$HOME", "/50%%/$$HOME"),
            ("/a\"b\\", "\"/a\\\"b\\\\\""),
        ] {
            assert_eq!(word(Path::new(path)).unwrap(), written);
        }
        assert_eq!(word(Path::new("/a\nb")).unwrap_err().ending.number(), 2);
    }
}
