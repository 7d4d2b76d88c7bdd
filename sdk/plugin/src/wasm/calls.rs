//! The host's functions, as the component imports them.

use super::bindings::regent::plugin as imports;
use crate::{Level, Refusal};

pub(crate) fn plan(command: &str, values: Vec<(String, String)>) -> Result<(), Refusal> {
    imports::commands::plan(command, &values)
        .map_err(|refusal| Refusal { code: refusal.code, message: refusal.message })
}

pub(crate) fn log(level: Level, text: &str) {
    let level = match level {
        Level::Debug => imports::log::Level::Debug,
        Level::Info => imports::log::Level::Info,
        Level::Warning => imports::log::Level::Warning,
        Level::Error => imports::log::Level::Error,
    };
    imports::log::write(level, text);
}

pub(crate) fn settings() -> String {
    imports::settings::all()
}

pub(crate) fn now() -> u64 {
    imports::clocks::now()
}

pub(crate) fn monotonic() -> u64 {
    imports::clocks::monotonic()
}

pub(crate) fn random(length: u32) -> Vec<u8> {
    imports::random::bytes(length)
}
