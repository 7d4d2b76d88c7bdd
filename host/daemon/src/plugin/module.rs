//! A module as it is read: once, from a judged handle, into a sealed memory file while it is hashed. What was hashed is
//! what is compiled; the file on the disk is never opened again.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::AsRawFd as _;
use std::path::Path;

use regent_lane::{MODULE_MAX, ModuleCode, ModuleError};
use rustix::fs::{FileType, MemfdFlags, Mode, OFlags, SealFlags};
use sha2::{Digest as _, Sha256};

use crate::trusted_file::Trusted;

const CHUNK: usize = 128 << 10;

/// SHA-256 of a module, as pins name it.
pub type ModuleDigest = [u8; 32];

/// Bytes that nobody can change any more, and their SHA-256.
#[derive(Debug)]
pub struct Sealed {
    file: File,
    digest: [u8; 32],
    size: u64,
}

impl Sealed {
    /// Copies at most `limit` bytes of `from`.
    ///
    /// # Errors
    /// What the kernel says, or that there is more.
    pub fn copy(name: &str, mut from: impl io::Read, limit: u64) -> io::Result<Self> {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let mut file = File::from(rustix::fs::memfd_create(name, flags)?);
        let mut hash = Sha256::new();
        let mut chunk = vec![0; CHUNK];
        let mut size = 0;
        loop {
            let length = match from.read(&mut chunk) {
                Ok(0) => break,
                Ok(length) => length,
                Err(why) if why.kind() == io::ErrorKind::Interrupted => continue,
                Err(why) => return Err(why),
            };
            size += length as u64;
            if size > limit {
                return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("is larger than {limit} bytes")));
            }
            let read = chunk.get(..length).unwrap_or_default();
            hash.update(read);
            file.write_all(read)?;
        }
        rustix::fs::fcntl_add_seals(&file, SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL)?;
        Ok(Self { file, digest: hash.finalize().into(), size })
    }

    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    pub fn size(&self) -> u64 {
        self.size
    }

    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self { file: self.file.try_clone()?, digest: self.digest, size: self.size })
    }

    /// A handle of its own offset, at the start, that can only read.
    pub fn reader(&self) -> io::Result<File> {
        // Opened anew: a duplicate would share the offset with the others.
        File::open(format!("/proc/self/fd/{}", self.file.as_raw_fd()))
    }
}

pub fn read(path: &Path) -> Result<Sealed, ModuleError> {
    if let Some(kind) = no_file(path) {
        return Err(format!("{}: is {kind}: put the .wasm file itself there", path.display()).into());
    }
    let trusted = Trusted::open_itself(path).map_err(|why| why.with_cure())?;
    if trusted.size() > MODULE_MAX {
        return Err(too_large(path));
    }
    Sealed::copy("module", trusted.into_file(), MODULE_MAX).map_err(|why| format!("{}: {why}", path.display()).into())
}

/// Reads a module that is only tried: whoever owns it, for nothing of it is believed. A pipe or device is not waited
/// for.
pub fn read_untrusted(path: &Path) -> Result<Sealed, ModuleError> {
    let said = |why: &dyn std::fmt::Display| ModuleError::from(format!("{}: {why}", path.display()));
    // Looked at before it is opened: opening alone starts some devices, and a link may name any.
    let handle = rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).map_err(|why| said(&why))?;
    let found = rustix::fs::fstat(&handle).map_err(|why| said(&why))?;
    if !FileType::from_raw_mode(found.st_mode).is_file() {
        return Err(said(&"is not a file: name the .wasm file itself"));
    }
    if u64::try_from(found.st_size).is_ok_and(|size| size > MODULE_MAX) {
        return Err(too_large(path));
    }
    let file = File::open(format!("/proc/self/fd/{}", handle.as_raw_fd())).map_err(|why| said(&why))?;
    Sealed::copy("module", file, MODULE_MAX).map_err(|why| said(&why))
}

/// What has the place of a file, in words; whether it may be read is judged when it is opened.
fn no_file(path: &Path) -> Option<&'static str> {
    let kind = path.symlink_metadata().ok()?.file_type();
    if kind.is_file() {
        return None;
    }
    Some(if kind.is_symlink() {
        "a symbolic link"
    } else if kind.is_dir() {
        "a folder"
    } else {
        "a pipe, a socket or a device"
    })
}

fn too_large(path: &Path) -> ModuleError {
    let (path, most) = (path.display(), MODULE_MAX >> 20);
    let text = format!("{path} is larger than {most} MiB, as no module may be: strip it (wasm-tools strip)");
    ModuleCode::Size.because(text)
}
