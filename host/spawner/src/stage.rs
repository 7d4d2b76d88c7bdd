//! The stages of a birth, each named when it fails.

/// The stage that failed, and errno.
pub(crate) type Stage = (&'static str, i32);

const STAGES: [&str; 18] = [
    "session",
    "signals",
    "descriptors",
    "umask",
    "limits",
    "scheduling",
    "folder",
    "user map",
    "mounts",
    "groups",
    "user",
    "capabilities",
    "no new privileges",
    "exec",
    "reaper",
    "fork",
    "namespaces",
    "host name",
];

/// The name of a stage by its number.
pub(crate) fn stage_name(number: u8) -> &'static str {
    STAGES.get(usize::from(number)).copied().unwrap_or("unknown stage")
}

pub(crate) fn stage_number(name: &str) -> u8 {
    STAGES.iter().position(|stage| *stage == name).and_then(|at| u8::try_from(at).ok()).unwrap_or(u8::MAX)
}
