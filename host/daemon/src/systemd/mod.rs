//! The service manager.

// Sockets that it opened.
pub mod activation;
// Secrets that it hands over.
pub mod credential;
// What it is told.
pub mod notify;
// What binds the service that the daemon is.
pub mod service;
