//! libFuzzer at what a plugin says of itself.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| regent_fuzz::description::read(bytes));
