//! libFuzzer at a slot and its values.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| regent_fuzz::slot::fill(bytes));
