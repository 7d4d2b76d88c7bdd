//! Programs of the machine that tests call, brought by apt if this is root's Debian.

use std::{env, os::unix::fs::MetadataExt as _, path::Path, time::Duration};

use regent_build::{Error, Result, Run};

/// Programs, and Debian's packages of them.
pub(crate) type Needed = [(&'static str, &'static str)];

/// What the tests call.
pub(crate) const TESTS: &Needed = &[
    ("sha256sum", "coreutils"),     // pins of modules, counted by another than us
    ("nft", "nftables"),            // what the firewall plugin changes
    ("strace", "strace"),           // faults at the daemon's system calls
    ("faketime", "faketime"),       // a clock that is wrong for the daemon alone
    ("unshare", "util-linux"),      // a machine without cgroups, and with other users
    ("setpriv", "util-linux"),      // a daemon in further groups
    ("systemd-analyze", "systemd"), // the unit, read and judged by systemd itself
    ("umount", "mount"),            // a machine without cgroups
];
/// Lists and a few small packages, from a slow mirror.
const INSTALL: Duration = Duration::from_mins(10);
/// Where programs of administrators are, which an ordinary user's PATH may lack.
const FURTHER: [&str; 2] = ["/usr/sbin", "/sbin"];

/// Sees to it that they are there; what remains missing is told, and returned.
pub(crate) fn programs(needed: &Needed) -> Option<Error> {
    let packages = missing(needed);
    if packages.is_empty() {
        return None;
    }
    let why = match install(&packages) {
        Ok(()) if missing(needed).is_empty() => return None,
        Ok(()) => String::new(),
        Err(error) => format!("\n  {error}"),
    };
    let error = Error::new(format!("missing: `apt-get install {}`{why}", missing(needed).join(" ")));
    eprintln!("{error}");
    Some(error)
}

/// The packages of those that are not there.
fn missing(needed: &Needed) -> Vec<&'static str> {
    needed.iter().filter(|(program, _)| !is_there(program)).map(|(_, package)| *package).collect()
}

fn is_there(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let further = FURTHER.iter().map(|folder| Path::new(folder).to_owned());
    env::split_paths(&path).chain(further).any(|folder| folder.join(program).is_file())
}

/// Installs these packages, if this is root.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    if !is_root() {
        return Err(Error::new(format!("only root can install {}", packages.join(" "))));
    }
    eprintln!("installing {}", packages.join(" "));
    // Lists that are there may do though today's cannot be read.
    if let Err(error) = apt(&["update", "-q"]) {
        eprintln!("{error}");
    }
    apt(&[&["install", "-q", "-y", "--no-install-recommends"], packages].concat())
}

fn apt(words: &[&str]) -> Result<()> {
    Run::new("apt-get").args(words).env("DEBIAN_FRONTEND", "noninteractive").env("LC_ALL", "C").within(INSTALL).done()
}

/// Whether this process is root's.
pub(crate) fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}
