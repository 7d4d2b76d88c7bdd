//! What is kept: the store of holds and the audit log, and the thread that waits for the disk.

// A file as both see it.
pub mod medium;
// What a record of the log says.
pub mod event;
// The log.
pub mod audit;
// The store.
pub mod store;
// Both together, in the one order.
pub mod ledger;
// What ends the host, and so may end before its record does.
pub mod ending;
// The thread.
pub mod disk;
// A handle of it: the numbers of sandboxes.
pub mod sandbox_numbers;
