//! The plain data of the domain: who asked, for what, how it ended and why. It uses no service, so that everything may
//! use it.

// The peer that asks.
pub mod requester;
// The requester's idempotency key.
pub mod key;
// Texts, cut to a length.
pub mod text;
// Why something was refused or failed.
pub mod why;
// Why a hold ended, and who decided.
pub mod reason;
// How a run ended.
pub mod outcome;
// A held operation.
pub mod hold;
// A refusal on its way to the caller, and what only the log is told.
pub mod denial;
