//! The data of a request and the settings beside it. The texts of its refusals, and the order in which they are tried,
//! are what existing clients know.

use std::net::{Ipv4Addr, Ipv6Addr};

use regent_plugin::prelude::*;
use serde_json::value::RawValue;

use crate::{Door, NOT_ALLOWED, address};

/// For forms. The examples are such as the shipped grants take, which none of the addresses that are kept for documents
/// is.
pub(crate) const SCHEMA: &str = r#"{"type":"object","required":["ip"],"additionalProperties":false,"properties":{"ip":{"type":"string","format":"ipv4","examples":["8.8.8.8"]},"port":{"type":"integer","minimum":1,"maximum":65535,"examples":[22]}}}"#;

/// The data as it came. The address is kept as its JSON text, so that one that is no string is refused in this plugin's
/// words and not in serde's. A misspelt key is refused, for without its port a request would mean another door.
#[derive(Default, Deserialize)]
#[serde(expecting = "an object", deny_unknown_fields)]
pub(crate) struct Request {
    ip: Option<Box<RawValue>>,
    port: Option<Box<RawValue>>,
}

/// The grants file's `[settings]`.
#[derive(Deserialize)]
pub(crate) struct Settings {
    /// The ports that may be opened; the first and only one serves requests that name none.
    #[serde(default)]
    ports: Vec<u16>,
}

impl Request {
    pub(crate) fn read(self, settings: &Settings) -> Result<Door, Refusal> {
        let ip = ip(self.ip.as_deref())?;
        let port = port(self.port.as_deref(), settings)?;
        Ok(Door { ip, port })
    }
}

fn ip(given: Option<&RawValue>) -> Result<Ipv4Addr, Refusal> {
    let given = given.ok_or_else(|| Refusal::invalid("Missing IP"))?;
    let text: String = serde_json::from_str(given.get()).map_err(|_| Refusal::invalid("Invalid IP"))?;
    let ip: Ipv4Addr = match text.parse() {
        Ok(ip) => ip,
        Err(_) if is_ipv6(&text) => return Err(Refusal::invalid("IPv4 only")),
        Err(_) => return Err(Refusal::invalid("Invalid IP")),
    };
    if address::is_public(ip) { Ok(ip) } else { Err(Refusal::invalid(NOT_ALLOWED)) }
}

/// With a zone (`fe80::1%eth0`) it is still IPv6, though std does not read it.
fn is_ipv6(text: &str) -> bool {
    let (address, zone) = text.split_once('%').unwrap_or((text, "none"));
    !zone.is_empty() && !zone.contains('%') && address.parse::<Ipv6Addr>().is_ok()
}

fn port(given: Option<&RawValue>, settings: &Settings) -> Result<u16, Refusal> {
    let port = match (given, settings.ports.as_slice()) {
        (Some(given), _) => serde_json::from_str(given.get()).map_err(|_| Refusal::invalid("Invalid port"))?,
        (None, [only]) => *only,
        (None, _) => return Err(Refusal::invalid("Missing port")),
    };
    if settings.ports.contains(&port) { Ok(port) } else { Err(Refusal::invalid("Port not allowed")) }
}
