//! libFuzzer at what the daemon hears of a sandbox.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| regent_fuzz::lane::say(bytes));
