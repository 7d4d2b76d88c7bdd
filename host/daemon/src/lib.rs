//! Regent's privileged daemon: it owns the sockets, the secrets, the authorisation flow, the store of holds, the audit log
//! and every decision.
#![forbid(unsafe_code)]

pub mod process;
pub mod log;
pub mod random;
pub mod users;
pub mod trusted_file;
pub mod connection;
pub mod gate;
pub mod hold;
pub mod auth;
pub mod held;
pub mod kept;
pub mod plugin;
