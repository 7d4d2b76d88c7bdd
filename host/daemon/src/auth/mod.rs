//! Authorisation.
pub mod consent;
pub mod people;
