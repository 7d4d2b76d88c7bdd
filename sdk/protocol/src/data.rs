//! JSON text that is carried: into a plugin, a digest, a record or a reply, always as it was written.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::json;
use crate::refusal::Rejection;

/// One JSON value as its original text.
///
/// Having one tells you that the text is JSON that can be read in one way only (see [`Data::parse`]) and holds no
/// newline; one that was deserialised (from a record or a reply) only that it is JSON.
#[derive(Clone)]
pub struct Data(Box<RawValue>);

impl Data {
    /// `null`, what a request without data has.
    #[must_use]
    pub fn null() -> Self {
        Self(RawValue::NULL.to_owned())
    }

    /// Reads a text from outside, such as a plugin's reply or a command line's argument. Line breaks, which JSON has
    /// only between its parts, become spaces, since a frame is one line.
    ///
    /// # Errors
    /// What [`crate::Line::read`] says of a line that is no such text, or [`Rejection::DuplicateKey`].
    pub fn parse(text: &str) -> Result<Self, Rejection> {
        let found = json::walk(text).map_err(Rejection::not_json)?;
        if found.too_deep {
            return Err(Rejection::TooDeep);
        }
        if found.duplicate_key {
            return Err(Rejection::DuplicateKey);
        }
        let line = text.trim().replace(['\n', '\r'], " ");
        RawValue::from_string(line).map(Self).map_err(Rejection::not_json)
    }

    /// A member of a line that was walked.
    pub(crate) fn of_line(value: &RawValue) -> Self {
        Self(value.to_owned())
    }

    /// A text for people as JSON.
    #[must_use]
    pub fn string(text: &str) -> Self {
        // Strings always serialise; `null` would be a lie, but a harmless one.
        serde_json::value::to_raw_value(text).map_or_else(|_| Self::null(), Self)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// Whether this is `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.as_str() == "null"
    }

    /// The string that this is, decoded, if it is one.
    #[must_use]
    pub fn to_text(&self) -> Option<String> {
        json::string(&self.0).map(|text| text.into_owned())
    }
}

impl std::fmt::Debug for Data {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Data").field(&self.as_str()).finish()
    }
}

impl PartialEq for Data {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Data {}

impl Serialize for Data {
    fn serialize<S: Serializer>(&self, writer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(writer)
    }
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(reader).map(Self)
    }
}
