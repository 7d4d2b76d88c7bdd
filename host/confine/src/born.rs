//! What the process was born with, seen from the inside. It has no /proc to ask, so each layer is tried: what it should
//! prevent must fail, and fail in the way that only this layer makes it fail.
//!
//! Two namespaces cannot be seen so, those of IPC and of control groups: the spawner's child compared them with the
//! spawner's own, as it did all others, before it left the old root.

use std::fmt;

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

/// How a process sees that something was not taken from it at its birth.
enum Defect {
    MayGainRights,
    HasEnvironment,
    CapabilitiesUnknown(Errno),
    HasCapabilities,
    InBoundingSet(u32),
    InAmbientSet(u32),
    IsRoot,
    HasGroups(usize),
    GroupsUnknown(Errno),
    RootUserExists(Errno),
    MayBecomeRoot,
    RootUnreadable(Errno),
    RootUnknown(Errno),
    RootWritable,
    RootNotEmpty(String),
    SeesOtherProcesses,
    NoSocket(Errno),
    InterfaceExists(Errno),
    InterfaceUp,
    KnowsHostName,
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MayGainRights => f.write_str("it may gain rights: no_new_privs is not set"),
            Self::HasEnvironment => f.write_str("it has an environment"),
            Self::CapabilitiesUnknown(errno) => write!(f, "its capabilities are unknown: {errno}"),
            Self::HasCapabilities => f.write_str("it has capabilities"),
            Self::InBoundingSet(number) => write!(f, "its bounding set holds capability {number}"),
            Self::InAmbientSet(number) => write!(f, "its ambient set holds capability {number}"),
            Self::IsRoot => f.write_str("its user or its group is root"),
            Self::HasGroups(number) => write!(f, "it is in {number} further groups"),
            Self::GroupsUnknown(errno) => write!(f, "its groups are unknown: {errno}"),
            Self::RootUserExists(errno) => write!(f, "there is a root user to become ({errno})"),
            Self::MayBecomeRoot => f.write_str("it could become root"),
            Self::RootUnreadable(errno) => write!(f, "its root cannot be read: {errno}"),
            Self::RootUnknown(errno) => write!(f, "its root is unknown: {errno}"),
            Self::RootWritable => f.write_str("its root can be written"),
            Self::RootNotEmpty(name) => write!(f, "its root is not empty: {name}"),
            Self::SeesOtherProcesses => {
                f.write_str("it can see other processes: it is not the first of a pid namespace")
            }
            Self::NoSocket(errno) => write!(f, "no socket to try it with: {errno}"),
            Self::InterfaceExists(errno) => write!(f, "an interface is there: {errno}"),
            Self::InterfaceUp => f.write_str("an interface is up"),
            Self::KnowsHostName => f.write_str("it knows this machine's name"),
        }
    }
}

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
        (Layer::UserNamespace, user_namespace as fn() -> Result<(), Defect>),
        (Layer::MountNamespace, empty_root),
        (Layer::PidNamespace, no_other_process),
        (Layer::NetworkNamespace, no_network),
        (Layer::UtsNamespace, no_host_name),
    ];
    let others = others.into_iter().filter_map(|looked| looked.err().map(|defect| Missing::other(&defect)));
    let layers = layers.into_iter().filter(|(layer, _)| demands.layer(*layer));
    let layers = layers.filter_map(|(layer, look)| look().err().map(|defect| Missing::layer(layer, &defect)));
    let missing: Vec<Missing> = others.chain(layers).collect();
    if missing.is_empty() { Ok(()) } else { Err(missing) }
}

fn no_new_privs() -> Result<(), Defect> {
    match rustix::thread::no_new_privs() {
        Ok(true) => Ok(()),
        _ => Err(Defect::MayGainRights),
    }
}

fn no_environment() -> Result<(), Defect> {
    match std::env::vars_os().next() {
        None => Ok(()),
        Some(_) => Err(Defect::HasEnvironment),
    }
}

/// All five sets are empty; the bounding set of one that an ordinary user started may not be, and gives nothing to it.
fn no_capability(demands: &Demands) -> Result<(), Defect> {
    let sets = rustix::thread::capabilities(None).map_err(Defect::CapabilitiesUnknown)?;
    if !(sets.effective | sets.permitted | sets.inheritable).is_empty() {
        return Err(Defect::HasCapabilities);
    }
    for number in 0..CAPABILITIES {
        let one = CapabilitySet::from_bits_retain(1 << number);
        // A number that this kernel does not know is an error, and no capability.
        if !demands.shared_user && rustix::thread::capability_is_in_bounding_set(one) == Ok(true) {
            return Err(Defect::InBoundingSet(number));
        }
        if rustix::thread::capability_is_in_ambient_set(one) == Ok(true) {
            return Err(Defect::InAmbientSet(number));
        }
    }
    Ok(())
}

/// Nobody whom the machine knows: not root, and in no group but its own.
fn identity(demands: &Demands) -> Result<(), Defect> {
    if getuid().is_root() || geteuid().is_root() || getgid().is_root() || getegid().is_root() {
        return Err(Defect::IsRoot);
    }
    if demands.shared_user {
        return Ok(());
    }
    match getgroups() {
        Ok(groups) if groups.is_empty() => Ok(()),
        Ok(groups) => Err(Defect::HasGroups(groups.len())),
        Err(errno) => Err(Defect::GroupsUnknown(errno)),
    }
}

/// To become root is not merely forbidden: there is none.
fn user_namespace() -> Result<(), Defect> {
    match rustix::thread::set_thread_res_uid(None, Uid::ROOT, None) {
        Err(Errno::INVAL) => Ok(()),
        Err(errno) => Err(Defect::RootUserExists(errno)),
        Ok(()) => Err(Defect::MayBecomeRoot),
    }
}

fn empty_root() -> Result<(), Defect> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = rustix::fs::open("/", flags, Mode::empty()).map_err(Defect::RootUnreadable)?;
    let mount = rustix::fs::fstatvfs(&root).map_err(Defect::RootUnknown)?;
    if !mount.f_flag.contains(StatVfsMountFlags::RDONLY) {
        return Err(Defect::RootWritable);
    }
    let mut entries = rustix::fs::Dir::read_from(&root).map_err(Defect::RootUnreadable)?;
    let other = entries.find_map(|entry| match entry {
        Ok(entry) if matches!(entry.file_name().to_bytes(), b"." | b"..") => None,
        Ok(entry) => Some(entry.file_name().to_string_lossy().into_owned()),
        Err(why) => Some(why.to_string()),
    });
    other.map_or(Ok(()), |name| Err(Defect::RootNotEmpty(name)))
}

fn no_other_process() -> Result<(), Defect> {
    match getpid().as_raw_nonzero().get() {
        1 => Ok(()),
        _ => Err(Defect::SeesOtherProcesses),
    }
}

/// Not even itself can be reached: the one interface is down. Connecting a datagram socket sends nothing.
fn no_network() -> Result<(), Defect> {
    let socket = match rustix::net::socket(AddressFamily::INET, SocketType::DGRAM, None) {
        Err(Errno::AFNOSUPPORT) => return Ok(()),
        other => other.map_err(Defect::NoSocket)?,
    };
    let itself = std::net::SocketAddrV4::new(std::net::Ipv4Addr::LOCALHOST, DISCARD);
    match rustix::net::connect(&socket, &itself) {
        Err(Errno::NETUNREACH) => Ok(()),
        Err(errno) => Err(Defect::InterfaceExists(errno)),
        Ok(()) => Err(Defect::InterfaceUp),
    }
}

fn no_host_name() -> Result<(), Defect> {
    let name = rustix::system::uname();
    match name.nodename().to_str() {
        Ok(HOST_NAME) => Ok(()),
        _ => Err(Defect::KnowsHostName),
    }
}
