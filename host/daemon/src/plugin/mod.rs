//! Plugins.
pub mod places;
pub mod lane;
pub mod module;
pub mod cache;
