//! A whole number in its one decimal spelling: no `+7`, `007`, `-0` or `٧`.

use serde_json::{Value as Json, json};

use super::read::{Settings, members};
use crate::sheet::table::Table;
use crate::sheet::value::Value;

/// Which numbers.
#[derive(Debug, Clone)]
pub(crate) enum Integer {
    Range { min: i64, max: i64 },
    OneOf(Vec<i64>),
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
        let list = members(&one_of, settings)?;
        Some(Self::OneOf(Value::each(&list, Value::integer)))
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

    pub(super) fn accept(&self, value: &str) -> Option<String> {
        // What is written again must be what was written: that is the whole rule of one spelling.
        let number: i64 = value.parse().ok()?;
        let within = match self {
            Self::Range { min, max } => (*min..=*max).contains(&number),
            Self::OneOf(numbers) => numbers.contains(&number),
        };
        Some(number.to_string()).filter(|rendered| within && rendered == value)
    }

    pub(super) fn rule(&self) -> String {
        match self {
            Self::Range { min, max: i64::MAX } => format!("a whole number from {min} on"),
            Self::Range { min, max } => format!("a whole number from {min} to {max}"),
            Self::OneOf(numbers) => {
                let numbers: Vec<_> = numbers.iter().map(ToString::to_string).collect();
                format!("one of {}", numbers.join(", "))
            }
        }
    }

    pub(super) fn digest(&self) -> Json {
        match self {
            Self::Range { min, max } => json!({"type": "integer", "min": min, "max": max}),
            Self::OneOf(numbers) => json!({"type": "integer", "one_of": numbers}),
        }
    }
}
