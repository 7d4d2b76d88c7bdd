//! The spawner, started: before any configuration or secret is read, so that its memory holds none of these.

use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use regent_spawner::{Ready, Say, WORD_MAX, decode};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::{AddressFamily, SocketFlags, SocketType};

use super::words::receive;
use crate::credential;
use crate::helpers::Helpers;

/// A spawner that runs, and the daemon's end of its socket.
#[derive(Debug)]
pub struct Launched {
    pub(super) socket: OwnedFd,
    /// What it made ready, if it was given a configuration.
    pub ready: Option<Ready>,
}

/// Starts a spawner that starts what it is told, by the handle that was judged.
///
/// # Errors
/// What the kernel says.
pub fn launch(program: &OwnedFd) -> io::Result<Launched> {
    start(program, &[]).map(|socket| Launched { socket, ready: None })
}

/// Starts one that reads this configuration and its grants itself, and waits until what needs root is done.
///
/// # Errors
/// For the administrator, a line each.
pub fn launch_for(helpers: &Helpers, config: &Path) -> Result<Launched, Vec<String>> {
    let [sandbox, compiler] = [helpers.sandbox_path.as_path(), helpers.compiler_path.as_path()];
    let credentials = credential::folder();
    let arguments = [("--config", config), ("--sandbox", sandbox), ("--compiler", compiler)].into_iter();
    let credentials = credentials.iter().map(|folder| ("--credentials", folder.as_path()));
    let arguments: Vec<_> = arguments.chain(credentials).collect();
    let failed = |why: io::Error| vec![format!("regent-spawner: {why}")];
    let socket = start(&helpers.spawner, &arguments).map_err(failed)?;
    let mut bytes = vec![0; WORD_MAX];
    // What it reads is root's, and whatever a predecessor left that does not end is given up in time: so no deadline here.
    poll(&mut [PollFd::new(&socket, PollFlags::IN)], None).map_err(|why| failed(why.into()))?;
    let (length, _) = receive(&socket, &mut bytes).map_err(failed)?;
    match decode(bytes.get(..length).unwrap_or_default()) {
        Some(Say::Ready(ready)) => Ok(Launched { socket, ready: Some(ready) }),
        Some(Say::Unready(why)) => Err(why),
        _ => Err(vec!["regent-spawner has ended before it was ready".into()]),
    }
}

fn start(program: &OwnedFd, arguments: &[(&str, &Path)]) -> io::Result<OwnedFd> {
    let (ours, theirs) =
        rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
    rustix::io::ioctl_fionbio(&ours, true)?;
    #[allow(clippy::disallowed_methods, reason = "this is the door: the one program that the daemon starts itself")]
    let mut command = Command::new(format!("/proc/self/fd/{}", program.as_raw_fd()));
    command.arg0("regent-spawner").args(arguments.iter().flat_map(|(name, path)| [name.as_ref(), path.as_os_str()]));
    // Nothing but posix_spawn is asked for, which needs no copy of this process.
    let child = command.env_clear().stdin(Stdio::from(theirs)).stdout(Stdio::null()).spawn()?;
    // It ends with its socket; nobody waits for it.
    drop(child);
    Ok(ours)
}
