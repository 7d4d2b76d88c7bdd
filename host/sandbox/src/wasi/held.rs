//! What an instance holds of WASI.

use wasmtime::component::ResourceTable;
use wasmtime_wasi::cli::WasiCliCtx;
use wasmtime_wasi::filesystem::WasiFilesystemCtx;

/// Streams, pollables and errors that an instance may hold at a time.
const TABLE_ENTRIES: usize = 1_000;

/// What an instance holds of WASI: its handles, and contexts of the inert interfaces in which nothing is.
pub(crate) struct Held {
    pub(super) handles: ResourceTable,
    pub(super) cli: WasiCliCtx,
    pub(super) files: WasiFilesystemCtx,
}

impl Held {
    /// Nothing yet.
    pub(crate) fn nothing() -> Self {
        let mut handles = ResourceTable::new();
        handles.set_max_capacity(TABLE_ENTRIES);
        Self { handles, cli: WasiCliCtx::default(), files: WasiFilesystemCtx::default() }
    }
}
