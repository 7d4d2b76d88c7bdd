//! A line that is JSON and an object, and what may be known of it before anybody showed a secret.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::json;
use crate::limits::{ID_MAX, LINE_MAX};
use crate::refusal::Rejection;

/// A line that is a JSON object within its limits.
///
/// Having one tells you nothing about who sent it: duplicate keys are noted and types are unknown until
/// [`Line::request`] or [`Line::admin`], which come after the secret.
pub struct Line<'a> {
    members: Vec<(Cow<'a, str>, &'a RawValue)>,
    duplicate_key: bool,
    id: Option<Cow<'a, str>>,
    secret: Option<Cow<'a, str>>,
}

impl<'a> Line<'a> {
    /// Reads one line, without its newline.
    ///
    /// # Errors
    /// In this order: [`Rejection::TooLong`], [`Rejection::NotJson`] (also what is not UTF-8), [`Rejection::TooDeep`],
    /// [`Rejection::Denied`] for what is not an object. Below too deep a place only the syntax is looked at.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Rejection> {
        if bytes.len() > LINE_MAX {
            return Err(Rejection::TooLong);
        }
        let text = std::str::from_utf8(bytes).map_err(Rejection::not_json)?;
        let found = json::walk(text).map_err(Rejection::not_json)?;
        if found.too_deep {
            return Err(Rejection::TooDeep);
        }
        if !found.object {
            return Err(Rejection::Denied);
        }
        let members = json::members(text).map_err(Rejection::not_json)?;
        let mut line = Self { members, duplicate_key: found.duplicate_key, id: None, secret: None };
        line.id = line.once("id").and_then(json::string).filter(|id| id.len() <= ID_MAX);
        line.secret = line.once("secret").and_then(json::string);
        Ok(line)
    }

    /// The caller's name for this exchange, for every reply, errors included; `None` also where it has no right form.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The secret; `None` when it is missing, given twice, or no string.
    #[must_use]
    pub fn secret(&self) -> Option<&str> {
        self.secret.as_deref()
    }

    /// Whether this has the form that an admin socket serves.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.members.iter().any(|(key, _)| key == "admin")
    }

    /// # Errors
    /// [`Rejection::DuplicateKey`], wherever in the line it stands: two readings would be two requests.
    pub(crate) fn check_duplicates(&self) -> Result<(), Rejection> {
        if self.duplicate_key { Err(Rejection::DuplicateKey) } else { Ok(()) }
    }

    /// The value of a key that is there exactly once.
    pub(crate) fn once(&self, wanted: &str) -> Option<&'a RawValue> {
        let mut found = self.members.iter().filter(|(key, _)| key == wanted).map(|(_, value)| *value);
        let first = found.next();
        if found.next().is_some() { None } else { first }
    }
}

/// Blind, for a line holds a secret.
impl std::fmt::Debug for Line<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Line").field("id", &self.id).finish_non_exhaustive()
    }
}
