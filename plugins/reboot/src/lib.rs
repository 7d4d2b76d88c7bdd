//! Reboots the machine, whatever the data. By what program says the grants file, whose command ends the host: nobody
//! may live to hear of its success.

#![forbid(unsafe_code)]

use regent_plugin::prelude::*;

#[derive(Serialize, Deserialize)]
struct Reboot;

impl Operation for Reboot {
    type Data = Ignored;
    const SUMMARY: &'static str = "Reboot the machine";

    fn prepare(_: Ignored, plan: &mut Plan) -> Result<Self, Refusal> {
        plan.run("reboot", &[])?;
        Ok(Self)
    }

    fn finish(self, results: &Results) -> Result<impl Serialize, Failure> {
        results.or_fail("Failed to reboot").map(|_| ())
    }
}

plugin! { "reboot" => Reboot; wants "reboot"(): "reboots the machine" }

#[cfg(test)]
mod tests {
    use regent_plugin::testing::{Host, Required, json, ok, status};

    use super::PLUGIN;

    const GRANTS: &str = include_str!("../reboot.toml");

    fn host() -> Host {
        Host::with_grants(&PLUGIN, GRANTS)
    }

    #[test]
    fn it_plans_the_one_command_whatever_the_data() {
        for data in [json!(null), json!({"delay": 0}), json!("now")] {
            let host = host();
            let planned = host.prepare("reboot", data).unwrap();
            assert_eq!(planned.command_lines(), ["/usr/bin/systemctl reboot"]);
            assert_eq!(planned.summary(), "Reboot the machine");
            assert_eq!(planned.run(|_| ok("")), Ok(json!(null)));
        }
    }

    #[test]
    fn a_reboot_that_failed_is_told() {
        let host = host();
        assert_eq!(host.prepare("reboot", json!(null)).unwrap().run(|_| status(1)).unwrap_err(), "Failed to reboot");
    }

    #[test]
    #[should_panic(
        expected = "not granted: add to the grants of test:\n[commands.reboot]\nrun = [\"/path/to/program\"]"
    )]
    fn without_its_grant_it_reboots_nothing() {
        let _ = Host::with_grants(&PLUGIN, "[operations.reboot]").prepare("reboot", json!(null));
    }

    #[test]
    fn whose_consent_it_needs_is_the_administrators_to_say() {
        let config = "plugins = [\"/usr/lib/regent/plugins\"]\nstate = \"/var/lib/regent\"\n[[sockets]]\nname = \"test\"\n\
                      path = \"/run/regent/test/regent.sock\"\nsecret_file = \"/etc/regent/test.secret\"\n\
                      operations = [\"*\"]\n[people.anna]\nuser = \"anna\"\n[teams]\nops = [\"anna\"]\n";
        let required = |grants: &str| {
            let host = Host::with_config(&PLUGIN, grants, config);
            host.prepare("reboot", json!(null)).unwrap().required().to_vec()
        };
        assert_eq!(required(GRANTS), []);
        let held = GRANTS
            .replace("# require", "require")
            .replace("# sha256 = [\"…\"]", &format!("sha256 = {:?}", "0".repeat(64)));
        assert_eq!(required(&held), [Required { of: "ops".into(), count: 1 }]);
    }
}
