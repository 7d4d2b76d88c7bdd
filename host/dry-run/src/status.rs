//! The exit statuses: numbers of sysexits.h.

/// A command ran and failed.
pub(crate) const FAILED: u8 = 1;
/// The request was refused, or the module is bad.
pub(crate) const BAD_DATA: u8 = 65;
/// Nothing could be tried.
pub(crate) const CANNOT_START: u8 = 69;
/// The plugin broke a rule.
pub(crate) const FAULT: u8 = 70;
/// The commands are another user's.
pub(crate) const NOT_PERMITTED: u8 = 77;
/// The grants file has mistakes, or does not grant this.
pub(crate) const NOT_GRANTED: u8 = 78;
