//! stub
use crate::{Level, Refusal};
pub(crate) fn plan(_command: &str, _values: Vec<(String, String)>) -> Result<(), Refusal> { Ok(()) }
pub(crate) fn log(_level: Level, _text: &str) {}
pub(crate) fn settings() -> String { "{}".into() }
pub(crate) fn now() -> u64 { 0 }
pub(crate) fn monotonic() -> u64 { 0 }
pub(crate) fn random(_length: u32) -> Vec<u8> { vec![] }
