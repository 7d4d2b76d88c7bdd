//! Generated from `wit/`: the functions that a plugin may call, and the ones that it may export.
#![allow(missing_docs, unreachable_pub, reason = "generated; the documentation stands in wit/")]
#![allow(clippy::all, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "generated")]

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "full-plugin",
    imports: { default: trappable },
});
