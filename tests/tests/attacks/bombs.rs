//! Modules of a few hundred kilobytes, or of a few megabytes, that cost the compiler more than it may have: written in
//! bytes, since the text format's own parser takes long enough for them.

use super::loading::{component, leb};

/// `local.get 0`, `i32.add`, `i32.mul`, `end`.
const GET: &[u8] = &[0x20, 0];
const ADD: &[u8] = &[0x6a];
const MULTIPLY: &[u8] = &[0x6c];
const END: &[u8] = &[0x0b];

/// Fifty thousand values that are all needed at the end: where each is kept takes the compiler a time that is
/// quadratic.
pub(crate) fn of_time() -> Vec<u8> {
    const VALUES: usize = 50_000;
    let square = [GET, GET, MULTIPLY].concat();
    function(&[GET, &square.repeat(VALUES), &ADD.repeat(VALUES), END].concat())
}

/// As many instructions as one function may have: what the compiler notes of each takes 400 bytes.
pub(crate) fn of_memory() -> Vec<u8> {
    const INSTRUCTIONS: usize = 2_500_000;
    let add = [GET, ADD].concat();
    function(&[GET, &add.repeat(INSTRUCTIONS), END].concat())
}

/// A component whose one core module has this function, of an integer to an integer.
fn function(body: &[u8]) -> Vec<u8> {
    const TYPES: &[u8] = &[1, 0x60, 1, 0x7f, 1, 0x7f];
    let body = [&[0][..], body].concat();
    let code = [&[1][..], &leb(body.len()), &body].concat();
    let module = [b"\0asm\x01\0\0\0", &section(1, TYPES)[..], &section(3, &[1, 0]), &section(10, &code)].concat();
    [&component("")[..], &section(1, &module)].concat()
}

fn section(kind: u8, content: &[u8]) -> Vec<u8> {
    [&[kind][..], &leb(content.len()), content].concat()
}
