//! WASI 0.2 as a plugin sees it, linked an interface at a time: clocks, random numbers and what is printed work; the
//! environment, files, input, exit and terminals are there because the runtimes of languages import them, and hold
//! nothing; sockets and HTTP are not linked, and no folder is opened, so their code has nothing to work on.
//!
//! Nothing here waits. Whatever would is ready at once, or a trap.

// Pollables, and the clock that makes them.
mod waiting;
// Standard output and error, to the log.
mod printed;

use regent_lane::RANDOM_MAX;
use wasmtime::component::{HasData, Linker, ResourceTable};
use wasmtime_wasi::cli::{WasiCli, WasiCliView as _};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView as _};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemView as _};
use wasmtime_wasi::p2::bindings::{cli, clocks, filesystem, random, sync};
use wasmtime_wasi::random::{WasiRandom, WasiRandomView as _};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_io::bindings::wasi::io as wasi_io;

use crate::instance::State;
use crate::lane::Stream;
use printed::Printed;

/// Streams, pollables and errors that an instance may hold at a time.
const TABLE_ENTRIES: usize = 1_000;

/// An instance's own table of them.
pub(crate) fn table() -> ResourceTable {
    let mut table = ResourceTable::new();
    table.set_max_capacity(TABLE_ENTRIES);
    table
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let Self { wasi, table, lane, .. } = self;
        let ctx = wasi.get_or_insert_with(|| {
            WasiCtx::builder()
                .stdout(Printed::new(lane.clone(), Stream::Out))
                .stderr(Printed::new(lane.clone(), Stream::Err))
                .max_random_size(RANDOM_MAX.into())
                .build()
        });
        WasiCtxView { ctx, table }
    }
}

/// The table alone, for streams.
struct Table;

impl HasData for Table {
    type Data<'a> = &'a mut ResourceTable;
}

/// Links what is served and what is inert. A plugin's 0.2.x may be older or newer than this one's.
pub(crate) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    cli::environment::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::exit::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::stdin::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::stdout::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::stderr::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::terminal_input::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::terminal_output::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::terminal_stdin::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::terminal_stdout::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::terminal_stderr::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    clocks::wall_clock::add_to_linker::<State, WasiClocks>(linker, State::clocks)?;
    random::random::add_to_linker::<State, WasiRandom>(linker, State::random)?;
    random::insecure::add_to_linker::<State, WasiRandom>(linker, State::random)?;
    random::insecure_seed::add_to_linker::<State, WasiRandom>(linker, State::random)?;
    filesystem::preopens::add_to_linker::<State, WasiFilesystem>(linker, State::filesystem)?;
    sync::filesystem::types::add_to_linker::<State, WasiFilesystem>(linker, State::filesystem)?;
    wasi_io::error::add_to_linker::<State, Table>(linker, |state| &mut state.table)?;
    sync::io::streams::add_to_linker::<State, Table>(linker, |state| &mut state.table)?;
    waiting::link(linker)
}
