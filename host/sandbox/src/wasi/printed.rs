//! What a plugin prints: its lines go to its log, at debug.

use wasmtime::component::{HasSelf, Linker, Resource};
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::bindings::cli::{stderr, stdout};
use wasmtime_wasi::p2::{DynOutputStream, OutputStream, Pollable, StreamResult};

use crate::lane::{SharedLane, Stream};
use crate::state::State;

/// Bytes that one write may have.
const WRITE_MAX: usize = 64 << 10;

/// Links both.
pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    stdout::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    stderr::add_to_linker::<State, HasSelf<State>>(linker, |state| state)
}

/// Standard output or standard error.
#[derive(Debug)]
struct Printed {
    lane: SharedLane,
    stream: Stream,
}

impl State {
    fn printed(&mut self, stream: Stream) -> wasmtime::Result<Resource<DynOutputStream>> {
        let printed: DynOutputStream = Box::new(Printed { lane: self.lane.clone(), stream });
        Ok(self.wasi.handles.push(printed)?)
    }
}

impl stdout::Host for State {
    fn get_stdout(&mut self) -> wasmtime::Result<Resource<DynOutputStream>> {
        self.printed(Stream::Out)
    }
}

impl stderr::Host for State {
    fn get_stderr(&mut self) -> wasmtime::Result<Resource<DynOutputStream>> {
        self.printed(Stream::Err)
    }
}

#[async_trait]
impl Pollable for Printed {
    async fn ready(&mut self) {}
}

impl OutputStream for Printed {
    fn write(&mut self, bytes: bytes::Bytes) -> StreamResult<()> {
        self.lane.print(self.stream, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_MAX)
    }
}
