//! The types of slots: each takes a text, parses it, and writes it again from what was parsed. What a client wrote never
//! reaches an argument list.

use std::net::Ipv4Addr;

use regex::Regex;
use regex::RegexBuilder;

use crate::addresses::{is_private, is_public};
use crate::table::{Table, Value};

/// Bytes of a text, unless `max` says otherwise, and the most that it may say.
const TEXT_MAX: i64 = 256;
const TEXT_MOST: i64 = 4_096;
/// A compiled pattern's size: it comes from the administrator, but a slip should not cost the daemon its memory.
const PATTERN_SIZE: usize = 1 << 20;

/// A type.
#[derive(Debug, Clone)]
pub(crate) enum Slot {
    Ipv4(Scope),
    Integer { min: i64, max: i64 },
    Integers(Vec<i64>),
    Texts(Vec<String>),
    Text { pattern: Regex, max: usize, first_any: bool },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    Public,
    Private,
    Any,
}

const LATER: [&str; 11] =
    ["ipv6", "ip", "cidr", "hostname", "user", "group", "unit", "uuid", "path", "flag", "list"];

impl Slot {
    /// The value, written anew.
    ///
    /// # Errors
    /// The rule that did not take it, for the log.
    pub(crate) fn take(&self, text: &str) -> Result<String, String> {
        match self {
            Self::Ipv4(scope) => ipv4(text, *scope),
            Self::Integer { min, max } => {
                let number = integer(text)?;
                let within = (*min..=*max).contains(&number);
                within.then(|| number.to_string()).ok_or_else(|| format!("not from {min} to {max}"))
            }
            Self::Integers(listed) => {
                let number = integer(text)?;
                listed.contains(&number).then(|| number.to_string()).ok_or_else(|| "not one of those listed".into())
            }
            Self::Texts(listed) => {
                listed.iter().find(|one| *one == text).cloned().ok_or_else(|| "not one of those listed".into())
            }
            Self::Text { pattern, max, first_any } => words(text, pattern, *max, *first_any),
        }
    }

    /// Whether a value may begin with `-`, which at the start of an argument would make it an option.
    pub(crate) fn may_lead(&self) -> bool {
        match self {
            Self::Integer { min, .. } => *min < 0,
            Self::Integers(listed) => listed.iter().any(|number| *number < 0),
            Self::Text { first_any, .. } => *first_any,
            // The administrator wrote each of them out.
            Self::Texts(_) => true,
            Self::Ipv4(_) => false,
        }
    }

    /// For the digest of the grants.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Text { pattern, max, first_any } => format!("text {max} {first_any} {pattern}"),
            other => format!("{other:?}"),
        }
    }
}

fn ipv4(text: &str, scope: Scope) -> Result<String, String> {
    // The standard library takes four decimal numbers without leading zeros and nothing else.
    let address: Ipv4Addr = text.parse().map_err(|_| "not an IPv4 address")?;
    match scope {
        Scope::Public if !is_public(address) => Err("not a public address".into()),
        Scope::Private if !is_private(address) => Err("not a private address".into()),
        _ => Ok(address.to_string()),
    }
}

/// Only the one way in which a number is written.
fn integer(text: &str) -> Result<i64, String> {
    let number: i64 = text.parse().map_err(|_| "not a whole number")?;
    if number.to_string() == text { Ok(number) } else { Err("not written as numbers are".into()) }
}

fn words(text: &str, pattern: &Regex, max: usize, first_any: bool) -> Result<String, String> {
    if text.is_empty() || text.len() > max {
        return Err(format!("not from 1 to {max} bytes long"));
    }
    if !text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return Err("has a character that is not printable ASCII".into());
    }
    if !first_any && text.starts_with(['-', '+', '@', '=']) {
        return Err("begins with one of - + @ =".into());
    }
    if pattern.is_match(text) { Ok(text.to_owned()) } else { Err("does not match its pattern".into()) }
}

/// Reads `params.SLOT`.
pub(crate) fn read(value: Value<'_, '_>, settings: &serde_json::Value) -> Option<Slot> {
    let table = value.table()?;
    let kind = table.take("type");
    let one_of = table.take("one_of").or_else(|| table.take("values"));
    let slot = match (kind.as_ref().map(Value::text), one_of) {
        (Some(None), _) => None,
        (Some(Some(kind)), one_of) => typed(&kind, one_of, &table, settings),
        (None, Some(listed)) => texts(&listed_values(listed, settings)?, &table),
        (None, None) => {
            table.notes.mistake(&table.span, format!("`{}` has no type: write type = \"integer\", \"ipv4\" or \"text\"", table.name));
            None
        }
    };
    table.finish();
    slot
}

fn typed(kind: &str, one_of: Option<Value<'_, '_>>, table: &Table<'_, '_>, settings: &serde_json::Value) -> Option<Slot> {
    let say = |text: String| {
        table.notes.mistake(&table.span, format!("`{}`: {text}", table.name));
        None
    };
    match (kind, one_of) {
        ("ipv4", None) => scope(table).map(Slot::Ipv4),
        ("integer", None) => range(table),
        ("integer", Some(listed)) => integers(&listed_values(listed, settings)?, table),
        ("text" | "one_of", Some(listed)) => texts(&listed_values(listed, settings)?, table),
        ("text", None) => text(table),
        ("one_of", None) => say("says one_of without a list: write values = [\"…\"] or \"settings.KEY\"".into()),
        (kind, _) if LATER.contains(&kind) => say(format!("the type {kind} is not served by this version of Regent")),
        (kind, Some(_)) => say(format!("one_of does not go with the type {kind}")),
        (kind, None) => say(format!("there is no type {kind}: write ipv4, integer, one_of or text")),
    }
}

fn scope(table: &Table<'_, '_>) -> Option<Scope> {
    let Some(value) = table.take("scope") else { return Some(Scope::Any) };
    match value.text()?.as_str() {
        "public" => Some(Scope::Public),
        "private" => Some(Scope::Private),
        "any" => Some(Scope::Any),
        other => {
            value.mistake(format!("is \"{other}\": write public, private or any"));
            None
        }
    }
}

fn range(table: &Table<'_, '_>) -> Option<Slot> {
    let bound = |key, default| table.take(key).map_or(Some(default), |value| value.integer());
    let (min, max) = (bound("min", 0)?, bound("max", i64::MAX)?);
    if min > max {
        table.notes.mistake(&table.span, format!("`{}`: min is greater than max, so no value fits", table.name));
        return None;
    }
    Some(Slot::Integer { min, max })
}

fn text(table: &Table<'_, '_>) -> Option<Slot> {
    let max = table.take("max").map_or(Some(TEXT_MAX), |value| {
        let max = value.integer()?;
        let fits = (1..=TEXT_MOST).contains(&max);
        if !fits {
            value.mistake(format!("is {max}: write 1 to {TEXT_MOST} bytes"));
        }
        fits.then_some(max)
    });
    let first_any = table.take("first_any").is_some_and(|value| value.boolean().unwrap_or(false));
    let pattern = table.need("pattern", "\"[a-z0-9]+\" (the whole value), or one_of = […]")?;
    let written = pattern.text()?;
    let compiled = compile(&written).map_err(|why| pattern.mistake(why)).ok()?;
    Some(Slot::Text { pattern: compiled, max: usize::try_from(max?).ok()?, first_any })
}

/// A pattern means the whole value, and only ASCII: `\d` is ten digits.
fn compile(pattern: &str) -> Result<Regex, String> {
    let bytes = pattern.as_bytes();
    let flags = bytes.windows(3).any(|three| matches!(three, [b'(', b'?', flag] if *flag != b':' && *flag != b'P' && *flag != b'<'));
    if flags {
        return Err("has flags within it, such as (?m), which would change what the whole value means: leave them out".into());
    }
    let anchored = format!(r"\A(?:{pattern})\z");
    let built = RegexBuilder::new(&anchored).unicode(false).size_limit(PATTERN_SIZE).build();
    // A bracket too many would end the group, and with it the anchors.
    let alone = RegexBuilder::new(pattern).unicode(false).size_limit(PATTERN_SIZE).build();
    match (built, alone) {
        (Ok(built), Ok(_)) => Ok(built),
        (Err(why), _) | (_, Err(why)) => Err(format!("is no pattern that can be used: {}", why.to_string().replace('\n', " "))),
    }
}

/// The list itself, or that of the settings that it names.
fn listed_values(value: Value<'_, '_>, settings: &serde_json::Value) -> Option<(Vec<serde_json::Value>, String)> {
    let (notes, span, name) = (value.notes, value.span.clone(), value.name.clone());
    let found = match value.as_text().map(str::to_owned) {
        Some(reference) => {
            let key = reference.strip_prefix("settings.");
            let list = key.and_then(|key| settings.get(key)).and_then(serde_json::Value::as_array);
            if list.is_none() {
                notes.mistake(&span, format!("`{name}` is \"{reference}\": write a list, or \"settings.KEY\" with a list of that name in [settings]"));
            }
            list?.clone()
        }
        None => {
            let items: Vec<_> = value.list()?.iter().map(Value::json).collect();
            items.into_iter().collect::<Option<Vec<_>>>()?
        }
    };
    if found.is_empty() {
        notes.mistake(&span, format!("`{name}` lists nothing, so no value would fit"));
        return None;
    }
    Some((found, name))
}

fn integers(listed: &(Vec<serde_json::Value>, String), table: &Table<'_, '_>) -> Option<Slot> {
    let numbers: Option<Vec<i64>> = listed.0.iter().map(serde_json::Value::as_i64).collect();
    if numbers.is_none() {
        table.notes.mistake(&table.span, format!("`{}` must list whole numbers", listed.1));
    }
    numbers.map(Slot::Integers)
}

fn texts(listed: &(Vec<serde_json::Value>, String), table: &Table<'_, '_>) -> Option<Slot> {
    let fits = |text: &str| !text.is_empty() && !text.contains('\0');
    let texts: Option<Vec<String>> =
        listed.0.iter().map(|item| item.as_str().filter(|text| fits(text)).map(str::to_owned)).collect();
    if texts.is_none() {
        table.notes.mistake(&table.span, format!("`{}` must list texts, none of them empty", listed.1));
    }
    texts.map(Slot::Texts)
}
