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
