//! An IPv4 address in four decimal parts, and nothing that merely means one: `127.1`, `010.0.0.1` and `::ffff:10.0.0.1` are
//! addresses to one program and something else to the next.

use std::net::Ipv4Addr;

use crate::addresses;
use crate::sheet::table::Table;
use crate::sheet::value::Value;

/// Which addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    Any,
    Public,
    Private,
}

impl Scope {
    pub(super) fn read(table: &mut Table<'_>) -> Self {
        table.read("scope", Self::parse).unwrap_or(Self::Any)
    }

    fn parse(value: &Value<'_>) -> Option<Self> {
        match value.text()? {
            "any" => Some(Self::Any),
            "public" => Some(Self::Public),
            "private" => Some(Self::Private),
            other => {
                value.mistake(format!("no scope is called {other:?}: write \"public\", \"private\" or \"any\""));
                None
            }
        }
    }

    pub(super) fn accept(self, value: &str) -> Option<String> {
        let address: Ipv4Addr = value.is_ascii().then(|| value.parse().ok()).flatten()?;
        let within = match self {
            Self::Any => true,
            Self::Public => addresses::is_public(address),
            Self::Private => addresses::is_private(address),
        };
        within.then(|| address.to_string())
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Public => "public",
            Self::Private => "private",
        }
    }

    pub(super) fn rule(self) -> &'static str {
        match self {
            Self::Any => "an IPv4 address in four decimal parts",
            Self::Public => "a public IPv4 address in four decimal parts",
            Self::Private => "a private IPv4 address (RFC 1918) in four decimal parts",
        }
    }
}
