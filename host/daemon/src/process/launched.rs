//! The spawner, started: before any configuration or secret is read, so that its memory holds none of these.

use std::ffi::OsStr;
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
    /// What it made ready, if it was told for whom it is.
    pub ready: Option<Ready>,
    pub(super) grants: bool,
}

/// Starts a spawner that starts what it is told, by the handle that was judged.
pub fn launch(program: &OwnedFd) -> io::Result<Launched> {
    start(program, &[]).map(|socket| Launched { socket, ready: None, grants: false })
}

/// Starts one that starts what is confined and nothing else, with programs that it has judged itself.
pub fn launch_confined(helpers: &Helpers) -> Result<Launched, Vec<String>> {
    launch_ready(helpers, &["--confined".as_ref()], &[])
}

/// Starts one that reads this configuration and its grants itself, and waits until what needs root is done.
pub fn launch_for(helpers: &Helpers, config: &Path) -> Result<Launched, Vec<String>> {
    let credentials = credential::folder();
    let credentials: Vec<&OsStr> =
        credentials.iter().flat_map(|folder| ["--credentials".as_ref(), folder.as_os_str()]).collect();
    launch_ready(helpers, &["--config".as_ref(), config.as_os_str()], &credentials)
        .map(|launched| Launched { grants: true, ..launched })
}

/// For whom it is stands before its helpers, and more behind.
fn launch_ready(helpers: &Helpers, before: &[&OsStr], behind: &[&OsStr]) -> Result<Launched, Vec<String>> {
    let [sandbox, compiler] = [&helpers.sandbox_path, &helpers.compiler_path].map(|path| path.as_os_str());
    let programs = ["--sandbox".as_ref(), sandbox, "--compiler".as_ref(), compiler];
    let failed = |why: io::Error| vec![format!("regent-spawner: {why}")];
    let socket = start(&helpers.spawner, &[before, &programs, behind].concat()).map_err(failed)?;
    let mut bytes = vec![0; WORD_MAX];
    // What it reads is root's, and whatever a predecessor left that does not end is given up in time: so no deadline
    // here.
    poll(&mut [PollFd::new(&socket, PollFlags::IN)], None).map_err(|why| failed(why.into()))?;
    let (length, _) = receive(&socket, &mut bytes).map_err(failed)?;
    match decode(bytes.get(..length).unwrap_or_default()) {
        Some(Say::Ready(ready)) => Ok(Launched { socket, ready: Some(ready), grants: false }),
        Some(Say::Unready(why)) => Err(why),
        _ => Err(vec!["regent-spawner has ended before it was ready".into()]),
    }
}

fn start(program: &OwnedFd, arguments: &[&OsStr]) -> io::Result<OwnedFd> {
    let (ours, theirs) =
        rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
    rustix::io::ioctl_fionbio(&ours, true)?;
    #[allow(clippy::disallowed_methods, reason = "this is the door: the one program that the daemon starts itself")]
    let mut command = Command::new(format!("/proc/self/fd/{}", program.as_raw_fd()));
    command.arg0("regent-spawner").args(arguments);
    // Nothing but posix_spawn is asked for, which needs no copy of this process.
    let child = command.env_clear().stdin(Stdio::from(theirs)).stdout(Stdio::null()).spawn()?;
    // It ends with its socket; nobody waits for it.
    drop(child);
    Ok(ours)
}
