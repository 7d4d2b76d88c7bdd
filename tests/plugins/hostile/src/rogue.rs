//! The host's `plan`, past the SDK, whose types allow it in `prepare` only. Bindings of its own, and so with `unsafe`.

#[cfg(target_family = "wasm")]
mod bindings {
    #![allow(unsafe_code, missing_docs, unreachable_pub, clippy::all, reason = "generated code")]

    wit_bindgen::generate!({
        path: "../../../wit",
        generate_all,
        inline: "package regent:rogue; world rogue { import regent:plugin/commands@0.1.0; }",
    });
}

/// What the host said to it, should it ever come back.
pub(crate) fn plan(command: &str) -> String {
    #[cfg(target_family = "wasm")]
    let said = bindings::regent::plugin::commands::plan(command, &[]).map_err(|refusal| refusal.message);
    #[cfg(not(target_family = "wasm"))]
    let said: Result<(), String> = Err(format!("{command}: not in WebAssembly"));
    format!("planned: {said:?}")
}
