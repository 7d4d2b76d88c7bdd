//! The words between the daemon and a sandbox, and nothing else.
//!
//! A lane is a stream socket pair between the daemon and one thread of a sandbox. The daemon asks ([`Ask`]), the
//! sandbox says ([`Say`]); one exchange at a time, so a word needs no identifier: what arrives on a lane belongs to the
//! exchange that the lane serves. The daemon must treat every word that it reads as hostile: the types are flat, the
//! frames have a maximum, and what decoding allocates is bounded by the bytes that are there: an empty text takes one
//! of them and 24 in memory.
//!
//! ```text
//! Load ──► Log* Loaded | Unloadable                           (first, on lane 0 alone)
//! Describe ──► Log* Described | Fault
//! Prepare ──► (Log | Plan ──► Planned)* Prepared | Refused | Fault
//! Finish ──► Log* Finished | Fault
//! ```
//!
//! The compiler tells its [`ModuleError`]s in the same frames.
//! A sandbox that was started with `--verify` sends each [`Missing`] layer in such a frame.
#![forbid(unsafe_code)]

mod faults;
mod frame;
mod layers;
mod limits;
mod words;

pub use faults::{Blame, ModuleCode, ModuleError};
pub use frame::{FrameError, HEADER, Side, decode, decode_all, encode, frame_length};
pub use layers::{Demands, HOST_NAME, Layer, Missing};
pub use limits::*;
pub use words::{Ask, Authorised, Call, Export, Level, Outcome, Refusal, Say, Settings, StepResult};
