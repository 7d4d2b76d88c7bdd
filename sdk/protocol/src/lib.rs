//! The wire between Regent's daemon and whoever asks it: frames, requests, replies and their texts, without I/O.
//!
//! One JSON object a line. What comes from a client is hostile: it is read once by [`Line::read`], which accepts
//! exactly one meaning for every byte sequence (no duplicate keys, bounded depth, no lone surrogates, no numbers that
//! read as infinite), and from then on its `data` is its original text. Every check has its place in one order: length;
//! UTF-8 and JSON; depth; is it an object ([`Line::read`]); the secret (the daemon's, from [`Line::secret`]); duplicate
//! keys; types of known keys; keys that are not served; `op` or `uid` ([`Line::request`]).
//!
//! Every text that a caller can be told stands once, in [`refusal`]. Nothing here panics, waits, or allocates more than
//! a small multiple of the line that it was given.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

// What an outsider may cost.
mod limits;
// One strict reading of JSON.
mod json;
// JSON text that is carried, never parsed and printed again.
mod data;
// A line that is JSON and an object, and what may be known of it before its secret is right.
mod line;
// What a caller asks.
mod request;
// What a caller is told when it is not done, and by which code.
pub mod refusal;
// Where a held operation stands.
mod state;
// What a caller is told when it is, or when it waits.
mod reply;
// A reply as a client reads it.
mod answer;
// What an administrator asks.
mod admin;
// Plans and held operations as people and programs are shown them.
mod view;
// What serves, and why not.
mod serving;
// A module, as `regent-dry-run inspect` describes it.
mod module;
// Text of strangers, made harmless.
pub mod visible;

pub use admin::{AdminReply, AdminRequest};
pub use answer::{AnswerLine, NotAReply};
pub use data::Data;
pub use limits::{DEPTH_MAX, ID_MAX, LINE_MAX, REPLY_LINE_MAX, WAIT_MAX, WAIT_MIN};
pub use line::Line;
pub use module::{DescribedOperation, ImportView, ModuleView, WantedCommand};
pub use refusal::{Code, Refusal, Rejection};
pub use reply::Reply;
pub use request::{Ask, Request};
pub use serving::{
    AllowView, CrashesView, OperationView, PluginView, Reloaded, RuleView, ServedView, Serving, SocketView, StatusView,
    WhyView,
};
pub use state::State;
pub use view::{DryRun, HoldView, Origin, PlannedStepView, Seconds, StepView, Values};
