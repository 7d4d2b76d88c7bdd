//! The service manager.

pub mod activation;
pub mod credential;
pub mod notify;
pub mod service;
