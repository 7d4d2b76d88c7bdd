//! Restarts a service: `{"service": "nginx"}`, or `service_name` as clients of the Python project write it. Some
//! services are restarted at once; for all others somebody has to approve.
//!
//! Which services there are, which of them go at once, and who approves the others say the grants file's `[settings]`;
//! by what program they are restarted says its command. Consent is asked for by this plugin's word and enforced by the
//! daemon, which adds it to what the administrator requires anyway.

#![forbid(unsafe_code)]

use regent_plugin::{Authorise, prelude::*};
use serde_json::{Map, Value};

/// What the caller hears when the step failed: the log has the command's own words.
const FAILED: &str = "Failed to restart service";
/// Said for a service that the settings do not name, and for one that the grant's slot refuses.
const UNEXPECTED: &str = "Unexpected service name";

/// The grants file's `[settings]`.
#[derive(Deserialize)]
struct Settings {
    /// What may be restarted at all.
    #[serde(default)]
    services: Vec<String>,
    /// What is restarted without asking anybody.
    #[serde(default = "Settings::at_once")]
    at_once: Vec<String>,
    /// A person or team of `regent.toml`, who approves the rest.
    #[serde(default = "Settings::approvers")]
    approvers: String,
}

impl Settings {
    fn at_once() -> Vec<String> {
        vec!["nginx".into()]
    }

    fn approvers() -> String {
        "ops".into()
    }
}

#[derive(Serialize, Deserialize)]
struct Restart {
    service: String,
}

impl Restart {
    fn authorise(&self) -> Result<Vec<Step>, Refusal> {
        let settings: Settings = settings();
        let at_once = settings.at_once.contains(&self.service);
        Ok(if at_once { vec![] } else { vec![Step::approval(&settings.approvers)] })
    }
}

impl Operation for Restart {
    /// As it came: a service that is no text is merely one that nobody expects.
    type Data = Option<Map<String, Value>>;
    const SUMMARY: &'static str = "Restart a service";
    const SCHEMA: &'static str =
        r#"{"type":"object","required":["service"],"properties":{"service":{"type":"string"}}}"#;
    const AUTHORISE: Option<Authorise<Self>> = Some(Self::authorise);

    fn prepare(data: Self::Data, plan: &mut Plan) -> Result<Self, Refusal> {
        let service = named(&data.unwrap_or_default(), settings())?;
        plan.run("restart-service", &[("service", &service)]).map_err(worded)?;
        Ok(Self { service })
    }

    fn summary(&self) -> String {
        format!("Restart {}", self.service)
    }

    fn finish(self, results: &Results) -> Result<impl Serialize, Failure> {
        results.or_fail(FAILED).map(|_| ())
    }
}

/// The administrator's own spelling of the service that was asked for.
fn named(data: &Map<String, Value>, settings: Settings) -> Result<String, Refusal> {
    let asked = data.get("service").or_else(|| data.get("service_name"));
    let asked = asked.filter(|service| !service.is_null() && **service != "");
    let asked = asked.ok_or_else(|| Refusal::invalid("Missing service name"))?;
    let known = settings.services.into_iter().find(|service| *asked == **service);
    known.ok_or_else(|| Refusal::invalid(UNEXPECTED))
}

/// Should the slot be stricter than the settings, the caller hears the same words.
fn worded(refusal: Refusal) -> Refusal {
    if refusal.message.starts_with("service:") { Refusal::invalid(UNEXPECTED) } else { refusal }
}

plugin! { "restart" => Restart; wants "restart-service"("service"): "restarts it" }

#[cfg(test)]
mod tests;
