//! libFuzzer at the audit log.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| regent_fuzz::audit::read(bytes));
