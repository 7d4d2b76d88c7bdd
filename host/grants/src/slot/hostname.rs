//! `hostname`: a name of labels, RFC 1123, in lower case. What a resolver would take for an address is no name: a last
//! label of digits, or a hexadecimal number.

use serde_json::{Value as Json, json};
use toml::de::DeValue;

use super::kind::{Kind, Wider};
use super::listed::{Listed, Settings};
use super::written::Written;
use crate::sheet::table::Table;
use crate::sheet::value::Value;

const NAME_MAX: usize = 253;

const LABEL_MAX: usize = 63;

/// Which names.
#[derive(Debug, Clone)]
pub(super) enum Hostname {
    Any,
    /// One of these, or a name that ends in one of them after a dot. Never empty.
    Below(Vec<String>),
    OneOf(Listed<String>),
}

impl Hostname {
    pub(super) fn read(table: &mut Table<'_>, settings: &Settings<'_>) -> Option<Self> {
        let (below, one_of) = (table.take("below"), table.take("one_of"));
        match (below, one_of) {
            (None, None) => Some(Self::Any),
            (Some(below), None) => domains(&below).map(Self::Below),
            (None, Some(one_of)) => Listed::read(&one_of, settings, name).map(Self::OneOf),
            (Some(below), Some(_)) => {
                below.mistake("one_of and below: keep one of them");
                None
            }
        }
    }
}

impl Kind for Hostname {
    fn word(&self) -> &'static str {
        "hostname"
    }

    fn accept(&self, value: &str) -> Option<String> {
        let name = parse(value)?;
        let taken = match self {
            Self::Any => true,
            Self::Below(domains) => domains.iter().any(|domain| is_below(&name, domain)),
            Self::OneOf(names) => names.has(&name),
        };
        taken.then_some(name)
    }

    fn rule(&self) -> String {
        match self {
            Self::Any => "a host name: labels of letters, digits and -, with dots between them".to_owned(),
            Self::Below(domains) => format!("the host name {}, or one below it", domains.join(" or ")),
            Self::OneOf(names) => names.rule(),
        }
    }

    fn schema(&self) -> Json {
        match self {
            Self::OneOf(names) => json!({"type": "string", "enum": names.json()}),
            _ => json!({"type": "string", "format": "hostname"}),
        }
    }

    fn digest(&self) -> Json {
        match self {
            Self::Any => json!({"type": "hostname"}),
            Self::Below(domains) => json!({"type": "hostname", "below": domains}),
            Self::OneOf(names) => json!({"type": "hostname", "one_of": names.json()}),
        }
    }

    fn written(&self) -> Written {
        let written = Written::of("hostname");
        match self {
            Self::Any => written,
            Self::Below(domains) => written.with("below", domains.clone()),
            Self::OneOf(names) => written.with("one_of", names.written()),
        }
    }

    fn wider(&self, value: &str) -> Option<Wider> {
        let name = parse(value)?;
        match self {
            Self::Any => None,
            Self::Below(domains) => {
                let more = domains.iter().cloned().chain([name]).collect();
                Some(Wider::Slot(Self::Below(more).written()))
            }
            Self::OneOf(names) => Some(names.and(name, |names| Self::OneOf(names).written())),
        }
    }
}

/// The name in lower case.
fn parse(value: &str) -> Option<String> {
    let name = value.to_ascii_lowercase();
    let last = name.rsplit('.').next().unwrap_or_default();
    let good = name.len() <= NAME_MAX && name.split('.').all(is_label) && !is_number(last);
    good.then_some(name)
}

fn is_label(label: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let length = (1..=LABEL_MAX).contains(&label.len());
    length && label.bytes().all(letter) && !label.starts_with('-') && !label.ends_with('-')
}

/// Whether a resolver takes a name that ends so for an address: `getaddrinfo` reads `0x7f000001` as 127.0.0.1.
fn is_number(label: &str) -> bool {
    let hexadecimal = |rest: &str| rest.bytes().all(|byte| byte.is_ascii_hexdigit());
    label.bytes().all(|byte| byte.is_ascii_digit()) || label.strip_prefix("0x").is_some_and(hexadecimal)
}

fn is_below(name: &str, domain: &str) -> bool {
    name.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn domains(value: &Value<'_>) -> Option<Vec<String>> {
    if let DeValue::String(_) = value.raw() {
        return name(value).map(|domain| vec![domain]);
    }
    let list = value.list_of_some("the slot would accept nothing: write below = \"example.org\"")?;
    Some(Value::each(&list, name))
}

fn name(value: &Value<'_>) -> Option<String> {
    let text = value.text()?;
    let name = parse(text);
    if name.is_none() {
        value.mistake(format!("{}: {text:?} is no host name: write it as \"www.example.org\"", value.key));
    }
    name
}
