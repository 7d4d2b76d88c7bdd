//! One instance of the plugin, for one exchange.

use std::sync::Arc;

use regent_lane::{ModuleCode, ModuleError, Say};
use wasmtime::{Store, UpdateDeadline};

use crate::bindings::exports::regent::plugin as exported;
use crate::fault;
use crate::lane::SharedLane;
use crate::limits::{Memory, Time};
use crate::plugin::{Plugin, Unloadable};
use crate::state::{Phase, State};
use crate::ticker::Ticker;
use crate::wasi;

/// Bytes that one call may make this process allocate: a reply of 1 MiB, and what is around it.
const HOST_ALLOCATION: usize = 2 << 20;
/// Handles to streams and pollables that an instance may have at a time.
const HANDLES: usize = 1_000;

/// An instance that waits for its exchange, or is in it.
pub(crate) struct Instance {
    pub(crate) store: Store<State>,
    pub(crate) operation: exported::operation::Guest,
    pub(crate) finishing: Option<exported::finishing::Guest>,
    pub(crate) authorising: Option<exported::authorising::Guest>,
}

impl Instance {
    /// A fresh one. The plugin's own start-up runs here, within the same limits as an exchange.
    pub(crate) fn prepare(plugin: &Plugin, lane: &SharedLane) -> wasmtime::Result<Self> {
        let state = State {
            lane: lane.clone(),
            settings: Arc::clone(&plugin.settings),
            phase: Phase::Starting,
            planned: 0,
            wasi: wasi::Held::nothing(),
            memory: Memory::default(),
            time: Time::begin(),
        };
        let mut store = Store::new(plugin.linked.engine(), state);
        store.limiter(|state| &mut state.memory);
        store.set_hostcall_fuel(HOST_ALLOCATION);
        store.set_max_component_handles(HANDLES);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|running| {
            running.data().time.check()?;
            Ok(UpdateDeadline::Continue(1))
        });
        let instance = plugin.linked.instantiate(&mut store)?;
        let functions = &plugin.functions;
        let operation = functions.operation.load(&mut store, &instance)?;
        let finishing = functions.finishing.as_ref().map(|at| at.load(&mut store, &instance)).transpose()?;
        let authorising = functions.authorising.as_ref().map(|at| at.load(&mut store, &instance)).transpose()?;
        Ok(Self { store, operation, finishing, authorising })
    }

    /// Whether it starts: the instance for the first exchange.
    pub(crate) fn tried(plugin: &Plugin, ticker: &Ticker, lane: &SharedLane) -> Result<Self, Unloadable> {
        let _busy = ticker.busy();
        Self::prepare(plugin, lane).map_err(|why| Unloadable::for_good(told(why)))
    }

    /// The exchange begins: its time runs from now.
    pub(crate) fn begin(&mut self, phase: Phase) {
        self.store.data_mut().time = Time::begin();
        self.store.set_epoch_deadline(1);
        self.enter(phase);
    }

    /// The next part of the same exchange.
    pub(crate) fn enter(&mut self, phase: Phase) {
        self.store.data_mut().phase = phase;
    }
}

/// Why it cannot be instantiated. No request can have a part in that, so it is for its author to mend.
fn told(error: wasmtime::Error) -> ModuleError {
    match fault::say(error) {
        Ok(Say::Fault(blame, text)) => ModuleCode::Broken(blame)
            .because(format!("it does not start: {text}. Mend what it does before anything is asked of it")),
        _ => "it does not start: a lane ended".into(),
    }
}
