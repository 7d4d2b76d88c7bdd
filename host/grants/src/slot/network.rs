//! `cidr`: a network as its first address and the length of its prefix. `10.0.0.1/8` is refused: whoever wrote it meant
//! either one address or sixteen million.

use serde_json::{Value as Json, json};

use super::kind::{Kind, Wider};
use super::scope::{Families, Scope};
use super::written::Written;
use crate::addresses::Network;
use crate::sheet::table::Table;
use crate::sheet::value::Value;

/// Which networks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cidr {
    families: Families,
    scope: Scope,
    min: u8,
    max: u8,
}

impl Cidr {
    pub(super) fn read(table: &mut Table<'_>) -> Self {
        let families = table.read("family", family).unwrap_or(Families::Either);
        let longest = longest(families);
        let length = |value: &Value<'_>| value.number(0, longest.into());
        let min = table.read("min_prefix", length).unwrap_or(0);
        let max = table.read("max_prefix", length).unwrap_or(longest);
        if min > max {
            table
                .mistake(format!("no prefix has {min} to {max} bits: write a min_prefix that is not above max_prefix"));
        }
        Self { families, scope: Scope::read(table), min, max }
    }

    fn parse(self, value: &str) -> Option<Network> {
        let (first, length) = value.split_once('/')?;
        let bits: u8 = length.parse().ok()?;
        // What is written again must be what was written: no `+8`, no `08`.
        let network = Network::new(self.families.parse(first)?, bits).filter(|_| bits.to_string() == length)?;
        (!network.disguises_v4()).then_some(network)
    }

    fn has(self, network: Network) -> bool {
        (self.min..=self.max).contains(&network.length()) && self.scope.has(network)
    }
}

impl Kind for Cidr {
    fn word(&self) -> &'static str {
        "cidr"
    }

    fn accept(&self, value: &str) -> Option<String> {
        let network = self.parse(value).filter(|network| self.has(*network))?;
        Some(format!("{}/{}", network.first(), network.length()))
    }

    fn rule(&self) -> String {
        let network = self.families.named(self.scope, "network");
        format!("{network} as ADDRESS/LENGTH without host bits, its prefix of {} to {} bits", self.min, self.max)
    }

    fn schema(&self) -> Json {
        json!({"type": "string", "description": self.rule()})
    }

    fn digest(&self) -> Json {
        let family = match self.families {
            Families::V4 => "4",
            Families::V6 => "6",
            Families::Either => "any",
        };
        json!({
            "type": "cidr", "family": family, "scope": self.scope.word(), "min_prefix": self.min, "max_prefix": self.max,
        })
    }

    fn written(&self) -> Written {
        let family = match self.families {
            Families::V4 => Some(4),
            Families::V6 => Some(6),
            Families::Either => None,
        };
        let written = Written::of("cidr").unless("family", family, &None);
        let written = written.unless("scope", self.scope.word(), &Scope::Any.word());
        written.unless("min_prefix", self.min, &0).unless("max_prefix", self.max, &longest(self.families))
    }

    fn wider(&self, value: &str) -> Option<Wider> {
        let network = self.parse(value)?;
        let scope = if self.scope.has(network) { self.scope } else { Scope::Any };
        let (min, max) = (self.min.min(network.length()), self.max.max(network.length()));
        Some(Wider::Slot(Self { scope, min, max, ..*self }.written()))
    }
}

fn family(value: &Value<'_>) -> Option<Families> {
    match value.integer()? {
        4 => Some(Families::V4),
        6 => Some(Families::V6),
        other => {
            value.mistake(format!("family is {other}: write 4 or 6, or leave it out for both"));
            None
        }
    }
}

fn longest(families: Families) -> u8 {
    match families {
        Families::V4 => 32,
        Families::V6 | Families::Either => 128,
    }
}
