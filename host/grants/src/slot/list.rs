//! `list`: several values of one type, each an argument of its own.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::kind::{Kind, Wider};
use super::written::Written;
use crate::sheet::table::Table;
use crate::sheet::value::Value;

/// More arguments than this no person reads before consenting.
const MOST: usize = 64;

const MIN_DEFAULT: usize = 1;

const MAX_DEFAULT: usize = 16;

/// So many, of what.
#[derive(Debug, Clone)]
pub(super) struct List {
    of: Arc<dyn Kind>,
    min: usize,
    max: usize,
}

impl List {
    /// Reads the rest of a list whose items are of this type.
    pub(super) fn read(table: &mut Table<'_>, of: Option<Arc<dyn Kind>>) -> Option<Self> {
        let count = |value: &Value<'_>, least| value.number(least, MOST as i64);
        let min = table.read("min", |value| count(value, 0)).unwrap_or(MIN_DEFAULT);
        let max = table.read("max", |value| count(value, 1)).unwrap_or(MAX_DEFAULT.max(min));
        if min > max {
            table.mistake(format!("no list has {min} to {max} values: write a min that is not above max"));
        }
        Some(Self { of: of?, min, max })
    }

    pub(super) fn of(&self) -> &dyn Kind {
        &*self.of
    }

    pub(super) fn may_be_empty(&self) -> bool {
        self.min == 0
    }

    /// Each as it is rendered.
    pub(super) fn accept(&self, values: &[&str]) -> Option<Vec<String>> {
        let count = (self.min..=self.max).contains(&values.len());
        values.iter().filter(|_| count).map(|value| self.of.accept(value)).collect::<Option<_>>().filter(|_| count)
    }

    pub(super) fn rule(&self) -> String {
        format!("{} to {} values, each {}", self.min, self.max, self.of.rule())
    }

    pub(super) fn schema(&self) -> Json {
        json!({"type": "array", "items": self.of.schema(), "minItems": self.min, "maxItems": self.max})
    }

    pub(super) fn digest(&self) -> Json {
        json!({"type": "list", "of": self.of.digest(), "min": self.min, "max": self.max})
    }

    /// For the first value that its type does not take; or for their number.
    pub(super) fn wider(&self, values: &[&str]) -> Option<Wider> {
        let (min, max) = (self.min.min(values.len()), self.max.max(values.len()));
        if max > MOST {
            return None;
        }
        let written = |of: &Written| {
            let written = Written::of("list").with_slot("of", of).unless("min", min, &MIN_DEFAULT);
            Wider::Slot(written.unless("max", max, &MAX_DEFAULT.max(min)))
        };
        match values.iter().find(|value| self.of.accept(value).is_none()) {
            None => Some(written(&self.of.written())),
            Some(value) => match self.of.wider(value)? {
                Wider::Slot(of) => Some(written(&of)),
                setting @ Wider::Setting(..) => Some(setting),
            },
        }
    }
}
