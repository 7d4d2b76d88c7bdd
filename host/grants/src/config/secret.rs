//! A secret as text, and why one is weak.

use std::fmt;

use zeroize::Zeroizing;

/// A socket's secret. It cannot be shown by accident, and is wiped when dropped.
pub struct Secret(Zeroizing<String>);

impl Secret {
    pub(crate) fn new(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }

    /// The secret itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret")
    }
}

/// What is shorter can be guessed by who is patient.
const STRONG: usize = 16;

/// Why a secret is weak, if it is.
#[must_use]
pub fn weak_secret(text: &str) -> Option<&'static str> {
    let first = text.chars().next();
    if text == "123456" {
        Some("weak secret: 123456 is what everybody tries first; write 16 random bytes or more")
    } else if text.chars().all(|letter| Some(letter) == first) {
        Some("weak secret: its letters are all the same; write 16 random bytes or more")
    } else if text.len() < STRONG {
        Some("weak secret: it is shorter than 16 bytes; write 16 random bytes or more")
    } else {
        None
    }
}
