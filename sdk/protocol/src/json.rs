//! One strict reading of JSON: the whole text is walked once, so that nothing in it can be read in two ways later.
//!
//! serde_json alone takes duplicate keys, and skips what nobody asked for without looking at it. This walk decodes
//! every string and number, which refuses lone surrogates and numbers that are not finite, and counts depth and
//! duplicates.

use std::borrow::Cow;
use std::collections::HashSet;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::limits::DEPTH_MAX;

/// What a walk found in a text that is JSON.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Found {
    /// Somewhere arrays and objects stand deeper than [`DEPTH_MAX`].
    pub(crate) too_deep: bool,
    /// Some object, at any depth, has a key twice.
    pub(crate) duplicate_key: bool,
    /// The outermost value is an object.
    pub(crate) object: bool,
}

/// Walks a whole text.
pub(crate) fn walk(text: &str) -> Result<Found, serde_json::Error> {
    let mut found = Found::default();
    let mut reader = serde_json::Deserializer::from_str(text);
    Walk { found: &mut found, depth: 0 }.deserialize(&mut reader)?;
    reader.end()?;
    Ok(found)
}

struct Walk<'f> {
    found: &'f mut Found,
    /// Arrays and objects around this value.
    depth: usize,
}

impl Walk<'_> {
    /// A walk for a value within this one.
    fn within(&mut self) -> Walk<'_> {
        Walk { depth: self.depth + 1, found: self.found }
    }

    /// Whether an array or object here is too deep; noted, and then only its syntax is looked at, without recursion.
    fn too_deep(&mut self) -> bool {
        let deep = self.depth >= DEPTH_MAX;
        self.found.too_deep |= deep;
        deep
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        if self.too_deep() {
            while items.next_element::<IgnoredAny>()?.is_some() {}
        } else {
            while items.next_element_seed(self.within())?.is_some() {}
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
        self.found.object |= self.depth == 0;
        if self.too_deep() {
            while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(());
        }
        let mut seen = HashSet::new();
        while let Some(key) = members.next_key_seed(Text)? {
            self.found.duplicate_key |= !seen.insert(key);
            members.next_value_seed(self.within())?;
        }
        Ok(())
    }
}

/// A string, decoded: borrowed where it is written plainly.
struct Text;

impl<'de> DeserializeSeed<'de> for Text {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Cow<'de, str>, D::Error> {
        reader.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Text {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

/// The string that this value is, if it is one.
pub(crate) fn string(value: &RawValue) -> Option<Cow<'_, str>> {
    Text.deserialize(&mut serde_json::Deserializer::from_str(value.get())).ok()
}

/// The outermost object's members in order, values as their original text.
pub(crate) fn members(text: &str) -> Result<Vec<(Cow<'_, str>, &RawValue)>, serde_json::Error> {
    struct Members;
    impl<'de> Visitor<'de> for Members {
        type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
            let mut list = Vec::new();
            while let Some(key) = members.next_key_seed(Text)? {
                list.push((key, members.next_value()?));
            }
            Ok(list)
        }
    }
    serde_json::Deserializer::from_str(text).deserialize_map(Members)
}
