//! Why something was refused: told to an administrator who names the reference that the caller was given. The caller
//! itself learns none of it.
//!
//! What happened last is kept in memory, bounded for each peer and in all, so that one who is refused a thousand times
//! takes nobody else's answer away; what is older is looked up in the audit log, which knows less of it.

// What an administrator is told of a refusal.
pub mod explained;
// The rules that decide, and what would have them decide otherwise.
pub mod rules;
// Lines to be copied into a grants file.
pub mod lines;
// A file for one socket alone.
mod apart;
// What a file has and does not serve.
pub(crate) mod unserved;
// Holds that ended otherwise than done.
pub mod ended;
// What is kept in memory.
pub mod remembered;
// What the log still knows.
pub mod log;
