//! What the process was born with, seen from the inside. It has no /proc to ask, so each layer is tried: what it should prevent
//! must fail, and fail in the way that only this layer makes it fail.
//!
//! Two namespaces cannot be seen so, those of IPC and of control groups: the spawner's child compared them with the spawner's
//! own, as it did all others, before it left the old root.

use regent_lane::{Demands, HOST_NAME, Layer};
use rustix::fs::{Mode, OFlags, StatVfsMountFlags};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketType};
use rustix::process::{getegid, geteuid, getgid, getgroups, getpid, getuid};
use rustix::thread::{CapabilitySet, Uid};

use crate::Missing;

/// Capabilities that a kernel may know: far more than there are.
const CAPABILITIES: u32 = 64;
/// A port to which nothing is sent: the discard protocol's (RFC 863).
const DISCARD: u16 = 9;

/// Looks at everything.
///
/// # Errors
/// Everything that is missing.
pub fn verify(demands: &Demands) -> Result<(), Vec<Missing>> {
    if demands.unconfined {
        return Ok(());
    }
    let others = [no_new_privs(), no_environment(), no_capability(demands), identity(demands)];
    let layers = [
        (Layer::UserNamespace, user_namespace as fn() -> Result<(), String>),
        (Layer::MountNamespace, empty_root),
        (Layer::PidNamespace, no_other_process),
        (Layer::NetworkNamespace, no_network),
        (Layer::UtsNamespace, no_host_name),
    ];
    let others = others.into_iter().filter_map(|looked| looked.err().map(Missing::other));
    let layers = layers.into_iter().filter(|(layer, _)| demands.layer(*layer));
    let layers = layers.filter_map(|(layer, look)| look().err().map(|why| Missing::layer(layer, why)));
    let missing: Vec<Missing> = others.chain(layers).collect();
    if missing.is_empty() { Ok(()) } else { Err(missing) }
}

fn no_new_privs() -> Result<(), String> {
    match rustix::thread::no_new_privs() {
        Ok(true) => Ok(()),
        _ => Err("it may gain rights: no_new_privs is not set".into()),
    }
}

fn no_environment() -> Result<(), String> {
    match std::env::vars_os().next() {
        None => Ok(()),
        Some(_) => Err("it has an environment".into()),
    }
}

/// All five sets are empty; the bounding set of one that an ordinary user started may not be, and gives nothing to it.
fn no_capability(demands: &Demands) -> Result<(), String> {
    let sets = rustix::thread::capabilities(None).map_err(|why| format!("its capabilities are unknown: {why}"))?;
    if !(sets.effective | sets.permitted | sets.inheritable).is_empty() {
        return Err("it has capabilities".into());
    }
    for number in 0..CAPABILITIES {
        let one = CapabilitySet::from_bits_retain(1 << number);
        // A number that this kernel does not know is an error, and no capability.
        if !demands.shared_user && rustix::thread::capability_is_in_bounding_set(one) == Ok(true) {
            return Err(format!("its bounding set holds capability {number}"));
        }
        if rustix::thread::capability_is_in_ambient_set(one) == Ok(true) {
            return Err(format!("its ambient set holds capability {number}"));
        }
    }
    Ok(())
}

/// Nobody whom the machine knows: not root, and in no group but its own.
fn identity(demands: &Demands) -> Result<(), String> {
    if getuid().is_root() || geteuid().is_root() || getgid().is_root() || getegid().is_root() {
        return Err("its user or its group is root".into());
    }
    if demands.shared_user {
        return Ok(());
    }
    match getgroups() {
        Ok(groups) if groups.is_empty() => Ok(()),
        Ok(groups) => Err(format!("it is in {} further groups", groups.len())),
        Err(why) => Err(format!("its groups are unknown: {why}")),
    }
}

/// To become root is not merely forbidden: there is none.
fn user_namespace() -> Result<(), String> {
    match rustix::thread::set_thread_res_uid(None, Uid::ROOT, None) {
        Err(Errno::INVAL) => Ok(()),
        Err(why) => Err(format!("there is a root user to become ({why})")),
        Ok(()) => Err("it could become root".into()),
    }
}

fn empty_root() -> Result<(), String> {
    let said = |what: &str, why: Errno| format!("{what}: {why}");
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = rustix::fs::open("/", flags, Mode::empty()).map_err(|why| said("its root cannot be read", why))?;
    let mount = rustix::fs::fstatvfs(&root).map_err(|why| said("its root is unknown", why))?;
    if !mount.f_flag.contains(StatVfsMountFlags::RDONLY) {
        return Err("its root can be written".into());
    }
    let mut entries = rustix::fs::Dir::read_from(&root).map_err(|why| said("its root cannot be read", why))?;
    let other = entries.find_map(|entry| match entry {
        Ok(entry) if matches!(entry.file_name().to_bytes(), b"." | b"..") => None,
        Ok(entry) => Some(entry.file_name().to_string_lossy().into_owned()),
        Err(why) => Some(why.to_string()),
    });
    other.map_or(Ok(()), |name| Err(format!("its root is not empty: {name}")))
}

fn no_other_process() -> Result<(), String> {
    match getpid().as_raw_nonzero().get() {
        1 => Ok(()),
        _ => Err("it can see other processes: it is not the first of a pid namespace".into()),
    }
}

/// Not even itself can be reached: the one interface is down. Connecting a datagram socket sends nothing.
fn no_network() -> Result<(), String> {
    let socket = match rustix::net::socket(AddressFamily::INET, SocketType::DGRAM, None) {
        Err(Errno::AFNOSUPPORT) => return Ok(()),
        other => other.map_err(|why| format!("no socket to try it with: {why}"))?,
    };
    let itself = std::net::SocketAddrV4::new(std::net::Ipv4Addr::LOCALHOST, DISCARD);
    match rustix::net::connect(&socket, &itself) {
        Err(Errno::NETUNREACH) => Ok(()),
        Err(why) => Err(format!("an interface is there: {why}")),
        Ok(()) => Err("an interface is up".into()),
    }
}

fn no_host_name() -> Result<(), String> {
    let name = rustix::system::uname();
    match name.nodename().to_str() {
        Ok(HOST_NAME) => Ok(()),
        _ => Err("it knows this machine's name".into()),
    }
}
