//! libFuzzer at regent.toml.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| regent_fuzz::config::read(bytes));
