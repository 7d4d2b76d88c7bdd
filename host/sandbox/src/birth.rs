//! The descriptors that the process was born with: its lanes, its image, and no other.

use std::fmt;
use std::os::fd::{FromRawFd as _, OwnedFd, RawFd};

use regent_lane::LANES;
use rustix::fs::{FileType, SealFlags};
use rustix::io::Errno;

/// The first lane's descriptor; the others follow.
const FIRST_LANE: RawFd = 3;
/// The compiled component's.
const IMAGE: RawFd = FIRST_LANE + LANES as RawFd;
/// Descriptors above the expected ones that are looked at one by one: more than any spawner leaves open by mistake.
const PROBED: RawFd = 1024;

/// A descriptor that is not what it has to be.
pub(crate) enum DescriptorError {
    NotALane(RawFd),
    NotAnImage(RawFd),
    NotOpen(RawFd),
    NotNull(RawFd),
    Unknown(RawFd, Errno),
    Open(RawFd),
}

impl fmt::Display for DescriptorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotALane(number) => write!(f, "descriptor {number} is no lane"),
            Self::NotAnImage(number) => write!(f, "descriptor {number} is no sealed image"),
            Self::NotOpen(number) => write!(f, "descriptor {number} is not open"),
            Self::NotNull(number) => write!(f, "descriptor {number} is not /dev/null"),
            Self::Unknown(number, errno) => write!(f, "descriptor {number}: {errno}"),
            Self::Open(number) => write!(f, "descriptor {number} is open"),
        }
    }
}

/// The descriptors, each known to be what it has to be.
pub(crate) struct Born {
    pub(crate) lanes: Vec<OwnedFd>,
    pub(crate) image: OwnedFd,
}

/// Takes them. Where something was left open by mistake nothing is served.
pub(crate) fn descriptors(none_but_these: bool) -> Result<Born, DescriptorError> {
    let lanes = (FIRST_LANE..IMAGE).map(lane).collect::<Result<Vec<_>, _>>()?;
    let image = image()?;
    if none_but_these {
        no_other_descriptor()?;
    }
    Ok(Born { lanes, image })
}

fn lane(descriptor: RawFd) -> Result<OwnedFd, DescriptorError> {
    use rustix::net::{AddressFamily, SocketType, sockopt};
    let lane = taken(descriptor)?;
    let kind = (sockopt::socket_type(&lane), sockopt::socket_domain(&lane));
    if kind != (Ok(SocketType::STREAM), Ok(AddressFamily::UNIX)) {
        return Err(DescriptorError::NotALane(descriptor));
    }
    Ok(lane)
}

/// What was checked and hashed by the daemon must not change afterwards.
fn image() -> Result<OwnedFd, DescriptorError> {
    let image = taken(IMAGE)?;
    let needed = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK;
    match rustix::fs::fcntl_get_seals(&image) {
        Ok(seals) if seals.contains(needed) => Ok(image),
        _ => Err(DescriptorError::NotAnImage(IMAGE)),
    }
}

/// A descriptor number as an owned descriptor, if it is open.
fn taken(descriptor: RawFd) -> Result<OwnedFd, DescriptorError> {
    if !is_open(descriptor) {
        return Err(DescriptorError::NotOpen(descriptor));
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

/// 0 and 1 lead nowhere, and above the image nothing is open.
fn no_other_descriptor() -> Result<(), DescriptorError> {
    for (number, standard) in [(0, rustix::stdio::stdin()), (1, rustix::stdio::stdout())] {
        let what = rustix::fs::fstat(standard).map_err(|errno| DescriptorError::Unknown(number, errno))?;
        if FileType::from_raw_mode(what.st_mode) != FileType::CharacterDevice {
            return Err(DescriptorError::NotNull(number));
        }
    }
    match (IMAGE + 1..PROBED).find(|descriptor| is_open(*descriptor)) {
        None => Ok(()),
        Some(open) => Err(DescriptorError::Open(open)),
    }
}
