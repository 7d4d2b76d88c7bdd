//! What a caller hears instead of a result.

use std::fmt;

use regent_lane::TEXT_MAX;

use crate::Refusal;

/// What the caller hears instead of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard(String);

impl Heard {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl PartialEq<&str> for Heard {
    fn eq(&self, text: &&str) -> bool {
        self.0 == *text
    }
}

impl fmt::Display for Heard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

pub(super) fn heard(refusal: &Refusal) -> Heard {
    eprintln!("refused: {refusal}");
    match refusal.code.as_str() {
        "invalid-data" => Heard(format!("Invalid data: {}", line(&refusal.message))),
        _ => Heard("Operation failed".into()),
    }
}

/// The words of a refusal are cut and not blamed, because they are often made of what a caller sent.
pub(super) fn line(words: &str) -> &str {
    words.get(..words.floor_char_boundary(TEXT_MAX)).unwrap_or(words)
}

pub(super) fn fits(what: &str, size: usize, most: usize) {
    assert!(size <= most, "{what}: {size} bytes, and {most} are allowed");
}
