//! A host for plain `cargo test`: native, without a WebAssembly toolchain and without a daemon.
//!
//! It reads the grants file with the daemon's own checker, so a test tries the plugin *and* the file that is shipped
//! beside it: which command lines come out, and which values do not get in. It runs nothing. What in a daemon would be
//! a fault of the plugin is a panic here, with the text that the daemon's log would have.
//!
//! ```
//! # use regent_plugin::prelude::*;
//! # #[derive(Serialize, Deserialize)]
//! # struct WhoAmI;
//! # impl Operation for WhoAmI {
//! #     type Data = Ignored;
//! #     const SUMMARY: &'static str = "Tell which user commands run as";
//! #     fn prepare(_: Ignored, plan: &mut Plan) -> Result<Self, Refusal> {
//! #         plan.run("whoami", &[])?;
//! #         Ok(WhoAmI)
//! #     }
//! #     fn finish(self, results: &Results) -> Result<impl Serialize, Failure> {
//! #         Ok(results.text()?.trim().to_owned())
//! #     }
//! # }
//! # plugin! { "whoami" => WhoAmI }
//! use regent_plugin::testing::{Host, json, ok};
//!
//! # fn main() {
//! // include_str!("../whoami.toml")
//! let grants = "[operations.whoami]\n[commands.whoami]\nrun = [\"/usr/bin/whoami\"]";
//! let host = Host::with_grants(&PLUGIN, grants);
//! let planned = host.prepare("whoami", json!(null)).unwrap();
//! assert_eq!(planned.command_lines(), ["/usr/bin/whoami"]);
//! assert_eq!(planned.run(|_| ok("root\n")), Ok(json!("root")));
//! # }
//! ```

// What the plugin's calls reach while one of its functions runs.
pub(crate) mod calls;
// A request that was prepared, and what can become of it.
mod planned;
// What a caller hears of it.
mod heard;

use std::{rc::Rc, time::Duration};

pub use regent_grants::Step as Required;
use regent_grants::{Config, Grants, Operation};
use regent_lane::{STATE_MAX, TEXT_MAX};
use serde_json::Value;
pub use serde_json::json;

use crate::{Plugin, StepResult};
use calls::{Exchange, HostState, Phase};
pub use heard::Heard;
use heard::{fits, heard};
pub use planned::{Line, Planned};

/// As much of a `regent.toml` as a grants file needs that names no people.
const CONFIG: &str = r#"
plugins = ["/usr/lib/regent/plugins"]
state = "/var/lib/regent"
[[sockets]]
name = "test"
path = "/run/regent/test/regent.sock"
secret_file = "/etc/regent/test.secret"
operations = ["*"]
"#;

/// 2023-11-14T22:13:20Z: what the clock shows unless a test sets it, so that tests do not depend on the day.
const NOW: Duration = Duration::from_secs(1_700_000_000);

/// A plugin with its grants.
#[derive(Debug)]
pub struct Host {
    plugin: &'static Plugin,
    state: HostState,
    config: Config,
}

impl Host {
    /// A host with this grants file, and a `regent.toml` without people.
    ///
    /// # Panics
    /// If the file has a mistake, or serves an operation that the plugin does not have; the text names each with its
    /// line.
    #[must_use]
    pub fn with_grants(plugin: &'static Plugin, grants: &str) -> Self {
        Self::with_config(plugin, grants, CONFIG)
    }

    /// A host with this grants file and this `regent.toml`, for grants that name people and teams.
    ///
    /// # Panics
    /// As above.
    #[must_use]
    pub fn with_config(plugin: &'static Plugin, grants: &str, config: &str) -> Self {
        let config = Config::parse("regent.toml", config).unwrap_or_else(|mistakes| panic!("{mistakes}")).value;
        let grants = Grants::parse("test", "grants file", grants, &config);
        let grants = Rc::new(grants.unwrap_or_else(|mistakes| panic!("{mistakes}")).value);
        for regent_grants::Operation { name, line, .. } in &grants.operations {
            let has = plugin.names();
            assert!(
                plugin.has(name),
                "grants file:{line}: [operations.{name}]: the plugin has no such operation; it has {has}"
            );
        }
        Self { plugin, state: HostState { wants: plugin.wants, grants, now: NOW }, config }
    }

    /// The same host at another time, counted from 1970.
    #[must_use]
    pub fn at(self, now: Duration) -> Self {
        Self { state: HostState { now, ..self.state }, ..self }
    }

    /// What the plugin says of itself.
    ///
    /// # Panics
    /// If it is not JSON.
    #[must_use]
    pub fn describe(&self) -> Value {
        let (text, _) = Exchange::during(&self.state, Phase::Describing, || self.plugin.describe());
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("describe: not JSON: {error}"))
    }

    /// Sends a request, as far as its plan: under the name that callers use.
    ///
    /// # Errors
    /// What the caller would hear: `Invalid data: Missing IP`.
    ///
    /// # Panics
    /// If the plugin does, or does what no plugin may.
    pub fn prepare(&self, operation: &str, data: Value) -> Result<Planned<'_>, Heard> {
        let operation = self.operation(operation)?;
        let data = data.to_string();
        let (prepared, exchange) =
            Exchange::during(&self.state, Phase::Preparing, || self.plugin.prepare(&operation.name, &data));
        let prepared = prepared.map_err(|refusal| heard(&refusal))?;
        fits("summary", prepared.summary.len(), TEXT_MAX);
        fits("state", prepared.state.len(), STATE_MAX);
        let required = self.authorise(operation, &prepared.state)?;
        Ok(Planned::new(self.plugin, &self.state, operation, prepared, exchange, required))
    }

    fn authorise(&self, operation: &Operation, state: &[u8]) -> Result<Vec<Required>, Heard> {
        let asked = Exchange::during(&self.state, Phase::Other, || self.plugin.authorise(&operation.name, state)).0;
        let asked = asked.map_err(|refusal| {
            eprintln!("denied: {refusal}");
            Heard::new("Authorisation failed")
        })?;
        let asked = Required::read_json(&asked, &self.config).unwrap_or_else(|why| panic!("authorise: {why}"));
        Ok(regent_grants::combine(&operation.require, &asked))
    }

    fn operation(&self, called: &str) -> Result<&Operation, Heard> {
        let found = self.state.grants.operations.iter().find(|operation| operation.called == called);
        found.ok_or_else(|| Heard::new("Unknown operation"))
    }
}

/// A step's result: it succeeded and wrote this.
#[must_use]
pub fn ok(stdout: &str) -> StepResult {
    StepResult { outcome: "ok".into(), stdout: stdout.into(), ..StepResult::default() }
}

/// A step's result: it ended with this exit status, which its grant does not call success.
#[must_use]
pub fn status(status: i32) -> StepResult {
    StepResult { outcome: "status".into(), status, ..StepResult::default() }
}
