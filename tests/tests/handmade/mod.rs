//! Plugins of a few lines, made by hand over the sandbox's own fixtures.
#![allow(dead_code, reason = "each test file uses what it needs")]

#[path = "../../../host/sandbox/tests/fixtures/mod.rs"]
mod fixtures;

#[allow(unused_imports, reason = "each test file uses what it needs")]
pub(crate) use fixtures::{Plugin, importing};

/// Where a description lies in the module's memory, and where a reply.
const DESCRIPTION: usize = 2048;
const REPLY: usize = 4096;

/// One that describes itself so.
pub(crate) fn describing(description: &str) -> Plugin {
    let plugin = Plugin::default().items(&data(DESCRIPTION, description));
    let describe = format!("(call $text (i32.const {DESCRIPTION}) (i32.const {}))", description.len());
    Plugin { describe, ..plugin }
}

/// The same for a description of up to 1 MiB, which lies behind all else.
pub(crate) fn describing_long(description: &str) -> Plugin {
    const BEHIND: usize = 1 << 20;
    let describe = format!("(call $text (i32.const {BEHIND}) (i32.const {}))", description.len());
    Plugin { describe, pages: 40, ..Plugin::default().items(&data(BEHIND, description)) }
}

/// One with these operations, each of which replies with this JSON.
pub(crate) fn saying(operations: &[&str], reply: &str) -> Vec<u8> {
    let operations: Vec<_> =
        operations.iter().map(|name| format!(r#"{{"name":"{name}","uses":["finishing"]}}"#)).collect();
    let plugin = describing(&format!(r#"{{"operations":[{}]}}"#, operations.join(",")));
    let items = format!("{} {}", plugin.items, data(REPLY, reply));
    let finish = format!("(call $json (i32.const {REPLY}) (i32.const {}))", reply.len());
    Plugin { finish, ..plugin.items(&items) }.component()
}

fn data(at: usize, text: &str) -> String {
    format!("(data (i32.const {at}) \"{}\")", text.replace('\\', "\\\\").replace('"', "\\\""))
}
