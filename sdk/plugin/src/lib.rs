//! What the author of a Regent plugin writes.
//!
//! A plugin is a WebAssembly component without any right of its own. Each of its operations turns a request into a
//! *plan*, by naming commands that the administrator granted; the daemon shows the plan, has it authorised and carries
//! it out; and `finish` makes the reply from what came of it.
//!
//! ```
//! use regent_plugin::prelude::*;
//!
//! #[derive(Serialize, Deserialize)]
//! struct WhoAmI;
//!
//! impl Operation for WhoAmI {
//!     type Data = Ignored;
//!     const SUMMARY: &'static str = "Tell which user commands run as";
//!
//!     fn prepare(_: Ignored, plan: &mut Plan) -> Result<Self, Refusal> {
//!         plan.run("whoami", &[])?;
//!         Ok(WhoAmI)
//!     }
//!
//!     fn finish(self, results: &Results) -> Result<impl Serialize, Failure> {
//!         Ok(results.text()?.trim().to_owned())
//!     }
//! }
//!
//! plugin! { "whoami" => WhoAmI; wants "whoami"(): "the one command" }
//! # fn main() {}
//! ```
//!
//! What does not fit is told by its place, in one line, and to whom it helps. Data that is not as [`Operation::Data`]
//! says is the caller's fault: `Invalid data: port: expected a whole number from 0 to 65535, found a string`. Output
//! that is not as [`Results::text`] or [`Results::json`] want it is told to the log, and so is a panic, with its text
//! and place; the caller hears `Operation failed`.
//!
//! The crate is a `cdylib` built for `wasm32-wasip2`. The same code builds natively, where [`testing`] is its host, so
//! that plain `cargo test` tries plugin and grants file together. The WebAssembly interface itself, and how to write a
//! plugin in another language, stand in `wit/README.md`.

#![warn(missing_docs)]
// What an author implements, and what it is given.
mod operation;
mod plan;
mod results;

// What an author answers with.
mod refusal;
mod step;

// The functions of the host.
mod host;
mod level;

// How the host reaches all that.
mod data;
mod plugin;
mod table;
mod want;

/// The host of a plugin's tests: the daemon's own checker of grants, without a daemon.
#[cfg(not(target_family = "wasm"))]
pub mod testing;

#[cfg(target_family = "wasm")]
mod wasm;

pub use host::{log, monotonic, now, random, settings};
pub use level::Level;
pub use operation::{Authorise, Operation};
pub use plan::Plan;
pub use plugin::{Entry, Plugin};
pub use refusal::{Failure, Refusal};
pub use results::{Results, StepResult};
pub use serde::de::IgnoredAny as Ignored;
pub use step::Step;
pub use want::Want;

#[cfg(target_family = "wasm")]
#[doc(hidden)]
pub use wasm::{Component, bindings};

/// Natively there is nothing to export.
#[cfg(not(target_family = "wasm"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __exports {
    ($plugin:ident) => {};
}

/// What most plugins use.
pub mod prelude {
    pub use crate::{Failure, Ignored, Level, Operation, Plan, Refusal, Results, Step, log, plugin, settings};
    pub use serde::{Deserialize, Serialize};
}
