//! Why a module is not served by a daemon, for the administrator.

use std::io;

use regent_lane::{ModuleCode, ModuleError};
use thiserror::Error;

use super::fault::Fault;

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LoadError {
    /// The module is bad, or this machine cannot run it.
    #[error("{0}")]
    Module(#[from] ModuleError),
    #[error("describe: {0}")]
    Describe(#[from] Fault),
}

#[derive(Debug, Clone)]
pub struct LoadErrors(pub Vec<LoadError>);

pub(super) fn joined(reasons: &[impl ToString]) -> String {
    reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl LoadError {
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

impl From<io::Error> for LoadError {
    fn from(why: io::Error) -> Self {
        why.to_string().into()
    }
}

impl<E: Into<ModuleError>> From<Vec<E>> for LoadErrors {
    fn from(errors: Vec<E>) -> Self {
        Self(errors.into_iter().map(|error| LoadError::Module(error.into())).collect())
    }
}

impl<E: Into<LoadError>> From<E> for LoadErrors {
    fn from(error: E) -> Self {
        Self(vec![error.into()])
    }
}
