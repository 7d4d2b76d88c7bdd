//! A table, taken apart key by key. What nobody took is unknown, and a mistake: a mistyped key must not silently grant
//! more.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use super::Sheet;
use super::value::Value;
use crate::nearest;

/// A table of the file.
#[derive(Debug)]
pub(crate) struct Table<'s> {
    pub(crate) sheet: &'s Sheet<'s>,
    /// As a message names it: `[commands.open]`.
    pub(crate) title: String,
    pub(crate) line: usize,
    left: BTreeMap<&'s str, Value<'s>>,
    asked: Vec<&'static str>,
}

impl<'s> Table<'s> {
    pub(crate) fn new(sheet: &'s Sheet<'s>, title: String, line: usize, table: &'s DeTable<'s>) -> Self {
        let value = |(key, value): (&'s toml::Spanned<_>, &'s toml::Spanned<_>)| {
            let (line, key): (_, &'s std::borrow::Cow<'s, str>) = (sheet.line_of(key.span().start), key.get_ref());
            (key.as_ref(), Value::new(sheet, key, line, value))
        };
        Self { sheet, title, line, left: table.iter().map(value).collect(), asked: Vec::new() }
    }

    /// What stands under this key.
    pub(crate) fn take(&mut self, key: &'static str) -> Option<Value<'s>> {
        self.asked.push(key);
        self.left.remove(key)
    }

    /// What stands under this key, read; that it cannot be read is a mistake already.
    pub(crate) fn read<T>(&mut self, key: &'static str, read: impl FnOnce(&Value<'s>) -> Option<T>) -> Option<T> {
        self.take(key).as_ref().and_then(read)
    }

    /// The same for a key that must be there; `write` is an example.
    pub(crate) fn need<T>(
        &mut self,
        key: &'static str,
        write: &str,
        read: impl FnOnce(&Value<'s>) -> Option<T>,
    ) -> Option<T> {
        let value = self.take(key);
        if value.is_none() {
            self.mistake(format!("{} has no {key}: write {write}", self.title));
        }
        value.as_ref().and_then(read)
    }

    /// All that is left, for a table whose keys are names; in the order of the file.
    pub(crate) fn names(&mut self) -> Vec<Value<'s>> {
        let mut values: Vec<_> = std::mem::take(&mut self.left).into_values().collect();
        values.sort_by_key(|value| value.line);
        values
    }

    /// Whether one of these keys is there.
    pub(crate) fn has_any(&self, keys: &[&str]) -> bool {
        keys.iter().any(|key| self.left.contains_key(key))
    }

    /// Whether what stands under this key is as it should be.
    pub(crate) fn holds(&self, key: &str, is: impl FnOnce(&Value<'s>) -> bool) -> bool {
        self.left.get(key).is_some_and(is)
    }

    /// Says of a key that belongs elsewhere where, if it is here; no list of what the table may say is to name it.
    pub(crate) fn misplaced(&mut self, key: &str, text: impl Into<String>) {
        if let Some(value) = self.left.remove(key) {
            value.mistake(text);
        }
    }

    /// A mistake at the table's own line.
    pub(crate) fn mistake(&self, text: impl Into<String>) {
        self.sheet.mistake(self.line, text);
    }

    /// Says of each key that nobody took whether it is of a later version, or what was probably meant.
    pub(crate) fn finish(self, later: &[&str]) {
        for (key, value) in &self.left {
            if later.contains(key) {
                value.mistake(format!("{}: leave it out", not_served(key)));
            } else {
                let advice = nearest::advice(key, self.asked.iter().copied());
                value.mistake(format!("{} has no key {key:?}: {advice}", self.title));
            }
        }
    }
}

impl<'s> Value<'s> {
    /// A table with the title that messages give it.
    pub(crate) fn table(&self, title: impl Into<String>) -> Option<Table<'s>> {
        match self.raw() {
            DeValue::Table(table) => Some(Table::new(self.sheet, title.into(), self.line, table)),
            _ => self.expected("a table"),
        }
    }
}

/// What is said of a word that a later version will know.
pub(crate) fn not_served(word: &str) -> String {
    format!("{word} is not served by this version of Regent")
}
