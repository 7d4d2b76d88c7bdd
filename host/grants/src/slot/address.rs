//! `ipv4`, `ipv6` and `ip`: an address, and nothing that merely means one. `127.1`, `010.0.0.1` and `::ffff:10.0.0.1`
//! are addresses to one program and something else to the next.
//!
//! An IPv4 address has one spelling. An IPv6 address may come in any that is ASCII, without a zone and without a dotted
//! part, and is rendered as RFC 5952 writes it; IPv4-mapped and -compatible ones are refused in every spelling.

use serde_json::{Value as Json, json};

use super::kind::{Kind, Wider};
use super::scope::{Families, Scope};
use super::written::Written;
use crate::addresses::Network;
use crate::sheet::table::Table;

/// Which addresses.
#[derive(Debug, Clone, Copy)]
pub(super) struct Address {
    families: Families,
    scope: Scope,
}

impl Address {
    pub(super) fn read(table: &mut Table<'_>, families: Families) -> Self {
        Self { families, scope: Scope::read(table) }
    }

    fn format(self) -> Json {
        match self.families {
            Families::V4 => json!({"type": "string", "format": "ipv4"}),
            Families::V6 => json!({"type": "string", "format": "ipv6"}),
            Families::Either => json!({"type": "string", "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}]}),
        }
    }
}

impl Kind for Address {
    fn word(&self) -> &'static str {
        match self.families {
            Families::V4 => "ipv4",
            Families::V6 => "ipv6",
            Families::Either => "ip",
        }
    }

    fn accept(&self, value: &str) -> Option<String> {
        let address = self.families.parse(value)?;
        let network = Network::of(address);
        (!network.disguises_v4() && self.scope.has(network)).then(|| address.to_string())
    }

    fn rule(&self) -> String {
        match self.families {
            // The words that logs have had from the beginning.
            Families::V4 => format!("{} in four decimal parts", self.families.named(self.scope, "address")),
            _ => self.families.named(self.scope, "address"),
        }
    }

    fn schema(&self) -> Json {
        self.format()
    }

    fn digest(&self) -> Json {
        json!({"type": self.word(), "scope": self.scope.word()})
    }

    fn written(&self) -> Written {
        Written::of(self.word()).with("scope", self.scope.word())
    }

    fn wider(&self, value: &str) -> Option<Wider> {
        let any = Self { scope: Scope::Any, ..*self };
        any.accept(value).map(|_| Wider::Slot(any.written()))
    }
}
