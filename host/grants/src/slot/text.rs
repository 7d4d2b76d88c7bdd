//! `text`: a text that a pattern matches as a whole.
//!
//! "Anchored" alone is not enough: `^\d+$` takes Arabic digits, `(?m)` makes the ends those of a line, `^a|b$` is two
//! patterns. So the pattern stands between `\A(?:` and `)\z`, knows ASCII only, and turns nothing on or off inside.

use std::fmt;

use regex::bytes::{Regex, RegexBuilder};
use serde_json::{Value as Json, json};

use super::kind::{Kind, Wider};
use super::written::Written;
use crate::sheet::table::Table;
use crate::sheet::value::Value;

/// The longest value that a slot can be told to take.
pub(super) const MAX: usize = 4096;

const MAX_DEFAULT: usize = 256;

/// A compiled pattern's memory: a slip such as `(a{1000}){1000}` is a mistake, not a daemon out of memory.
const PATTERN_MEMORY: usize = 1 << 20;

/// What no pattern for one kind of thing lets through all of.
const SAMPLES: [&str; 9] =
    ["a;b", "$(b)", "a|b", "`b`", "a b", "a>/b", "a; rm -rf /", "$(reboot) > /dev/null", "x && cat /etc/shadow"];

/// A pattern that takes so many of them takes about anything.
const SAMPLES_WIDE: usize = 3;

/// Which texts.
#[derive(Debug, Clone)]
pub(super) struct Text {
    pattern: String,
    whole: Regex,
    max: usize,
    first_any: bool,
}

impl Text {
    pub(super) fn read(table: &mut Table<'_>) -> Option<Self> {
        let pattern =
            table.need("pattern", "pattern = \"[a-z]+\" (it must match the whole value), or one_of", compiled);
        let max = table.read("max", |value| value.number(1, MAX as i64)).unwrap_or(MAX_DEFAULT);
        let first_any = table.read("first_any", Value::boolean).unwrap_or(false);
        let (pattern, whole) = pattern?;
        Some(Self { pattern, whole, max, first_any })
    }

    fn fits(&self, value: &str) -> bool {
        (1..=self.max).contains(&value.len()) && is_plain(value) && self.whole.is_match(value.as_bytes())
    }
}

impl Kind for Text {
    fn word(&self) -> &'static str {
        "text"
    }

    fn accept(&self, value: &str) -> Option<String> {
        let first = self.first_any || begins_well(value);
        (first && self.fits(value)).then(|| value.to_owned())
    }

    fn rule(&self) -> String {
        let first = if self.first_any { "" } else { ", not beginning with - + @ or =" };
        format!("1 to {} bytes of ASCII that match {}{first}", self.max, self.pattern)
    }

    fn schema(&self) -> Json {
        json!({"type": "string", "pattern": format!("^(?:{})$", self.pattern), "minLength": 1, "maxLength": self.max})
    }

    fn digest(&self) -> Json {
        json!({"type": "text", "pattern": self.pattern, "max": self.max, "first_any": self.first_any})
    }

    fn written(&self) -> Written {
        let written = Written::of("text").with("pattern", self.pattern.as_str());
        written.unless("max", self.max, &MAX_DEFAULT).unless("first_any", self.first_any, &false)
    }

    /// Only its length: no pattern follows from a value, and what begins like an option is no accident.
    fn wider(&self, value: &str) -> Option<Wider> {
        let longer = Self { max: MAX, ..self.clone() };
        longer.accept(value)?;
        Some(Wider::Slot(Self { max: self.max.max(value.len()), ..longer }.written()))
    }

    /// The first letter is left out of it: a shell needs no option.
    fn is_wide(&self) -> bool {
        SAMPLES.iter().filter(|sample| self.fits(sample)).count() >= SAMPLES_WIDE
    }
}

/// Printable ASCII and spaces.
pub(super) fn is_plain(value: &str) -> bool {
    value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
}

/// Whether no program takes it for an option, a file of options, or a formula.
pub(super) fn begins_well(value: &str) -> bool {
    !value.starts_with(['-', '+', '@', '='])
}

fn compiled(value: &Value<'_>) -> Option<(String, Regex)> {
    let pattern = value.text()?;
    match compile(pattern) {
        Ok(whole) => Some((pattern.to_owned(), whole)),
        Err(error) => {
            value.mistake(format!("pattern: {error}"));
            None
        }
    }
}

/// Why a pattern is not taken.
#[derive(Debug)]
enum PatternError {
    NotAscii,
    Flags,
    TooBig,
    /// The crate regex cannot read it, for this reason.
    Syntax(String),
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAscii => f.write_str("values are ASCII only: write the pattern in ASCII"),
            Self::Flags => f.write_str(
                "flags such as (?i) or (?m) are not taken: write classes, such as [Aa], and groups as (?:…)",
            ),
            Self::TooBig => f.write_str("it is too big: write smaller repetitions"),
            Self::Syntax(reason) => {
                write!(f, "{reason}: write it as the crate regex reads it, with \\ before a sign that means itself")
            }
        }
    }
}

fn compile(pattern: &str) -> Result<Regex, PatternError> {
    if !pattern.is_ascii() {
        return Err(PatternError::NotAscii);
    }
    if turns_flags(pattern) {
        return Err(PatternError::Flags);
    }
    // On its own first: `a)|(?:b` is a pattern only between our parentheses, and would end them.
    build(pattern)?;
    build(&format!(r"\A(?:{pattern})\z"))
}

fn build(pattern: &str) -> Result<Regex, PatternError> {
    let built =
        RegexBuilder::new(pattern).unicode(false).size_limit(PATTERN_MEMORY).dfa_size_limit(PATTERN_MEMORY).build();
    built.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => PatternError::TooBig,
        // The parser draws the pattern over several lines; its last says what is wrong.
        error => {
            let drawn = error.to_string();
            let reason = drawn.lines().last().unwrap_or_default().trim_start_matches("error: ");
            PatternError::Syntax(reason.to_owned())
        }
    })
}

/// Whether a group begins that is neither `(?:…)` nor named. A `(?` inside of a class is taken for one too: to refuse
/// what is harmless is safe, and an escaped `\(?` or `[?(]` says the same.
fn turns_flags(pattern: &str) -> bool {
    let mut rest = pattern;
    while let Some(at) = rest.find(['\\', '(']) {
        let Some((_, found)) = rest.split_at_checked(at) else { return true };
        if found.starts_with("(?") && !["(?:", "(?P<", "(?<"].iter().any(|group| found.starts_with(group)) {
            return true;
        }
        // An escape and the letter that it escapes; what it escapes is ASCII, as all of the pattern.
        let step = if found.starts_with('\\') { 2 } else { 1 };
        rest = found.get(step..).unwrap_or_default();
    }
    false
}
