//! Operations without code: each operation of a grants file that has `run` plans the one command of its own name, with its
//! parameters from the request's data.
//!
//! What an operation is stands in the settings, which the host makes of the grants file. This plugin only carries values
//! from the one place to the other: what a value may be is the slot's to say, and the daemon's to judge.

#![forbid(unsafe_code)]

// What the host says of each operation.
mod granted;
// From a request's data to the values of slots.
mod values;
// From a command's output to a reply.
mod reply;

use regent_plugin::{called, prelude::*};
use serde_json::Value;

use granted::{Granted, Reply};

/// Any operation of the file.
#[derive(Serialize, Deserialize)]
struct Any {
    summary: String,
    reply: Reply,
}

impl Operation for Any {
    type Data = Value;
    const SUMMARY: &'static str = "Run a granted command";

    fn prepare(data: Value, plan: &mut Plan) -> Result<Self, Refusal> {
        let name = called();
        let granted = Granted::of(&name);
        let values = values::of(&granted, &data)?;
        let values: Vec<(&str, &dyn std::fmt::Display)> =
            values.iter().map(|(slot, value)| (*slot, value as &dyn std::fmt::Display)).collect();
        plan.run(&name, &values)?;
        Ok(Self { summary: granted.summary.unwrap_or_else(|| format!("Run {name}")), reply: granted.reply })
    }

    fn summary(&self) -> String {
        self.summary.clone()
    }

    fn finish(self, results: &Results) -> Result<impl Serialize, Failure> {
        reply::of(self.reply, results)
    }
}

plugin! { "*" => Any }

#[cfg(test)]
mod tests;
