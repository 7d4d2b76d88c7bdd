//! A list of what a slot may be, that stands in the slot or in `[settings]`.

use serde_json::Value as Json;
use toml::de::DeValue;

use super::kind::Wider;
use super::written::{Written, setting};
use crate::nearest;
use crate::sheet::value::Value;

/// `[settings]` of the same file, which slots may point into.
#[derive(Debug)]
pub(crate) struct Settings<'s>(pub(crate) Option<Value<'s>>);

/// The list, and the key of `[settings]` that it stands under, with its line, if it does not stand in the slot.
#[derive(Debug, Clone)]
pub(super) struct Listed<T> {
    items: Vec<T>,
    key: Option<(String, usize)>,
}

impl<T: Clone + PartialEq + Into<Json>> Listed<T> {
    /// Of one at least.
    pub(super) fn read(
        value: &Value<'_>,
        settings: &Settings<'_>,
        item: impl Fn(&Value<'_>) -> Option<T>,
    ) -> Option<Self> {
        let (list, key) = found(value, settings)?;
        let list = list.list_of_some("the slot would accept nothing: write what it may be")?;
        Some(Self { items: Value::each(&list, item), key })
    }

    pub(super) fn items(&self) -> &[T] {
        &self.items
    }

    pub(super) fn has(&self, item: &T) -> bool {
        self.items.contains(item)
    }

    pub(super) fn json(&self) -> Json {
        self.items.iter().cloned().map(Into::into).collect()
    }

    /// As it would be written.
    pub(super) fn written(&self) -> Json {
        match &self.key {
            Some((key, _)) => format!("settings.{key}").into(),
            None => self.json(),
        }
    }

    /// With one more, where it stands; `slot` writes the slot with another list.
    pub(super) fn and(&self, item: T, slot: impl FnOnce(Self) -> Written) -> Wider {
        let more = Self { items: self.items.iter().cloned().chain([item]).collect(), key: None };
        match &self.key {
            Some((key, line)) => Wider::Setting(*line, setting(key, &more.json())),
            None => Wider::Slot(slot(more)),
        }
    }
}

impl<T: ToString> Listed<T> {
    pub(super) fn rule(&self) -> String {
        format!("one of {}", self.items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
    }
}

/// The list itself, here or under `settings.KEY`.
fn found<'s>(value: &Value<'s>, settings: &Settings<'s>) -> Option<(Value<'s>, Option<(String, usize)>)> {
    let DeValue::String(text) = value.raw() else { return Some((value.clone(), None)) };
    let Some(key) = text.strip_prefix("settings.") else {
        value.mistake(format!("{}: write a list in [ ], or \"settings.KEY\"", value.key));
        return None;
    };
    let named = settings.0.as_ref().and_then(|settings| match settings.raw() {
        DeValue::Table(table) => Some(table),
        _ => None,
    });
    let Some((found, list)) = named.and_then(|table| table.get_key_value(key)) else {
        let known = named.into_iter().flat_map(|table| table.keys()).map(|key| key.get_ref().as_ref());
        value.mistake(format!("[settings] has no key {key:?}: {}", nearest::advice(key, known)));
        return None;
    };
    let line = value.sheet.line_of(found.span().start);
    Some((Value::new(value.sheet, found.get_ref(), line, list), Some((key.to_owned(), line))))
}
