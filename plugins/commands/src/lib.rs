//! Serves operations without code: those whose table in the grants file has `run`. Such an operation plans the one
//! command that is called as it is, with its slots filled from the request's data, and replies with what that printed.
//!
//! The daemon says which operations there are: it makes `[settings]` from the file. Nothing here is trusted with a
//! check: the daemon parses each value by the type of its slot, as it does for every plugin. What is refused here is
//! what never becomes a value, with words that say which key of the data to mend.

#![forbid(unsafe_code)]

// What the daemon says of the operations.
mod served;
// The data of a request as values of slots.
mod values;
// Output as a reply.
mod reply;

use regent_plugin::prelude::*;
use reply::Form;
use serde_json::Value;
use served::Served;

/// Any operation; kept is what the reply is made by.
#[derive(Serialize, Deserialize)]
struct Any {
    #[serde(skip)]
    summary: String,
    form: Form,
}

impl Operation for Any {
    type Data = Value;
    const SUMMARY: &'static str = "Run a granted command";

    fn prepare(data: Value, plan: &mut Plan) -> Result<Self, Refusal> {
        let name = plan.operation().to_owned();
        let served = Served::named(&name);
        let values = values::of(&data, &served)?;
        let values: Vec<_> = values.iter().map(|(slot, text)| (slot.as_str(), text as _)).collect();
        plan.run(&name, &values)?;
        let summary = served.summary.unwrap_or_else(|| format!("Run {name}"));
        Ok(Self { summary, form: served.reply })
    }

    fn summary(&self) -> String {
        self.summary.clone()
    }

    fn finish(self, results: &Results) -> Result<impl Serialize, Failure> {
        match results.last() {
            Some(ran) if results.succeeded() => self.form.of(ran),
            _ => Err(Failure::default()),
        }
    }
}

plugin! { "*" => Any }

#[cfg(test)]
mod tests;
