//! Gives back the data that it was sent. It plans nothing, so no grant and no approval can ever be involved: what an
//! administrator tries first, and what measures the way there and back.

#![forbid(unsafe_code)]

use regent_plugin::prelude::*;
use serde_json::value::RawValue;

#[derive(Serialize, Deserialize)]
struct Echo(Box<RawValue>);

impl Operation for Echo {
    type Data = Box<RawValue>;
    const SUMMARY: &'static str = "Give back the data";

    fn prepare(data: Self::Data, _: &mut Plan) -> Result<Self, Refusal> {
        Ok(Self(data))
    }

    fn finish(self, _: &Results) -> Result<impl Serialize, Failure> {
        Ok(self.0)
    }
}

plugin! { "echo" => Echo }

#[cfg(test)]
mod tests {
    use regent_plugin::testing::{Host, json};

    use super::PLUGIN;

    #[test]
    fn what_was_sent_comes_back_and_nothing_is_planned() {
        let host = Host::with_grants(&PLUGIN, include_str!("../echo.toml"));
        for data in [json!(null), json!({"a": [1, "two", null]}), json!("text"), json!(5.5)] {
            let planned = host.prepare("echo", data.clone()).unwrap();
            assert!(planned.command_lines().is_empty());
            assert_eq!(planned.finish(vec![]), Ok(data));
        }
    }
}
