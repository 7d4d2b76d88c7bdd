//! libFuzzer at what a line asks.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| regent_fuzz::request::read(bytes));
