//! libFuzzer at a line.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| regent_fuzz::line::read(bytes));
