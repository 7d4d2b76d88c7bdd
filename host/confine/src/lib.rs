//! What a process without rights looks for when it begins, and takes from itself before it reads a stranger's first
//! byte.
//!
//! ```text
//! born::verify ──► limits::lower, give_up ──► files::restrict (Landlock) ──► filter::apply (seccomp)
//! ```
//!
//! The spawner has asked the kernel for all that a process is born into; here it is looked at from the inside, since
//! what was asked for and silently not given would be no fence at all. Whatever is missing is said layer by layer, all
//! at once. Nothing is trusted here, and nothing is ever given back.
#![forbid(unsafe_code)]

// What it must have been born with, and without.
mod born;
// Resources, and the right to gain rights.
mod limits;
// Files, ports, and processes outside: none.
mod files;
// System calls.
pub mod filter;

pub use born::verify;
pub use files::restrict;
pub use limits::{LimitError, give_up, lower};
pub use regent_lane::Missing;

/// `EX_NOPERM`: a layer that was demanded is missing.
pub const NOT_CONFINED: u8 = 77;
