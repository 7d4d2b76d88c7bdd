//! What Regent reads of others' bytes, as entry points: each takes any bytes and panics if something is not as it must
//! be, be it in what was read, in what reading cost, or in a second reading of another make.
//!
//! `cargo xtask fuzz` lets libFuzzer look for such bytes; `tests/corpus.rs` calls the same entry points with those that
//! are kept. docs/fuzzing.md has the table, and what to do with a finding.
#![allow(clippy::expect_used, reason = "a target says by panicking what it found")]

// What a client sends: a line, and what it asks.
pub mod line;
pub mod request;
// What a client reads.
pub mod reply;
// The words between the daemon and a sandbox, and between it and the spawner.
pub mod lane;
pub mod spawner;
// What an administrator wrote.
pub mod config;
pub mod grants;
// What may stand in a command line.
pub mod slot;
// What a plugin says of itself.
pub mod description;
// What the daemon reads of its own files.
pub mod audit;
pub mod hold;

// What reading allocates.
mod cost;
// Bytes of memory that are a file.
mod medium;
// JSON, looked at by another than its readers.
mod seen;

pub use cost::within;

/// A target: whatever the bytes, it returns.
pub type Target = fn(&[u8]);

/// Each by its name, which is that of its program and of its folder in `corpus`.
pub const TARGETS: [(&str, Target); 12] = [
    ("line", line::read),
    ("request", request::read),
    ("reply", reply::read),
    ("lane-ask", lane::ask),
    ("lane-say", lane::say),
    ("spawner", spawner::read),
    ("config", config::read),
    ("grants", grants::read),
    ("slot", slot::fill),
    ("description", description::read),
    ("hold", hold::read),
    ("audit", audit::read),
];
