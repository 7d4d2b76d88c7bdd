//! `integer`: a whole number in its one decimal spelling: no `+7`, `007`, `-0` or `٧`.

use serde_json::{Value as Json, json};

use super::kind::{Kind, Wider};
use super::listed::{Listed, Settings};
use super::written::Written;
use crate::sheet::table::Table;
use crate::sheet::value::Value;

/// Which numbers.
#[derive(Debug, Clone)]
pub(super) enum Integer {
    Range { min: i64, max: i64 },
    OneOf(Listed<i64>),
}

impl Integer {
    pub(super) fn read(table: &mut Table<'_>, settings: &Settings<'_>) -> Option<Self> {
        let (min, max, one_of) = (table.take("min"), table.take("max"), table.take("one_of"));
        let Some(one_of) = one_of else {
            return Self::range(table, min.as_ref(), max.as_ref());
        };
        if let Some(value) = min.or(max) {
            value.mistake(format!("one_of and {}: keep one of them", value.key));
        }
        Listed::read(&one_of, settings, |number| number.integer()).map(Self::OneOf)
    }

    /// No `min` means 0, so that a number begins with `-` only where an administrator wrote so.
    fn range(table: &Table<'_>, min: Option<&Value<'_>>, max: Option<&Value<'_>>) -> Option<Self> {
        let read = |bound: Option<&Value<'_>>, other| bound.map_or(Some(other), Value::integer);
        // Both before either's mistake ends it.
        let (min, max) = (read(min, 0), read(max, i64::MAX));
        let (min, max) = (min?, max?);
        if min > max {
            table.mistake(format!(
                "no number is from {min} to {max}: write a min that is not above max (min is 0 if left out)"
            ));
        }
        Some(Self::Range { min, max })
    }

    fn has(&self, number: i64) -> bool {
        match self {
            Self::Range { min, max } => (*min..=*max).contains(&number),
            Self::OneOf(numbers) => numbers.has(&number),
        }
    }

    fn takes_negative(&self) -> bool {
        match self {
            Self::Range { min, .. } => *min < 0,
            Self::OneOf(numbers) => numbers.items().iter().any(|number| *number < 0),
        }
    }
}

impl Kind for Integer {
    fn word(&self) -> &'static str {
        "integer"
    }

    fn accept(&self, value: &str) -> Option<String> {
        parse(value).filter(|number| self.has(*number)).map(|number| number.to_string())
    }

    fn rule(&self) -> String {
        match self {
            Self::Range { min, max: i64::MAX } => format!("a whole number from {min} on"),
            Self::Range { min, max } => format!("a whole number from {min} to {max}"),
            Self::OneOf(numbers) => numbers.rule(),
        }
    }

    fn schema(&self) -> Json {
        match self {
            Self::Range { min, max: i64::MAX } => json!({"type": "integer", "minimum": min}),
            Self::Range { min, max } => json!({"type": "integer", "minimum": min, "maximum": max}),
            Self::OneOf(numbers) => json!({"type": "integer", "enum": numbers.json()}),
        }
    }

    fn digest(&self) -> Json {
        match self {
            Self::Range { min, max } => json!({"type": "integer", "min": min, "max": max}),
            Self::OneOf(numbers) => json!({"type": "integer", "one_of": numbers.json()}),
        }
    }

    fn written(&self) -> Written {
        let written = Written::of("integer");
        match self {
            Self::Range { min, max } => written.with("min", *min).unless("max", *max, &i64::MAX),
            Self::OneOf(numbers) => written.with("one_of", numbers.written()),
        }
    }

    /// A number that begins with `-` only where others may: some programs take it for an option.
    fn wider(&self, value: &str) -> Option<Wider> {
        let number = parse(value).filter(|number| *number >= 0 || self.takes_negative())?;
        Some(match self {
            Self::Range { min, max } => {
                let range = Self::Range { min: number.min(*min), max: number.max(*max) };
                Wider::Slot(range.written())
            }
            Self::OneOf(numbers) => numbers.and(number, |numbers| Self::OneOf(numbers).written()),
        })
    }
}

/// What is written again must be what was written: that is the whole rule of one spelling.
fn parse(value: &str) -> Option<i64> {
    value.parse().ok().filter(|number: &i64| number.to_string() == value)
}
