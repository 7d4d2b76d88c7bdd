//! How the engine is set: the one place for the program that compiles and the program that runs.
//!
//! `regent-compiler` includes this very file (`#[path]`). A crate between the two would do as well for the text, but
//! these two programs are built apart so that no feature of one reaches the other, and a file has no features. Code
//! compiled with other settings than these is refused as incompatible when it is loaded.
//!
//! Nothing here is read from the environment.

use std::num::NonZeroUsize;

use regent_lane::GUEST_MEMORY;
use wasmtime::{Config, WasmBacktraceDetails, WasmFeatures};

/// The stack of a plugin's code. Each lane's thread has four times as much, for the host's own calls below it.
const WASM_STACK: usize = 512 << 10;
/// Unmapped around each memory: what an access with a small constant offset may miss by without a check.
const MEMORY_GUARD: u64 = 64 << 10;
/// Function names in the text of a trap: enough to see where, no more than a screen.
const TRAP_FRAMES: usize = 16;

/// The interpreter's machine: 64 bits, little-endian, like every machine that Regent is built for.
const INTERPRETED: &str = "pulley64";

/// What runs a plugin's code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The processor, in executable memory; what the code may not do arrives as a signal.
    Native,
    /// An interpreter: the code is data, nothing of it is executable, and no signal has a handler.
    Interpreter,
}

/// Settings that must be the same on both sides.
pub(crate) fn settings(kind: Kind) -> wasmtime::Result<Config> {
    let mut settings = Config::new();
    match kind {
        Kind::Native => settings.signals_based_traps(true),
        Kind::Interpreter => settings.target(INTERPRETED)?.signals_based_traps(false),
    };
    settings
        .epoch_interruption(true)
        .concurrency_support(false)
        .max_wasm_stack(WASM_STACK)
        // No more address space than a plugin may use, and bounds that are checked, not faulted on.
        .memory_reservation(GUEST_MEMORY as u64)
        .memory_may_move(false)
        .memory_guard_size(MEMORY_GUARD)
        .guard_before_linear_memory(true)
        .memory_init_cow(true)
        .relaxed_simd_deterministic(true)
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        .wasm_backtrace_max_frames(NonZeroUsize::new(TRAP_FRAMES))
        .native_unwind_info(false)
        // What no toolchain for plugins needs. Multiple memories stay: the adapters between inner components use them.
        .wasm_features(
            WasmFeatures::THREADS | WasmFeatures::MEMORY64 | WasmFeatures::TAIL_CALL | WasmFeatures::RELAXED_SIMD,
            false,
        );
    Ok(settings)
}
