//! What processes hold, as the kernel tells it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;

/// Whether this process is root's.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A process, its descendants, and theirs.
pub(crate) fn family(pid: u32) -> Vec<u32> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let children = children.split_whitespace().filter_map(|pid| pid.parse().ok());
    std::iter::once(pid).chain(children.flat_map(family)).collect()
}

/// The file that it runs: its short name may be a descriptor's number.
pub(crate) fn name(pid: u32) -> String {
    let file = fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
    let file = file.file_name().map(|name| name.to_string_lossy().into_owned());
    file.unwrap_or_else(|| fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim().to_owned())
}

/// Resident memory, in KiB.
pub(crate) fn resident(pid: u32) -> f64 {
    kib(&format!("/proc/{pid}/status"), "VmRSS:")
}

/// Resident memory with what is shared divided among those who share it, in KiB.
pub(crate) fn share(pid: u32) -> f64 {
    kib(&format!("/proc/{pid}/smaps_rollup"), "Pss:")
}

fn kib(file: &str, field: &str) -> f64 {
    let text = fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(field)).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse().ok()).unwrap_or(f64::NAN)
}

/// What a process has open.
pub(crate) struct Open {
    pub(crate) descriptors: usize,
    /// Memory files, each once, in KiB: they are in no process's resident memory.
    pub(crate) sealed: f64,
}

pub(crate) fn open(pid: u32) -> Open {
    let folder = format!("/proc/{pid}/fd");
    let all: Vec<_> = fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    let sealed = all
        .iter()
        .filter(|path| fs::read_link(path).is_ok_and(|target| target.to_string_lossy().starts_with("/memfd:")));
    let sizes: BTreeMap<(u64, u64), u64> = sealed
        .filter_map(|path| fs::metadata(path).ok())
        .map(|stat| ((stat.dev(), stat.ino()), stat.blocks() * 512))
        .collect();
    Open { descriptors: all.len(), sealed: sizes.values().sum::<u64>() as f64 / 1024.0 }
}
