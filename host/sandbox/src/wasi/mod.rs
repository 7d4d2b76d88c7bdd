//! WASI 0.2 as a plugin sees it, linked an interface at a time: clocks, random numbers and what is printed work; the
//! environment, files, input, exit and terminals are there because the runtimes of languages import them, and hold
//! nothing; sockets and HTTP are not linked, and no folder is opened, so their code has nothing to work on.
//!
//! Nothing here waits: whatever would is ready at once, or a trap. And nothing here makes wasmtime-wasi's own context,
//! whose random numbers would come from /dev/random in a program that is linked statically.

// What an instance holds of it.
mod held;
// Clocks, and the pollables that they make.
mod random;
mod waiting;
// Standard output and error, to the log.
mod printed;

pub(crate) use held::Held;

use wasmtime::component::{HasData, Linker, ResourceTable};
use wasmtime_wasi::cli::{WasiCli, WasiCliCtxView};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemCtxView};
use wasmtime_wasi::p2::bindings::{cli, filesystem, sync};
use wasmtime_wasi_io::bindings::wasi::io as wasi_io;

use crate::state::State;

/// The handles alone, for streams.
struct Handles;

impl HasData for Handles {
    type Data<'a> = &'a mut ResourceTable;
}

/// Links what is served and what is inert. A plugin's 0.2.x may be older or newer than this one's.
pub(crate) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    fn cli(state: &mut State) -> WasiCliCtxView<'_> {
        WasiCliCtxView { ctx: &mut state.wasi.cli, table: &mut state.wasi.handles }
    }
    fn files(state: &mut State) -> WasiFilesystemCtxView<'_> {
        WasiFilesystemCtxView { ctx: &mut state.wasi.files, table: &mut state.wasi.handles }
    }
    fn handles(state: &mut State) -> &mut ResourceTable {
        &mut state.wasi.handles
    }
    cli::environment::add_to_linker::<State, WasiCli>(linker, cli)?;
    cli::exit::add_to_linker::<State, WasiCli>(linker, cli)?;
    cli::stdin::add_to_linker::<State, WasiCli>(linker, cli)?;
    cli::terminal_input::add_to_linker::<State, WasiCli>(linker, cli)?;
    cli::terminal_output::add_to_linker::<State, WasiCli>(linker, cli)?;
    cli::terminal_stdin::add_to_linker::<State, WasiCli>(linker, cli)?;
    cli::terminal_stdout::add_to_linker::<State, WasiCli>(linker, cli)?;
    cli::terminal_stderr::add_to_linker::<State, WasiCli>(linker, cli)?;
    filesystem::preopens::add_to_linker::<State, WasiFilesystem>(linker, files)?;
    sync::filesystem::types::add_to_linker::<State, WasiFilesystem>(linker, files)?;
    wasi_io::error::add_to_linker::<State, Handles>(linker, handles)?;
    sync::io::streams::add_to_linker::<State, Handles>(linker, handles)?;
    printed::link(linker)?;
    random::link(linker)?;
    waiting::link(linker)
}
