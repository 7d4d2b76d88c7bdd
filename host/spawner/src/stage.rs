//! The stages of a birth, each named when it fails.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The stage that failed, and errno.
pub type FailedStage = (Stage, i32);

/// A stage of a birth. Its number is one byte: that is all that a child can say of it before its exec.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u8)]
pub enum Stage {
    Signals,
    Descriptors,
    Limits,
    Folder,
    UserMap,
    Mounts,
    Groups,
    User,
    Capabilities,
    NoNewPrivileges,
    Exec,
    Reaper,
    Fork,
    Namespaces,
    HostName,
    /// The child named none.
    Unknown,
}

impl Stage {
    /// The stage with this number.
    pub fn of(number: u8) -> Self {
        postcard::from_bytes(&[number]).unwrap_or(Self::Unknown)
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Signals => "signals",
            Self::Descriptors => "descriptors",
            Self::Limits => "limits",
            Self::Folder => "folder",
            Self::UserMap => "user map",
            Self::Mounts => "mounts",
            Self::Groups => "groups",
            Self::User => "user",
            Self::Capabilities => "capabilities",
            Self::NoNewPrivileges => "no new privileges",
            Self::Exec => "exec",
            Self::Reaper => "reaper",
            Self::Fork => "fork",
            Self::Namespaces => "namespaces",
            Self::HostName => "host name",
            Self::Unknown => "unknown stage",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_is_known_by_its_number() {
        for stage in [Stage::Signals, Stage::Namespaces, Stage::HostName] {
            assert_eq!(Stage::of(stage as u8), stage);
        }
        assert_eq!(Stage::of(u8::MAX), Stage::Unknown);
    }
}
