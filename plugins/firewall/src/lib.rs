//! Opens and closes ports of the machine's firewall to one address: `{"ip": "8.8.8.8", "port": 22}`. The port may be
//! left out when the settings name just one.
//!
//! Which firewall it is says the grants file: the plugin knows two commands by name and no program. It trusts nobody's
//! spelling: what it parsed is what it plans, and the daemon parses that once more by the types of the slots.

#![forbid(unsafe_code)]

// Which addresses may be let in at all.
mod address;
// What the caller and the administrator may say.
mod request;

use std::net::Ipv4Addr;

use regent_plugin::prelude::*;
use request::Request;

/// What the caller hears when a step failed: the log has the command's own words.
const FAILED: &str = "Failed to change firewall";
/// Said by the plugin for an address that it refuses itself, and for one that the grant's slot refuses.
const NOT_ALLOWED: &str = "IP not allowed";

/// One address and one port of ours.
#[derive(Serialize, Deserialize)]
struct Door {
    ip: Ipv4Addr,
    port: u16,
}

impl Door {
    /// Plans the change, and then a look at what the firewall says, so that the log shows what came of it.
    fn plan(data: Option<Request>, change: &str, plan: &mut Plan) -> Result<Self, Refusal> {
        let Self { ip, port } = data.unwrap_or_default().read(&settings())?;
        plan.run(change, &[("ip", &ip), ("port", &port)]).map_err(worded)?;
        plan.run("list-ports", &[])?;
        Ok(Self { ip, port })
    }

    fn finish(self, results: &Results) -> Result<Self, Failure> {
        let listing = results.or_fail(FAILED)?.last().map(|last| String::from_utf8_lossy(&last.stdout));
        log(Level::Info, format_args!("the firewall now says: {}", listing.unwrap_or_default()));
        Ok(self)
    }
}

/// The slot `ip` takes public addresses by the daemon's own table; should it be stricter than ours, the caller hears
/// the same words.
fn worded(refusal: Refusal) -> Refusal {
    if refusal.message.starts_with("ip:") { Refusal::invalid(NOT_ALLOWED) } else { refusal }
}

#[derive(Serialize, Deserialize)]
struct Open(Door);

impl Operation for Open {
    type Data = Option<Request>;
    const SUMMARY: &'static str = "Open a port to an address";
    const SCHEMA: &'static str = request::SCHEMA;

    fn prepare(data: Self::Data, plan: &mut Plan) -> Result<Self, Refusal> {
        Door::plan(data, "open-port", plan).map(Self)
    }

    fn summary(&self) -> String {
        format!("Open port {} to {}", self.0.port, self.0.ip)
    }

    fn finish(self, results: &Results) -> Result<impl Serialize, Failure> {
        self.0.finish(results)
    }
}

#[derive(Serialize, Deserialize)]
struct Close(Door);

impl Operation for Close {
    type Data = Option<Request>;
    const SUMMARY: &'static str = "Close a port to an address again";
    const SCHEMA: &'static str = request::SCHEMA;

    fn prepare(data: Self::Data, plan: &mut Plan) -> Result<Self, Refusal> {
        Door::plan(data, "close-port", plan).map(Self)
    }

    fn summary(&self) -> String {
        format!("Close port {} to {}", self.0.port, self.0.ip)
    }

    fn finish(self, results: &Results) -> Result<impl Serialize, Failure> {
        self.0.finish(results)
    }
}

plugin! {
    "open" => Open,
    "close" => Close;
    wants "open-port"("ip", "port"): "lets the address in",
    wants "close-port"("ip", "port"): "keeps it out again",
    wants "list-ports"(): "shows in the log what the firewall says afterwards"
}

#[cfg(test)]
mod tests;
