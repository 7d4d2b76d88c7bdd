//! A blocking client of Regent's sockets.
//!
//! ```no_run
//! use regent_client::{Answer, Client, Data, Options};
//!
//! let mut client = Client::new("/run/regent/web/regent.sock", "123456");
//! match client.call("whoami", Data::null(), &Options::default())? {
//!     Answer::Done(data) => println!("{}", data.as_str()),
//!     Answer::Held(held) => println!("{}: {}", held.uid, held.text),
//! }
//! # Ok::<(), regent_client::Error>(())
//! ```
//!
//! A connection is kept between calls. Everything is bounded: connecting, writing, waiting, and how long a reply may
//! be. A request that was sent is never sent again by itself, for it may have been done.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

// One connection: a line out, a line in, before a deadline.
mod connection;
// What can go wrong.
mod error;
// Asking for operations.
mod client;
// Deciding about held ones.
mod admin;

pub use admin::Admin;
pub use client::{Answer, Client, Held, Options};
pub use error::Error;
pub use regent_protocol::{AdminRequest, Code, Data, HoldView, State};
