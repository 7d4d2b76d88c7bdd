//! libFuzzer at what the store keeps.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| regent_fuzz::hold::read(bytes));
