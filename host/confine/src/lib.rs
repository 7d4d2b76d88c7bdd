//! What a process without rights looks for when it begins, and takes from itself before it reads a stranger's first byte.
//!
//! ```text
//! born::verify ──► limits::lower, give_up ──► files::restrict (Landlock) ──► filter::apply (seccomp)
//! ```
//!
//! The spawner has asked the kernel for all that a process is born into; here it is looked at from the inside, since what was
//! asked for and silently not given would be no fence at all. Whatever is missing is said layer by layer, all at once. Nothing
//! is trusted here, and nothing is ever given back.
#![forbid(unsafe_code)]

// What it must have been born with, and without.
mod born;
// Resources, and the right to gain rights.
mod limits;
// Files, ports, and processes outside: none.
mod files;
// System calls.
pub mod filter;

use std::fmt;

pub use born::verify;
pub use files::restrict;
pub use limits::{LimitError, give_up, lower};
use regent_lane::Layer;

/// `EX_NOPERM`: a layer that was demanded is missing.
pub const NOT_CONFINED: u8 = 77;

/// Something that was demanded and is not there.
#[derive(Debug, PartialEq, Eq)]
pub struct Missing {
    /// The layer; `None`: what no kernel lacks, so that somebody started the program who should not have.
    pub layer: Option<Layer>,
    /// How that was seen.
    pub why: String,
}

impl Missing {
    fn layer(layer: Layer, why: &dyn fmt::Display) -> Self {
        Self { layer: Some(layer), why: why.to_string() }
    }

    /// What no kernel lacks.
    pub fn other(why: &dyn fmt::Display) -> Self {
        Self { layer: None, why: why.to_string() }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { layer, why } = self;
        write!(f, "{}: {why}", layer.map_or("confinement", Layer::name))
    }
}
