//! Says hello: `{"name": "Ben"}`.

use regent_plugin::prelude::*;

/// What the caller sends.
#[derive(Deserialize)]
struct Data {
    name: String,
}

/// What is kept from `prepare` to `finish`.
#[derive(Serialize, Deserialize)]
struct Greet {
    name: String,
}

impl Operation for Greet {
    type Data = Data;
    const SUMMARY: &'static str = "Say hello to somebody";
    const SCHEMA: &'static str = r#"{"type": "object", "required": ["name"],
        "properties": {"name": {"type": "string", "description": "whom to greet", "examples": ["Ben"]}}}"#;

    fn prepare(data: Data, plan: &mut Plan) -> Result<Self, Refusal> {
        if data.name.is_empty() {
            return Err(Refusal::invalid("name is empty"));
        }
        plan.run("greet", &[("name", &data.name)])?;
        Ok(Self { name: data.name })
    }

    fn summary(&self) -> String {
        format!("Say hello to {}", self.name)
    }

    fn finish(self, results: &Results) -> Result<impl Serialize, Failure> {
        Ok(results.text()?.to_owned())
    }
}

plugin! { "{{name}}" => Greet; wants "greet"("name"): "prints the greeting" }

#[cfg(test)]
mod tests {
    use regent_plugin::testing::{Host, json, ok};

    use super::PLUGIN;

    fn host() -> Host {
        Host::with_grants(&PLUGIN, include_str!("../{{name}}.toml"))
    }

    #[test]
    fn it_plans_one_command_and_replies_with_what_that_printed() {
        let host = host();
        let planned = host.prepare("{{name}}", json!({"name": "Ben"})).unwrap();
        assert_eq!(planned.command_lines(), ["/usr/bin/printf Hello, %s! Ben"]);
        assert_eq!(planned.run(|_| ok("Hello, Ben!")), Ok(json!("Hello, Ben!")));
    }

    #[test]
    fn a_name_that_is_none_is_refused() {
        let refused = |name| host().prepare("{{name}}", json!({"name": name})).unwrap_err().to_string();
        assert_eq!(refused(""), "Invalid data: name is empty");
        assert_eq!(refused("$(id)"), "Invalid data: name: not accepted");
    }
}
