//! An author's first two steps: a plugin to begin with, and its source as a component.

// What is typed.
mod arguments;
// `plugin new`.
mod new;
// A folder with a plugin's source.
mod source;
// `plugin build`.
mod build;
// Where the SDK is.
mod sdk;

pub(crate) use arguments::{Build, New};
pub(crate) use build::build;
pub(crate) use new::new;
