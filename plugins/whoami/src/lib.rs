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

#[cfg(test)]
mod tests {
    use regent_plugin::testing::{Host, Planned, json, ok, status};

    use super::PLUGIN;

    fn host() -> Host {
        Host::with_grants(&PLUGIN, include_str!("../whoami.toml"))
    }

    fn planned(host: &Host) -> Planned<'_> {
        host.prepare("whoami", json!(null)).unwrap()
    }

    #[test]
    fn it_plans_the_one_command_whatever_the_data() {
        assert_eq!(planned(&host()).command_lines(), ["/usr/bin/whoami"]);
        assert_eq!(host().prepare("whoami", json!({"x": 1})).unwrap().command_lines(), ["/usr/bin/whoami"]);
    }

    #[test]
    fn the_reply_is_the_name_alone() {
        assert_eq!(planned(&host()).run(|_| ok("root\n")), Ok(json!("root")));
    }

    #[test]
    fn a_command_that_failed_gives_no_name() {
        assert_eq!(planned(&host()).run(|_| status(1)).unwrap_err(), "Operation failed");
    }
}
