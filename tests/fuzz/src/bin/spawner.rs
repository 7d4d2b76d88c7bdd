//! libFuzzer at the words of daemon and spawner.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| regent_fuzz::spawner::read(bytes));
