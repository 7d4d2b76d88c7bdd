//! A plugin's source as a WebAssembly component, on any machine: the compiler and the tools for it are found or
//! fetched, and what is missing is said. `cargo xtask` builds the shipped plugins with it, `regent plugin build`
//! everybody else's.
//!
//! It runs as whoever typed the command, trusts that source and the machine's package sources, and writes below two
//! folders: the one of the source, and a cache for compilers and environments, which is given.

#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![allow(
    clippy::disallowed_methods,
    reason = "the spawner is the daemon's door to programs; a builder starts compilers"
)]

// The compiler of plugins.
mod toolchain;
// What cargo says of a crate.
mod package;
// A crate as a component.
mod component;
// A folder of Python as one.
pub mod python;
// The ground under these: programs, folders, errors.
mod error;
mod folder;
mod run;

pub use component::{Component, Effort, packages, this};
pub use error::{At, Error, Result};
pub use folder::{emptied, remove};
pub use run::{Run, cargo};
pub use toolchain::{Wasm, host, wasm};
