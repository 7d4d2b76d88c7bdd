//! What went wrong, as text for the person who typed the command. It says what to do, where that is known.

use std::{fmt, path::Path};

/// What a step came to.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a step did not succeed, for the person who typed the command.
#[derive(Debug)]
pub struct Error(String);

impl Error {
    /// With this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl std::error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Says of which file the system spoke.
pub trait At<T> {
    /// Of this file.
    ///
    /// # Errors
    /// The system's, with the path.
    fn at(self, path: &Path) -> Result<T>;
}

impl<T> At<T> for std::io::Result<T> {
    fn at(self, path: &Path) -> Result<T> {
        self.map_err(|error| Error(format!("{}: {error}", path.display())))
    }
}
