//! What the process was born with. It is started already confined; here it looks whether that is so, as far as a process
//! without /proc can see, and takes the descriptors that were handed to it. It serves nothing if one thing is missing.

use std::os::fd::{FromRawFd as _, OwnedFd, RawFd};

use regent_lane::LANES;
use rustix::fs::{FileType, SealFlags};
use rustix::thread::CapabilitySet;

/// The first lane's descriptor; the others follow.
const FIRST_LANE: RawFd = 3;
/// The compiled component's.
const IMAGE: RawFd = FIRST_LANE + LANES as RawFd;
/// Descriptors above the expected ones that are looked at one by one: more than any spawner leaves open by mistake.
const PROBED: RawFd = 1024;
/// Capabilities that a kernel may know: far more than there are.
const CAPABILITIES: u32 = 64;

/// Whether to demand the rights that only root can take away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Confinement {
    /// All of it, or nothing is served.
    Demanded,
    /// The daemon is an ordinary user's and has said so to its administrator.
    Waived,
}

/// The descriptors, each known to be what it has to be.
pub(crate) struct Born {
    pub(crate) lanes: Vec<OwnedFd>,
    pub(crate) image: OwnedFd,
}

/// Looks, and takes the descriptors.
pub(crate) fn verify(confinement: Confinement) -> Result<Born, String> {
    let lanes = (FIRST_LANE..IMAGE).map(lane).collect::<Result<Vec<_>, _>>()?;
    let image = image()?;
    if confinement == Confinement::Demanded {
        no_identity()?;
        no_capability()?;
        no_environment()?;
        no_other_descriptor()?;
    }
    Ok(Born { lanes, image })
}

fn lane(descriptor: RawFd) -> Result<OwnedFd, String> {
    use rustix::net::{AddressFamily, SocketType, sockopt};
    let lane = taken(descriptor)?;
    let kind = (sockopt::socket_type(&lane), sockopt::socket_domain(&lane));
    if kind != (Ok(SocketType::STREAM), Ok(AddressFamily::UNIX)) {
        return Err(format!("descriptor {descriptor} is no lane"));
    }
    Ok(lane)
}

/// What was checked and hashed by the daemon must not change afterwards.
fn image() -> Result<OwnedFd, String> {
    let image = taken(IMAGE)?;
    let needed = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK;
    match rustix::fs::fcntl_get_seals(&image) {
        Ok(seals) if seals.contains(needed) => Ok(image),
        _ => Err(format!("descriptor {IMAGE} is no sealed image")),
    }
}

/// A descriptor number as an owned descriptor, if it is open.
fn taken(descriptor: RawFd) -> Result<OwnedFd, String> {
    if !is_open(descriptor) {
        return Err(format!("descriptor {descriptor} is not open"));
    }
    // SAFETY: it is open, nothing else in this process owns it (it was inherited), and each number is taken once.
    #[expect(unsafe_code, reason = "descriptors are inherited by number")]
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

fn is_open(descriptor: RawFd) -> bool {
    // SAFETY: the borrow ends within this line, and asking for the flags of a number that is not open only fails.
    #[expect(unsafe_code, reason = "a number is to be probed")]
    let borrowed = unsafe { std::os::fd::BorrowedFd::borrow_raw(descriptor) };
    rustix::io::fcntl_getfd(borrowed).is_ok()
}

fn no_identity() -> Result<(), String> {
    if rustix::process::getuid().is_root() || rustix::process::geteuid().is_root() {
        return Err("its user is root".into());
    }
    if rustix::process::getpid().as_raw_nonzero().get() != 1 {
        return Err("it can see other processes: it is not the first of a pid namespace".into());
    }
    match rustix::thread::no_new_privs() {
        Ok(true) => Ok(()),
        _ => Err("it may gain rights: no_new_privs is not set".into()),
    }
}

fn no_capability() -> Result<(), String> {
    let sets = rustix::thread::capabilities(None).map_err(|why| format!("its capabilities are unknown: {why}"))?;
    if !(sets.effective | sets.permitted | sets.inheritable).is_empty() {
        return Err("it has capabilities".into());
    }
    for number in 0..CAPABILITIES {
        let one = CapabilitySet::from_bits_retain(1 << number);
        // A number that this kernel does not know is an error, and no capability.
        if rustix::thread::capability_is_in_bounding_set(one) == Ok(true) {
            return Err(format!("its bounding set holds capability {number}"));
        }
        if rustix::thread::capability_is_in_ambient_set(one) == Ok(true) {
            return Err(format!("its ambient set holds capability {number}"));
        }
    }
    Ok(())
}

fn no_environment() -> Result<(), String> {
    match std::env::vars_os().next() {
        None => Ok(()),
        Some(_) => Err("it has an environment".into()),
    }
}

/// 0 and 1 lead nowhere, and above the image nothing is open.
fn no_other_descriptor() -> Result<(), String> {
    for (number, standard) in [(0, rustix::stdio::stdin()), (1, rustix::stdio::stdout())] {
        let what = rustix::fs::fstat(standard).map_err(|why| format!("descriptor {number}: {why}"))?;
        if FileType::from_raw_mode(what.st_mode) != FileType::CharacterDevice {
            return Err(format!("descriptor {number} is not /dev/null"));
        }
    }
    match (IMAGE + 1..PROBED).find(|descriptor| is_open(*descriptor)) {
        None => Ok(()),
        Some(open) => Err(format!("descriptor {open} is open")),
    }
}
