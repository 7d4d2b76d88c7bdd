//! Runs one command, `whoami`, and replies with what it printed.

#![forbid(unsafe_code)]

use regent_plugin::prelude::*;

#[derive(Serialize, Deserialize)]
struct WhoAmI;

impl Operation for WhoAmI {
    type Data = Ignored;
    const SUMMARY: &'static str = "Tell which user commands run as";

    fn prepare(_: Ignored, plan: &mut Plan) -> Result<Self, Refusal> {
        plan.run("whoami", &[])?;
        Ok(WhoAmI)
    }

    fn finish(self, results: &Results) -> Result<impl Serialize, Failure> {
        Ok(results.text()?.trim().to_owned())
    }
}

plugin! { "whoami" => WhoAmI; wants "whoami"(): "prints the user's name" }
