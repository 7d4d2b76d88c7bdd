//! The data of an operation, as its plugin describes it by a JSON Schema: in words, and by an example that can be typed.
//!
//! The schema is a plugin's text and promises nothing. What is not understood of it is left out, references are followed
//! within it alone, and nothing is gone into deeper than people would read.

// What it takes, in words.
mod words;
// A value that it takes.
mod example;

use indexmap::IndexMap;
use regent_client::Data;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

pub(crate) use example::call;

/// How deep a schema is gone into, references counted: they may lead in a circle.
const DEPTH_MAX: usize = 8;

/// A whole schema.
pub(crate) struct Schema {
    root: Value,
    /// Its properties' names as their author ordered them, which [`Value`] forgets.
    order: Vec<String>,
}

/// One property.
pub(crate) struct Property<'a> {
    pub(crate) name: &'a str,
    pub(crate) required: bool,
    part: Part<'a>,
}

/// A place in a schema.
#[derive(Clone, Copy)]
struct Part<'a> {
    root: &'a Value,
    here: &'a Value,
    depth: usize,
}

impl Schema {
    pub(crate) fn read(schema: &Data) -> Self {
        #[derive(Deserialize)]
        struct Ordered {
            #[serde(default)]
            properties: IndexMap<String, IgnoredAny>,
        }
        let order = serde_json::from_str::<Ordered>(schema.as_str());
        let order = order.map(|ordered| ordered.properties.into_keys().collect()).unwrap_or_default();
        Self { root: serde_json::from_str(schema.as_str()).unwrap_or_default(), order }
    }

    /// The properties of an object, required ones first.
    pub(crate) fn properties(&self) -> Vec<Property<'_>> {
        let whole = self.whole();
        let read = |name| Some(Property { name, required: whole.requires(name), part: whole.property(name)? });
        let mut properties: Vec<_> = self.order.iter().filter_map(|name| read(name.as_str())).collect();
        properties.sort_by_key(|property| !property.required);
        properties
    }

    /// What the data is where it is not an object of properties; `None` if nothing is said of it.
    pub(crate) fn in_words(&self) -> Option<String> {
        Some(self.whole().in_words()).filter(|words| words != words::ANYTHING)
    }

    fn whole(&self) -> Part<'_> {
        Part { root: &self.root, here: &self.root, depth: 0 }
    }
}

impl Property<'_> {
    /// Its type and limits.
    pub(crate) fn in_words(&self) -> String {
        self.part.in_words()
    }

    /// What its author says of it.
    pub(crate) fn description(&self) -> Option<&str> {
        self.part.text("description").or_else(|| self.part.text("title"))
    }
}

impl<'a> Part<'a> {
    fn get(self, key: &str) -> Option<&'a Value> {
        self.here.get(key)
    }

    fn text(self, key: &str) -> Option<&'a str> {
        self.get(key).and_then(Value::as_str)
    }

    /// A part of this part, or what it refers to within the schema.
    fn within(self, here: &'a Value) -> Option<Self> {
        let inner = Self { root: self.root, here, depth: self.depth + 1 };
        if inner.depth > DEPTH_MAX {
            return None;
        }
        match inner.text("$ref").and_then(|place| place.strip_prefix('#')) {
            Some(pointer) => inner.root.pointer(pointer).and_then(|there| inner.within(there)),
            None => Some(inner),
        }
    }

    fn property(self, name: &str) -> Option<Self> {
        self.within(self.get("properties")?.get(name)?)
    }

    fn requires(self, name: &str) -> bool {
        let required = self.get("required").and_then(Value::as_array);
        required.is_some_and(|names| names.iter().any(|required| required == name))
    }

    /// Its types; none: anything.
    fn kinds(self) -> Vec<&'a str> {
        match self.get("type") {
            Some(Value::String(kind)) => vec![kind],
            Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
            _ if self.get("properties").is_some() => vec!["object"],
            _ => Vec::new(),
        }
    }

    /// The parts of which one is to hold.
    fn choices(self) -> Vec<Self> {
        let choices = ["anyOf", "oneOf"].into_iter().find_map(|key| self.get(key)?.as_array());
        choices.into_iter().flatten().filter_map(|choice| self.within(choice)).collect()
    }
}
