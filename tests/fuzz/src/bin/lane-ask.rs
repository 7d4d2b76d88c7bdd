//! libFuzzer at what a sandbox hears of the daemon.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| regent_fuzz::lane::ask(bytes));
