//! Modules that served before, as the daemon keeps them in its state folder, which only its own user reads: STATE/modules/HEX.wasm,
//! and NAME.json for the plugin, which names the one that serves and those before it.

use std::path::PathBuf;

use regent_files::{Folder, Untrusted};
use serde::Deserialize;

use crate::files::Configuration;

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

/// What the daemon noted of this plugin; `None`: it never served.
pub(super) fn record(configuration: &Configuration, plugin: &str) -> Result<Option<Record>, Untrusted> {
    let path = folder(configuration);
    let read = Folder::open(&path).and_then(|folder| folder.read(&format!("{plugin}.json")));
    let text = match read {
        Ok((text, _)) => text,
        Err(Untrusted::Missing(_)) => return Ok(None),
        Err(why) => return Err(why),
    };
    let record: Record = serde_json::from_str(&text)
        .map_err(|why| Untrusted::Unsafe(path.join(format!("{plugin}.json")), format!("cannot be read: {why}")))?;
    Ok(Some(record))
}

/// A module that is kept.
pub(super) fn module(configuration: &Configuration, digest: &str) -> Option<PathBuf> {
    let digits = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    let path = folder(configuration).join(format!("{digest}.wasm"));
    (digits && path.symlink_metadata().is_ok_and(|found| found.is_file())).then_some(path)
}
