//! Random letters, from the system's secure source.

use rand::RngExt as _;

pub fn letters(of: &[u8], length: usize) -> String {
    let mut source = rand::rng();
    (0..length).filter_map(|_| of.get(source.random_range(0..of.len())).copied().map(char::from)).collect()
}

/// What a caller and an administrator can say to each other: eight letters.
pub fn reference() -> String {
    letters(b"abcdefghijklmnopqrstuvwxyz", 8)
}
