//! Generated from `wit/`, and the one place of this crate with `unsafe`: the canonical ABI is raw memory.

#![allow(unsafe_code, missing_docs, unreachable_pub, clippy::all, reason = "generated code")]

wit_bindgen::generate!({
    path: "../../wit",
    world: "authorising-plugin",
    pub_export_macro: true,
    export_macro_name: "export",
    default_bindings_module: "regent_plugin::bindings",
});
