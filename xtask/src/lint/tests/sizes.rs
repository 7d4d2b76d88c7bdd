use super::super::sizes::{files, functions, median};
use super::package;

const SOURCE: &str = "\
//! A file.

/// Not counted as a part of the function.
#[must_use]
pub fn long(
    a: u8,
) -> u8 {
    fn inner() {}
    a
}

trait Named {
    fn name(&self);
    fn other(&self) {
    }
}

#[cfg(test)]
mod tests {
    fn test() {}
}
";

#[test]
fn file_is_counted_without_tests() {
    let package = package(&[("lib.rs", SOURCE)]);
    assert_eq!(files(&[package]).iter().map(|file| file.lines).collect::<Vec<_>>(), [16]);
}

#[test]
fn code_after_tests_counts() {
    let text = "fn a() {}\n\n#[cfg(test)]\nmod tests {\n}\n\nfn b() {}\n";
    let package = package(&[("lib.rs", text)]);
    assert_eq!(files(&[package]).iter().map(|file| file.lines).collect::<Vec<_>>(), [3]);
}

#[test]
fn function_is_its_signature_and_body() {
    let functions = functions(&[package(&[("lib.rs", SOURCE)])]);
    let lengths: Vec<_> = functions.iter().map(|length| (length.place.as_str(), length.lines)).collect();
    let expected =
        [("host/one/src/lib.rs:14: other", 2), ("host/one/src/lib.rs:5: long", 6), ("host/one/src/lib.rs:8: inner", 1)];
    assert_eq!(lengths, expected);
    assert_eq!(median(&functions), 2);
    assert_eq!(median(&functions[..2]), 2);
    assert_eq!(median(&[]), 0);
}

#[test]
fn file_of_library_and_program_counts_once() {
    let package = package(&[("lib.rs", "mod a;"), ("main.rs", "mod a;"), ("a.rs", "fn f() {}")]);
    assert_eq!(files(std::slice::from_ref(&package)).len(), 3);
    assert_eq!(functions(&[package]).len(), 1);
}
