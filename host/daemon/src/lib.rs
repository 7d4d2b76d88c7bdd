//! Regent's privileged daemon: it owns the sockets, the secrets, the authorisation flow, the store of holds, the audit
//! log and every decision. It runs no code that a plugin supplied and links no engine that could.
//!
//! ```text
//! bytes ─► Line ─► Request ─► Admitted ─► Prepared ─► Decision ─┬─ Deny ────────────► Because ─► bytes
//! listen   serve   pipeline   gate        prepare     auth      ├─ Ask ──► held (durable) ─► uid ─► bytes
//!                                                               └─ Allow(Authorized) ─► perform ─► bytes
//! ```
//!
//! An allowed operation is on record before it is performed and after. What is held is performed by `resume` once it is
//! approved.
//!
//! What holds everywhere: nothing with an effect happens before an [`auth::Authorized`] exists; what was held is on the
//! disk as performing before it begins; nobody who is not trusted is waited for without a deadline; nothing that a
//! client or a plugin sends ends the process. One thread carries all requests and owns their state; one more waits for
//! the disk.
#![forbid(unsafe_code)]

// The data that the stages hand on.
pub mod record;

// What the administrator wrote, as the daemon lives by it.
pub mod policy;
// What lies in the folders, and what of it serves.
pub mod installed;
// Files that only root may read.
pub mod handed;
// Root's rights, given away; what of the kernel is left; memory and terminal.
pub mod hardening;
pub mod privileges;
pub mod system_calls;
// What is wrong with both, said and nothing served.
pub mod check;
// The programs that belong to the daemon.
pub mod helpers;
// Each service built once, in order; all files read again; the end.
pub mod reload;
pub mod reloading;
pub mod shutdown;
pub mod start;

// Sockets in the file system, and the tasks on them.
pub mod crowd;
pub mod listen;
pub mod listening;
pub mod serve;
// What peers share: who is next, how much of each thing there is, and whose turn it is.
pub mod fair;
pub mod shares;
pub mod turns;
// One connection: lines in, replies out.
pub mod connection;
mod stream;

// The way of a request, read from top to bottom.
pub mod answered;
pub mod pipeline;
// Who is asking, and may it ask here at all.
pub mod gate;
pub mod secrets;
// From a name and data to what would run.
pub mod prepare;
// Which operation it names, and may this peer see it.
pub mod catalog;
// The plugin that serves it.
pub mod plugin;
// What would run.
pub mod plan;
// May it run now, wait, or not at all.
pub mod auth;
// What waits, and what its requester asks about it.
pub mod held;
pub mod requested;
// What was consented, run.
pub mod resume;
// What may run, run.
pub mod perform;
// "No", sorted by blame, and why.
pub mod refusals;
pub mod why;
// What a caller may ask for at all.
pub mod list;
// The same for administrators.
pub mod admin;
pub mod status;

// The service manager: what it hands over, what it is told, and what binds the service.
pub mod systemd;
pub use systemd::{activation, credential, notify, service};
// Doors, each the one place with that power: starting programs, trusted files, what is kept.
pub mod kept;
pub mod process;
pub use regent_files as trusted_file;
pub mod log;
pub mod random;
pub mod time;
