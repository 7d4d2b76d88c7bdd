//! `unit`: the name of a systemd unit with its suffix, systemd.unit(5). No patterns: `systemctl` would take `*` for all
//! of them.

use serde_json::{Value as Json, json};

use super::kind::{Kind, Wider};
use super::listed::{Listed, Settings};
use super::written::Written;
use crate::nearest;
use crate::sheet::table::Table;
use crate::sheet::value::Value;

const SUFFIXES: [&str; 11] =
    ["service", "socket", "timer", "target", "path", "mount", "slice", "scope", "device", "automount", "swap"];

const MAX: usize = 255;

/// Which units.
#[derive(Debug, Clone)]
pub(super) enum Unit {
    /// Those of these suffixes. Never empty.
    Of(Vec<&'static str>),
    OneOf(Listed<String>),
}

impl Unit {
    pub(super) fn read(table: &mut Table<'_>, settings: &Settings<'_>) -> Option<Self> {
        let (suffix, one_of) = (table.take("suffix"), table.take("one_of"));
        match (suffix, one_of) {
            (None, None) => Some(Self::Of(vec!["service"])),
            (Some(suffix), None) => {
                let list = suffix.list_of_some("the slot would accept nothing: write suffix = [\"service\"]")?;
                Some(Self::Of(Value::each(&list, known)))
            }
            (None, Some(one_of)) => Listed::read(&one_of, settings, name).map(Self::OneOf),
            (Some(suffix), Some(_)) => {
                suffix.mistake("one_of and suffix: keep one of them");
                None
            }
        }
    }
}

impl Kind for Unit {
    fn word(&self) -> &'static str {
        "unit"
    }

    fn accept(&self, value: &str) -> Option<String> {
        let suffix = suffix(value)?;
        let taken = match self {
            Self::Of(suffixes) => suffixes.contains(&suffix),
            Self::OneOf(units) => units.items().iter().any(|unit| unit == value),
        };
        taken.then(|| value.to_owned())
    }

    fn rule(&self) -> String {
        match self {
            Self::Of(suffixes) => format!("the full name of a unit that ends in .{}", suffixes.join(" or .")),
            Self::OneOf(units) => units.rule(),
        }
    }

    fn schema(&self) -> Json {
        match self {
            Self::Of(suffixes) => json!({
                "type": "string",
                "pattern": format!(r"^[A-Za-z0-9:_\\][A-Za-z0-9:_.\\@-]*\.(?:{})$", suffixes.join("|")),
                "maxLength": MAX,
            }),
            Self::OneOf(units) => json!({"type": "string", "enum": units.json()}),
        }
    }

    fn digest(&self) -> Json {
        match self {
            Self::Of(suffixes) => json!({"type": "unit", "suffix": suffixes}),
            Self::OneOf(units) => json!({"type": "unit", "one_of": units.json()}),
        }
    }

    fn written(&self) -> Written {
        let written = Written::of("unit");
        match self {
            Self::Of(suffixes) => written.with("suffix", suffixes.clone()),
            Self::OneOf(units) => written.with("one_of", units.written()),
        }
    }

    fn wider(&self, value: &str) -> Option<Wider> {
        let suffix = suffix(value)?;
        Some(match self {
            Self::Of(suffixes) => {
                let more = suffixes.iter().copied().chain([suffix]).collect();
                Wider::Slot(Self::Of(more).written())
            }
            Self::OneOf(units) => units.and(value.to_owned(), |units| Self::OneOf(units).written()),
        })
    }
}

/// The suffix of a unit's name; `None`: it is no unit's name. What begins with a dot systemd does not load, and what
/// begins with `@` is the instance of nothing.
fn suffix(name: &str) -> Option<&'static str> {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || br":_.\@-".contains(&byte);
    let good = name.len() <= MAX && name.bytes().all(letter) && !name.starts_with(['-', '.', '@']);
    let (_, suffix) = name.rsplit_once('.').filter(|_| good)?;
    SUFFIXES.into_iter().find(|known| *known == suffix)
}

fn known(value: &Value<'_>) -> Option<&'static str> {
    let text = value.text()?;
    let known = SUFFIXES.into_iter().find(|known| *known == text);
    if known.is_none() {
        let advice = nearest::advice(text.trim_start_matches('.'), SUFFIXES);
        value.mistake(format!("no unit has the suffix {text:?}: {advice}"));
    }
    known
}

fn name(value: &Value<'_>) -> Option<String> {
    let text = value.text()?;
    if suffix(text).is_none() {
        value.mistake(format!("{}: {text:?} is no unit: write its full name, as \"nginx.service\"", value.key));
        return None;
    }
    Some(text.to_owned())
}
