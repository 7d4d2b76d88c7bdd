//! A place in a schema, and the places that it leads to.

use serde_json::Value;

/// How deep a schema is gone into, references counted: they may lead in a circle.
const DEPTH_MAX: usize = 8;

/// A place in a schema.
#[derive(Clone, Copy)]
pub(super) struct Part<'a> {
    pub(super) root: &'a Value,
    pub(super) here: &'a Value,
    pub(super) depth: usize,
}

impl<'a> Part<'a> {
    pub(super) fn get(self, key: &str) -> Option<&'a Value> {
        self.here.get(key)
    }

    pub(super) fn text(self, key: &str) -> Option<&'a str> {
        self.get(key).and_then(Value::as_str)
    }

    /// A part of this part, or what it refers to within the schema.
    pub(super) fn within(self, here: &'a Value) -> Option<Self> {
        let inner = Self { root: self.root, here, depth: self.depth + 1 };
        if inner.depth > DEPTH_MAX {
            return None;
        }
        match inner.text("$ref").and_then(|place| place.strip_prefix('#')) {
            Some(pointer) => inner.root.pointer(pointer).and_then(|there| inner.within(there)),
            None => Some(inner),
        }
    }

    pub(super) fn property(self, name: &str) -> Option<Self> {
        self.within(self.get("properties")?.get(name)?)
    }

    pub(super) fn requires(self, name: &str) -> bool {
        let required = self.get("required").and_then(Value::as_array);
        required.is_some_and(|names| names.iter().any(|required| required == name))
    }

    /// Its types; none: anything.
    pub(super) fn kinds(self) -> Vec<&'a str> {
        match self.get("type") {
            Some(Value::String(kind)) => vec![kind],
            Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
            _ if self.get("properties").is_some() => vec!["object"],
            _ => Vec::new(),
        }
    }

    /// The parts of which one is to hold.
    pub(super) fn choices(self) -> Vec<Self> {
        let choices = ["anyOf", "oneOf"].into_iter().find_map(|key| self.get(key)?.as_array());
        choices.into_iter().flatten().filter_map(|choice| self.within(choice)).collect()
    }
}
