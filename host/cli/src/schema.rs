//! The data of an operation, as its plugin describes it by a JSON Schema: in words, and by an example that can be
//! typed.
//!
//! The schema is a plugin's text and promises nothing. What is not understood of it is left out, references are
//! followed within it alone, and nothing is gone into deeper than people would read.

// A place in it.
mod part;
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
use part::Part;

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
        Part::whole(&self.root)
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
