//! libFuzzer at a reply, as a client reads it.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| regent_fuzz::reply::read(bytes));
