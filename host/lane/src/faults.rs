//! Which rule a plugin broke, and why a module cannot be served.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Which rule a plugin broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Blame {
    /// It trapped: a panic, an unreachable, an exhausted stack.
    Trap,
    /// It ran longer than it may.
    Time,
    /// It wanted more memory, tables or instances than it may have.
    Memory,
    /// It called what it may not call, or not now.
    Denied,
    /// It returned what no plugin may return: too long, or not JSON.
    Answer,
}

impl Blame {
    /// The word by which log, audit and the author's tools tell it.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Time => "plugin-timeout",
            Self::Memory => "plugin-memory",
            Self::Trap => "plugin-trap",
            Self::Denied | Self::Answer => "plugin-fault",
        }
    }
}

/// One reason why a module cannot be served, for the administrator: one line, with its cure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleError {
    /// Which kind of reason; `None`: one without a code.
    pub code: Option<ModuleCode>,
    /// The reason itself.
    pub text: String,
}

/// A kind of reason that logs and the author's tools name by a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ModuleCode {
    /// It imports what no plugin has.
    Import,
    /// It is larger than a module may be.
    Size,
    /// It costs more to compile than it may.
    Compile,
    /// It is not a valid component.
    Invalid,
    /// It broke a rule as it started.
    Broken(Blame),
}

impl ModuleCode {
    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Import => "plugin-import",
            Self::Size => "plugin-size",
            Self::Compile => "plugin-compile",
            Self::Invalid => "plugin-module",
            Self::Broken(blame) => blame.code(),
        }
    }

    /// A reason of this kind.
    #[must_use]
    pub fn because(self, text: impl Into<String>) -> ModuleError {
        ModuleError { code: Some(self), text: text.into() }
    }
}

impl From<String> for ModuleError {
    fn from(text: String) -> Self {
        Self { code: None, text }
    }
}

impl From<&str> for ModuleError {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl std::error::Error for ModuleError {}

impl fmt::Display for ModuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => write!(f, "{}: {}", code.as_str(), self.text),
            None => f.write_str(&self.text),
        }
    }
}
