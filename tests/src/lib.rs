//! Regent from outside: what the tests share. A [`World`] is a private folder with a configuration; started, it is the
//! real daemon from `target/dist`, spoken to in raw bytes, by the command line, or by the Python client.
//!
//! `cargo xtask test` builds `target/dist` and everything else that is needed, and runs these as root; what is missing
//! fails a test and is named.
#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a test that cannot go on says so by panicking"
)]

// A private folder with a configuration.
mod world;
// The daemon that runs over it.
mod running;
// Its sandboxes.
mod sandboxes;
// A connection in raw bytes.
mod wire;
// A client in namespaces of its own.
mod container;
// The Python client.
mod python;
// Whole conversations as people see them.
mod screen;
// Texts that are kept as files, by the code of the command line's own tests.
#[path = "../../host/cli/tests/screens/mod.rs"]
mod screens;
// Modules that come, go and change.
mod modules;
// Processes as /proc shows them.
pub mod proc;
// And as their memory shows them.
pub mod memory;
// A program that goes on, and what it tells.
mod watched;
// File systems that are full, or cannot be written.
mod mounts;
// System calls that fail.
mod injected;
// Trying again until it holds.
mod eventually;

pub use container::{Container, Given, Mounted};
pub use eventually::eventually;
pub use injected::Injected;
pub use modules::{bytes, relabelled};
pub use mounts::Mount;
pub use python::{client, python};
pub use running::{Cli, Running};
pub use sandboxes::kill_sandbox;
pub use screen::Screen;
pub use watched::Watched;
pub use wire::{Wire, code, error};
pub use world::{SECRET, World, dist, fixture, group_of, needs_root, user};
