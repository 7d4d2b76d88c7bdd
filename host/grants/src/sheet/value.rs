//! One value with its place, read as what it should be. Each reader says what to write if it is something else, and
//! none repeats a text that it did not expect: it may be a secret.

use std::borrow::Cow;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeInteger, DeValue};

use super::Sheet;
use crate::duration;

/// A value, the key that it stands under, and its line.
#[derive(Debug, Clone)]
pub(crate) struct Value<'s> {
    pub(crate) sheet: &'s Sheet<'s>,
    pub(crate) key: Cow<'s, str>,
    pub(crate) line: usize,
    value: &'s DeValue<'s>,
}

impl<'s> Value<'s> {
    pub(crate) fn new(sheet: &'s Sheet<'s>, key: &'s str, line: usize, value: &'s Spanned<DeValue<'s>>) -> Self {
        Self { sheet, key: Cow::Borrowed(key), line, value: value.get_ref() }
    }

    pub(crate) fn mistake(&self, text: impl Into<String>) {
        self.sheet.mistake(self.line, text);
    }

    pub(crate) fn raw(&self) -> &'s DeValue<'s> {
        self.value
    }

    /// A mistake: this was expected.
    pub(crate) fn expected<T>(&self, what: &str) -> Option<T> {
        self.mistake(format!("{} is {}: write {what}", self.key, kind(self.value)));
        None
    }

    /// A text, whatever is in it.
    pub(crate) fn text(&self) -> Option<&'s str> {
        match self.value {
            DeValue::String(text) => Some(text),
            _ => self.expected("a text in quotes"),
        }
    }

    pub(crate) fn boolean(&self) -> Option<bool> {
        match self.value {
            DeValue::Boolean(value) => Some(*value),
            _ => self.expected("true or false"),
        }
    }

    pub(crate) fn integer(&self) -> Option<i64> {
        match self.value {
            DeValue::Integer(number) => whole(number).or_else(|| self.expected("a number of at most 63 bits")),
            _ => self.expected("a whole number"),
        }
    }

    /// A number from `least` to `most`.
    pub(crate) fn number<N: TryFrom<i64>>(&self, least: i64, most: i64) -> Option<N> {
        let number = self.integer()?;
        let within = (least..=most).contains(&number).then(|| N::try_from(number).ok()).flatten();
        if within.is_none() {
            self.mistake(format!("{} is {number}: write a number from {least} to {most}", self.key));
        }
        within
    }

    pub(crate) fn duration(&self) -> Option<Duration> {
        let said = |error| self.mistake(format!("{}: {error}", self.key));
        let DeValue::String(text) = self.value else { return self.expected("a time, such as \"30s\"") };
        duration::parse(text).map_err(said).ok()
    }

    /// A time that is kept in whole seconds.
    pub(crate) fn seconds(&self) -> Option<Duration> {
        let time = self.duration()?;
        if time.subsec_nanos() > 0 {
            self.mistake(format!("{} counts whole seconds: write \"1s\" or more", self.key));
            return None;
        }
        Some(time)
    }

    /// The values of a list, each at its own line.
    pub(crate) fn list(&self) -> Option<Vec<Self>> {
        let DeValue::Array(list) = self.value else { return self.expected("a list in [ ]") };
        let item = |item: &'s Spanned<DeValue<'s>>| Self {
            line: self.sheet.line_of(item.span().start),
            value: item.get_ref(),
            ..self.clone()
        };
        Some(list.into_iter().map(item).collect())
    }

    /// The same, and empty is a mistake: `why` says what it would mean, and what to write.
    pub(crate) fn list_of_some(&self, why: &str) -> Option<Vec<Self>> {
        let list = self.list()?;
        if list.is_empty() {
            self.mistake(format!("{} is empty: {why}", self.key));
            return None;
        }
        Some(list)
    }

    /// Each value of a list that can be read; the others are mistakes already.
    pub(crate) fn each<T>(list: &[Self], read: impl Fn(&Self) -> Option<T>) -> Vec<T> {
        list.iter().filter_map(read).collect()
    }
}

/// Decimal, hexadecimal, octal or binary.
pub(crate) fn whole(number: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a number with a point",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
