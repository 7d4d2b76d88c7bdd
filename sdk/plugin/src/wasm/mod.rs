//! The component: what the daemon calls, and what the plugin calls. Each export looks the operation up in the plugin's
//! table and translates; nothing is decided here.

pub mod bindings;
pub(crate) mod calls;

use std::sync::Once;

use bindings::exports::regent::plugin::{authorising, finishing, operation};
use bindings::regent::plugin::{
    log::{self, Level},
    types,
};

use crate::{Plugin, Refusal, StepResult};

/// A type of the plugin crate that carries its table into the exports. Implemented by [`plugin!`](crate::plugin!).
#[doc(hidden)]
pub trait Component {
    /// The plugin's table.
    const PLUGIN: &'static Plugin;
}

/// A panic traps, and a trap tells only where it happened: so its text goes to the log first.
fn tell_panics() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| std::panic::set_hook(Box::new(|panic| log::write(Level::Error, &panic.to_string()))));
}

impl<T: Component> operation::Guest for T {
    fn describe() -> String {
        tell_panics();
        T::PLUGIN.describe()
    }

    fn prepare(name: String, data: String) -> Result<types::Prepared, types::Refusal> {
        tell_panics();
        let prepared = T::PLUGIN.prepare(&name, &data)?;
        Ok(types::Prepared { summary: prepared.summary, state: prepared.state })
    }
}

impl<T: Component> authorising::Guest for T {
    fn authorise(name: String, state: Vec<u8>) -> Result<String, types::Refusal> {
        tell_panics();
        Ok(T::PLUGIN.authorise(&name, &state)?)
    }
}

impl<T: Component> finishing::Guest for T {
    fn finish(name: String, state: Vec<u8>, results: Vec<types::StepResult>) -> Result<String, types::Refusal> {
        tell_panics();
        let results: Vec<StepResult> = results.into_iter().map(StepResult::from).collect();
        let refusal = |message| types::Refusal { code: "failed".into(), message };
        T::PLUGIN.finish(&name, &state, results).map_err(refusal)
    }
}

impl From<Refusal> for types::Refusal {
    fn from(refusal: Refusal) -> Self {
        Self { code: refusal.code, message: refusal.message }
    }
}

impl From<types::StepResult> for StepResult {
    fn from(result: types::StepResult) -> Self {
        let types::StepResult { command, outcome, status, stdout, stderr, truncated } = result;
        Self { command, outcome, status, stdout, stderr, truncated }
    }
}

/// The component's exports, for the crate that has the table.
#[doc(hidden)]
#[macro_export]
macro_rules! __exports {
    ($plugin:ident) => {
        const _: () = {
            struct Exports;
            impl $crate::Component for Exports {
                const PLUGIN: &'static $crate::Plugin = &$plugin;
            }
    $crate::bindings::export!(Exports with_types_in $crate::bindings);
        };
    };
}
