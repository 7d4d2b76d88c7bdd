//! Which part of the world an address or a network is of, and of which family.

use std::net::IpAddr;

use crate::addresses::Network;
use crate::sheet::table::Table;
use crate::sheet::value::Value;

/// Which addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
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

    /// Whether all of the network is in it.
    pub(super) fn has(self, network: Network) -> bool {
        match self {
            Self::Any => true,
            Self::Public => network.is_public(),
            Self::Private => network.is_private(),
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Public => "public",
            Self::Private => "private",
        }
    }
}

/// IPv4, IPv6 or either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Families {
    V4,
    V6,
    Either,
}

impl Families {
    /// The address of this text, in one of these families. Whatever is IPv4 in disguise is left to the caller.
    pub(super) fn parse(self, text: &str) -> Option<IpAddr> {
        // std takes `::ffff:10.0.0.1` and `64:ff9b::10.0.0.1`; a dot in an IPv6 address is never what was asked for.
        let dotted = text.contains(':') && text.contains('.');
        let address: IpAddr = (text.is_ascii() && !dotted).then(|| text.parse().ok()).flatten()?;
        let taken = match self {
            Self::V4 => address.is_ipv4(),
            Self::V6 => address.is_ipv6(),
            Self::Either => true,
        };
        taken.then_some(address)
    }

    /// Whole words: `public` stands before them, the RFC of `private` after.
    pub(super) fn named(self, scope: Scope, what: &str) -> String {
        let (family, rfc) = match self {
            Self::V4 => ("IPv4", "RFC 1918"),
            Self::V6 => ("IPv6", "RFC 4193"),
            Self::Either => ("IPv4 or IPv6", "RFC 1918, RFC 4193"),
        };
        match scope {
            Scope::Any => format!("an {family} {what}"),
            Scope::Public => format!("a public {family} {what}"),
            Scope::Private => format!("a private {family} {what} ({rfc})"),
        }
    }
}
