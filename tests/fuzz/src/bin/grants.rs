//! libFuzzer at a grants file.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| regent_fuzz::grants::read(bytes));
