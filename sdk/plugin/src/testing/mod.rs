//! Under construction.
pub(crate) mod calls;
