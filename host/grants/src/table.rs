//! A table of TOML that is read key by key. Every key is taken once; what is left is a mistake that names the nearest key that
//! there is, so nothing an administrator writes is silently ignored.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::mistake::Notes;

/// A value with its place.
pub(crate) struct Value<'n, 'a> {
    pub(crate) notes: &'n Notes<'a>,
    pub(crate) span: Range<usize>,
    /// Its name, for people: `[operations.open] deadline`.
    pub(crate) name: String,
    value: DeValue<'a>,
}

/// A table under way.
pub(crate) struct Table<'n, 'a> {
    pub(crate) notes: &'n Notes<'a>,
    pub(crate) span: Range<usize>,
    pub(crate) name: String,
    members: RefCell<BTreeMap<String, Value<'n, 'a>>>,
    known: RefCell<Vec<&'static str>>,
}

/// Reads a whole file.
pub(crate) fn document<'n, 'a>(notes: &'n Notes<'a>, text: &'a str) -> Option<Table<'n, 'a>> {
    match DeTable::parse(text) {
        Ok(table) => Some(Table::new(notes, 0..0, String::new(), table.into_inner())),
        Err(why) => {
            notes.mistake(&why.span().unwrap_or(0..0), why.message());
            None
        }
    }
}

impl<'n, 'a> Table<'n, 'a> {
    fn new(notes: &'n Notes<'a>, span: Range<usize>, name: String, table: DeTable<'a>) -> Self {
        let of = |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") };
        let members = table.into_iter().map(|(key, value)| {
            let key_span = key.span();
            let key = key.into_inner().into_owned();
            (key.clone(), Value::new(notes, of(&key), key_span, value))
        });
        Self { notes, span, members: RefCell::new(members.collect()), known: RefCell::default(), name }
    }

    /// Takes a key that may be there.
    pub(crate) fn take(&self, key: &'static str) -> Option<Value<'n, 'a>> {
        self.known.borrow_mut().push(key);
        self.members.borrow_mut().remove(key)
    }

    /// Takes a key that must be.
    pub(crate) fn need(&self, key: &'static str, example: &str) -> Option<Value<'n, 'a>> {
        let found = self.take(key);
        if found.is_none() {
            let of = if self.name.is_empty() { String::new() } else { format!("[{}]: ", self.name) };
            self.notes.mistake(&self.span, format!("{of}`{key}` is missing: write {key} = {example}"));
        }
        found
    }

    /// Refuses keys of later versions.
    pub(crate) fn later(&self, keys: &[&'static str]) {
        for key in keys {
            if let Some(value) = self.members.borrow_mut().remove(*key) {
                self.notes.mistake(&value.span, format!("`{}` is not served by this version of Regent: leave it out", value.name));
            }
        }
    }

    /// All members, whose keys are names.
    pub(crate) fn all(self) -> Vec<(String, Value<'n, 'a>)> {
        self.members.take().into_iter().collect()
    }

    /// Every key that nobody took is a mistake.
    pub(crate) fn finish(&self) {
        let known = self.known.borrow();
        for (key, value) in self.members.take() {
            let nearest = nearest(&key, known.iter().copied());
            let instead = nearest.map_or_else(
                || format!("there is {}", known.join(", ")),
                |nearest| format!("did you mean `{nearest}`?"),
            );
            self.notes.mistake(&value.span, format!("unknown key `{}`: {instead}", value.name));
        }
    }
}

/// The nearest name, if it is near.
pub(crate) fn nearest<'k>(name: &str, among: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let scored = among.map(|known| (strsim::damerau_levenshtein(name, known), known));
    scored.min().filter(|(distance, known)| *distance <= 2.max(known.len() / 3)).map(|(_, known)| known)
}

impl<'n, 'a> Value<'n, 'a> {
    fn new(notes: &'n Notes<'a>, name: String, key_span: Range<usize>, value: Spanned<DeValue<'a>>) -> Self {
        let _whole = value.span();
        Self { notes, span: key_span, name, value: value.into_inner() }
    }

    pub(crate) fn mistake(&self, text: impl std::fmt::Display) {
        self.notes.mistake(&self.span, format!("`{}` {text}", self.name));
    }

    fn wrong<T>(&self, want: &str) -> Option<T> {
        self.mistake(format!("is {}: write {want}", kind(&self.value)));
        None
    }

    pub(crate) fn text(&self) -> Option<String> {
        match &self.value {
            DeValue::String(text) => Some(text.to_string()),
            _ => self.wrong("a text in quotes"),
        }
    }

    /// A text, if it is one; says nothing if it is not.
    pub(crate) fn as_text(&self) -> Option<&str> {
        match &self.value {
            DeValue::String(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn boolean(&self) -> Option<bool> {
        match &self.value {
            DeValue::Boolean(value) => Some(*value),
            _ => self.wrong("true or false"),
        }
    }

    pub(crate) fn integer(&self) -> Option<i64> {
        match &self.value {
            DeValue::Integer(number) => {
                let read = i64::from_str_radix(number.as_str(), number.radix());
                read.map_err(|_| self.mistake("is too large")).ok()
            }
            _ => self.wrong("a whole number"),
        }
    }

    pub(crate) fn is_integer(&self) -> bool {
        matches!(self.value, DeValue::Integer(_))
    }

    pub(crate) fn list(self) -> Option<Vec<Value<'n, 'a>>> {
        let Self { notes, name, span, value } = self;
        match value {
            DeValue::Array(list) => {
                let each = |item: Spanned<DeValue<'a>>| Value { notes, span: item.span(), name: name.clone(), value: item.into_inner() };
                Some(list.into_iter().map(each).collect())
            }
            value => Self { notes, name, span, value }.wrong("a list in brackets"),
        }
    }

    /// A list of texts with something in it.
    pub(crate) fn texts(self) -> Option<Vec<String>> {
        let empty = (self.notes, self.span.clone(), self.name.clone());
        let list = self.list()?;
        if list.is_empty() {
            empty.0.mistake(&empty.1, format!("`{}` is empty, which means nothing: leave it out or write something into it", empty.2));
            return None;
        }
        let texts: Vec<_> = list.iter().map(Value::text).collect();
        texts.into_iter().collect()
    }

    pub(crate) fn table(self) -> Option<Table<'n, 'a>> {
        let Self { notes, name, span, value } = self;
        match value {
            DeValue::Table(table) => Some(Table::new(notes, span, name, table)),
            value => Self { notes, name, span, value }.wrong("a table"),
        }
    }

    /// The members of a table whose keys are names.
    pub(crate) fn members(self) -> Vec<(String, Value<'n, 'a>)> {
        self.table().map(Table::all).unwrap_or_default()
    }

    /// As JSON; dates become texts, and what JSON cannot say is a mistake.
    pub(crate) fn json(&self) -> Option<serde_json::Value> {
        json(&self.value).map_err(|why| self.mistake(why)).ok()
    }
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

fn json(value: &DeValue<'_>) -> Result<serde_json::Value, &'static str> {
    Ok(match value {
        DeValue::String(text) => text.as_ref().into(),
        DeValue::Boolean(value) => (*value).into(),
        DeValue::Datetime(date) => date.to_string().into(),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).map_err(|_| "has a number that is too large")?.into()
        }
        DeValue::Float(number) => {
            let number: f64 = number.as_str().parse().map_err(|_| "has a number that cannot be read")?;
            serde_json::Number::from_f64(number).ok_or("has a number that is not finite")?.into()
        }
        DeValue::Array(list) => list.iter().map(|item| json(item.get_ref())).collect::<Result<Vec<_>, _>>()?.into(),
        DeValue::Table(table) => {
            let members = table.iter().map(|(key, value)| Ok((key.get_ref().to_string(), json(value.get_ref())?)));
            members.collect::<Result<serde_json::Map<_, _>, &'static str>>()?.into()
        }
    })
}
