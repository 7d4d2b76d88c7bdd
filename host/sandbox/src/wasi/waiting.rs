//! The clocks, and `wasi:io/poll`, by which a plugin would wait for one. A pollable that is ready is ready at once;
//! waiting for one that is not is a trap, because a plugin that waits holds a lane.

use std::time::{Duration, Instant};

use regent_lane::Blame;
use wasmtime::component::{HasData, Linker, Resource, ResourceTable};
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::bindings::clocks::{monotonic_clock, wall_clock};
use wasmtime_wasi::p2::bindings::sync::io::poll;
use wasmtime_wasi::p2::{DynPollable, Pollable, subscribe};
use wasmtime_wasi::runtime::poll_noop;
use wasmtime_wasi_io::bindings::wasi::io::poll as waiting;

use crate::fault::Broken;
use crate::state::State;

/// In a second.
const NANOSECONDS: u64 = 1_000_000_000;

/// The table, as a host that never waits.
pub(super) struct Impatient<'a>(&'a mut ResourceTable);

impl HasData for Impatient<'static> {
    type Data<'a> = Impatient<'a>;
}

/// Links all three.
pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    fn impatient(state: &mut State) -> Impatient<'_> {
        Impatient(&mut state.wasi.handles)
    }
    poll::add_to_linker::<State, Impatient<'static>>(linker, impatient)?;
    wall_clock::add_to_linker::<State, Impatient<'static>>(linker, impatient)?;
    monotonic_clock::add_to_linker::<State, Impatient<'static>>(linker, impatient)
}

/// What is there at once, or the trap.
fn at_once<T>(future: impl Future<Output = wasmtime::Result<T>>) -> wasmtime::Result<T> {
    let future = std::pin::pin!(future);
    poll_noop(future).unwrap_or_else(|| {
        Err(Broken { blame: Blame::Denied, text: "it waits, and plugins do not wait".into() }.into())
    })
}

impl poll::Host for Impatient<'_> {
    fn poll(&mut self, pollables: Vec<Resource<DynPollable>>) -> wasmtime::Result<Vec<u32>> {
        at_once(waiting::Host::poll(self.0, pollables))
    }
}

impl poll::HostPollable for Impatient<'_> {
    fn ready(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<bool> {
        at_once(waiting::HostPollable::ready(self.0, pollable))
    }

    fn block(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<()> {
        at_once(waiting::HostPollable::block(self.0, pollable))
    }

    fn drop(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<()> {
        waiting::HostPollable::drop(self.0, pollable)
    }
}

/// A moment that has come or has not: nothing wakes anybody.
struct Moment(Option<Instant>);

#[async_trait]
impl Pollable for Moment {
    async fn ready(&mut self) {
        if self.0.is_none_or(|moment| moment > Instant::now()) {
            std::future::pending::<()>().await;
        }
    }
}

impl Impatient<'_> {
    fn in_nanoseconds(&mut self, nanoseconds: u64) -> wasmtime::Result<Resource<DynPollable>> {
        let moment = Instant::now().checked_add(Duration::from_nanos(nanoseconds));
        let moment = self.0.push(Moment(moment))?;
        subscribe(self.0, moment)
    }
}

impl wall_clock::Host for Impatient<'_> {
    fn now(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        let now = crate::world::now();
        let nanoseconds = u32::try_from(now % NANOSECONDS).unwrap_or_default();
        Ok(wall_clock::Datetime { seconds: now / NANOSECONDS, nanoseconds })
    }

    fn resolution(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        Ok(wall_clock::Datetime { seconds: 0, nanoseconds: 1 })
    }
}

impl monotonic_clock::Host for Impatient<'_> {
    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(crate::world::monotonic())
    }

    fn resolution(&mut self) -> wasmtime::Result<u64> {
        Ok(1)
    }

    fn subscribe_instant(&mut self, when: u64) -> wasmtime::Result<Resource<DynPollable>> {
        self.in_nanoseconds(when.saturating_sub(crate::world::monotonic()))
    }

    fn subscribe_duration(&mut self, duration: u64) -> wasmtime::Result<Resource<DynPollable>> {
        self.in_nanoseconds(duration)
    }
}
