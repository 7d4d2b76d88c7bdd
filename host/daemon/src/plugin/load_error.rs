//! Why a module is not served by a daemon, for the administrator.

use std::{fmt, io};

use regent_lane::{ModuleCode, ModuleError};

use super::fault::Fault;

/// One reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoadError {
    /// The module is bad, or this machine cannot run it.
    Module(ModuleError),
    /// Its `describe` failed.
    Describe(Fault),
}

/// Every reason.
#[derive(Debug, Clone)]
pub struct LoadErrors(pub Vec<LoadError>);

impl LoadError {
    /// The code of a reason that has one.
    #[must_use]
    pub fn code(&self) -> Option<&'static str> {
        match self {
            Self::Module(error) => error.code.map(ModuleCode::as_str),
            Self::Describe(fault) => Some(fault.code()),
        }
    }
}

impl From<String> for LoadError {
    fn from(text: String) -> Self {
        Self::Module(text.into())
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Module(error) => error.fmt(f),
            Self::Describe(fault) => write!(f, "describe: {fault}"),
        }
    }
}

impl<E: Into<ModuleError>> From<Vec<E>> for LoadErrors {
    fn from(errors: Vec<E>) -> Self {
        Self(errors.into_iter().map(|error| LoadError::Module(error.into())).collect())
    }
}

impl From<ModuleError> for LoadErrors {
    fn from(error: ModuleError) -> Self {
        vec![error].into()
    }
}

impl From<String> for LoadErrors {
    fn from(text: String) -> Self {
        vec![text].into()
    }
}

impl From<io::Error> for LoadErrors {
    fn from(why: io::Error) -> Self {
        why.to_string().into()
    }
}

impl From<Fault> for LoadErrors {
    fn from(fault: Fault) -> Self {
        Self(vec![LoadError::Describe(fault)])
    }
}
