//! Modules that served before, as the daemon keeps them in its state folder, which only its own user reads:
//! STATE/modules/HEX.wasm, and NAME.json for the plugin, which names the one that serves and those before it.

use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;

use regent_files::Untrusted;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use serde::Deserialize;

use crate::described::is_digest;
use crate::files::Configuration;

/// Such a file names a few digests.
const RECORD_MAX: u64 = 4 << 10;

/// What a plugin accepted, as digests.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Record {
    /// The one that served last.
    pub(super) accepted: String,
    /// Those before it, the newest first.
    pub(super) before: Vec<String>,
}

fn folder(configuration: &Configuration) -> PathBuf {
    configuration.config.state.join("modules")
}

/// What the daemon noted of this plugin; `None`: it never served. That it is the daemon's word is all that is believed
/// of it: a file that the daemon's own user wrote, with digests that people are shown before any of them counts.
pub(super) fn record(configuration: &Configuration, plugin: &str) -> Result<Option<Record>, Untrusted> {
    let path = folder(configuration).join(format!("{plugin}.json"));
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match rustix::fs::open(&path, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT) => return Ok(None),
        Err(errno) => return Err(Untrusted::Failed(path, errno)),
    };
    let unreadable = |why: &dyn std::fmt::Display| Untrusted::Unsafe(path.clone(), format!("cannot be read: {why}"));
    let mut text = String::new();
    file.take(RECORD_MAX).read_to_string(&mut text).map_err(|why| unreadable(&why))?;
    let mut record: Record = serde_json::from_str(&text).map_err(|why| unreadable(&why))?;
    record.before.retain(|digest| is_digest(digest));
    if is_digest(&record.accepted) { Ok(Some(record)) } else { Err(unreadable(&"it names what is no digest")) }
}

/// A module that is kept.
pub(super) fn module(configuration: &Configuration, digest: &str) -> Option<PathBuf> {
    let path = folder(configuration).join(format!("{digest}.wasm"));
    (is_digest(digest) && path.symlink_metadata().is_ok_and(|found| found.is_file())).then_some(path)
}
