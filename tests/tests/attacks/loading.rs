//! Modules that no daemon comes to serve: what they cost is spent before anybody can ask anything of them, by the
//! compiler or by a sandbox that has not begun to serve.

use super::raw;
use crate::handmade::{Plugin, describing};

/// A module that never serves.
pub(crate) struct Bad {
    pub(crate) name: &'static str,
    pub(crate) module: Vec<u8>,
    /// One of the reasons that stand in the list and in the log begins with it, or says it of `describe`.
    pub(crate) code: &'static str,
    pub(crate) says: &'static str,
}

fn bad(name: &'static str, code: &'static str, says: &'static str, module: Vec<u8>) -> Bad {
    Bad { name, module, code, says }
}

fn serving() -> Plugin {
    describing(r#"{"operations":[{"name":"attack"}]}"#)
}

fn with(item: &str) -> Plugin {
    let plugin = serving();
    let items = format!("{}\n{item}", plugin.items);
    plugin.items(&items)
}

/// Too many of something.
pub(crate) fn many() -> Vec<Bad> {
    let unknown = (0..50_000).map(|number| format!("evil:thing/i{number}"));
    let versions = (0..50_000).map(|number| format!("regent:plugin/log@0.1.{number}"));
    let memories = "(memory 1)".repeat(20);
    let beside = "(component)".repeat(10_000);
    let exports: String = (0..10_000).map(|number| format!("(export \"e{number}\" (instance $many))")).collect();
    let modules = "(core module)".repeat(10_000);
    let inside: String = (0..10_000).map(|number| format!("(func (export \"e{number}\"))")).collect();
    vec![
        bad("fifty-thousand-imports", "plugin-import", "imports evil:thing/i0: ", importing(unknown)),
        bad(
            "one-import-fifty-thousand-times",
            "plugin-module",
            "instances count exceeds limit of 1000",
            importing(versions),
        ),
        bad(
            "ten-thousand-inner-components",
            "plugin-module",
            "its components are nested more than 32 deep",
            nesting(10_000, &serving().component()),
        ),
        bad("ten-thousand-components", "plugin-module", "components count exceeds limit of 1000", component(&beside)),
        bad("ten-thousand-modules", "plugin-module", "modules count exceeds limit of 1000", component(&modules)),
        bad(
            "ten-thousand-exports",
            "plugin-module",
            "instances count exceeds limit of 1000",
            component(&format!("(instance $many) {exports}")),
        ),
        bad("twenty-memories", "plugin-memory", "memory count too high", with(&memories).component()),
        bad(
            "seventy-tables",
            "plugin-memory",
            "table count too high",
            with(&"(table 1 funcref)".repeat(70)).component(),
        ),
        bad("nothing-but-ten-thousand-functions", "plugin-trap", "it reached `unreachable`", {
            with(&format!("{inside} (start $s) (func $s unreachable)")).component()
        }),
    ]
}

pub(crate) fn component(items: &str) -> Vec<u8> {
    wat::parse_str(format!(
        "(component {items} (instance $o) (export \"regent:plugin/operation@0.1.0\" (instance $o)))"
    ))
    .unwrap()
}

/// What a component begins with, and the section that holds one within another.
const HEAD: &[u8] = b"\0asm\x0d\0\x01\0";
const COMPONENT_SECTION: u8 = 4;

/// This component with so many more at its end, each within the other, in bytes: the text format's own parser would not
/// go so deep.
fn nesting(depth: usize, component: &[u8]) -> Vec<u8> {
    let mut lengths = vec![HEAD.len()];
    for _ in 1..depth {
        let inner = lengths[lengths.len() - 1];
        lengths.push(HEAD.len() + 1 + leb(inner).len() + inner);
    }
    let within = lengths.into_iter().rev().map(|length| [&[COMPONENT_SECTION][..], &leb(length), HEAD].concat());
    [component, &within.collect::<Vec<_>>().concat()].concat()
}

/// A component that imports an empty interface of each of these names, in bytes: the text format's own parser takes
/// minutes.
fn importing(names: impl ExactSizeIterator<Item = String>) -> Vec<u8> {
    // One type: an instance without exports.
    const TYPE: &[u8] = &[7, 3, 1, 0x42, 0];
    let mut imports = leb(names.len());
    for name in names {
        imports.extend([&[0][..], &leb(name.len()), name.as_bytes(), &[5, 0]].concat());
    }
    [HEAD, TYPE, &[10], &leb(imports.len()), &imports, &component("")[HEAD.len()..]].concat()
}

/// A length as WebAssembly writes it.
pub(crate) fn leb(mut length: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(length & 0x7f).unwrap();
        length >>= 7;
        if length == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// Too much of something.
pub(crate) fn much() -> Vec<Bad> {
    let describes = |length: usize| {
        let describe =
            format!("(drop (memory.grow (i32.const 100))) (call $text (i32.const 65536) (i32.const {length}))");
        Plugin { describe, ..serving() }.component()
    };
    vec![
        bad("five-megabytes-of-schema", "plugin-fault", "it handed over more than 2 MiB at once", describes(5_000_000)),
        bad(
            "a-description-of-one-byte-too-many",
            "plugin-fault",
            "its description has 1048577 bytes",
            describes((1 << 20) + 1),
        ),
        bad(
            "five-hundred-megabytes-of-memory",
            "plugin-memory",
            "it wanted 500.0 MiB; the limit is 64 MiB",
            Plugin { pages: 8_000, ..serving() }.component(),
        ),
        bad(
            "a-table-of-a-million",
            "plugin-memory",
            "elements of tables; the limit is 20000",
            with("(table 1000000 funcref)").component(),
        ),
        bad("a-start-without-end", "plugin-timeout", "it does not start: it ran for ", starting("(loop $on (br $on))")),
        bad("a-start-that-grows", "plugin-memory", "it does not start: it wanted 64.1 MiB", {
            starting("(loop $on (drop (memory.grow (i32.const 1))) (br $on))")
        }),
        bad("a-start-without-bottom", "plugin-trap", "its stack is exhausted", starting("(call $s) (call $s)")),
        bad(
            "a-start-that-plans",
            "plugin-fault",
            "it called `commands.plan` in its start-up: only `prepare` plans",
            raw::starting(raw::PLAN),
        ),
        bad(
            "data-beyond-its-memory",
            "plugin-trap",
            "out of bounds",
            with("(data (i32.const 1048570) \"too many bytes\")").component(),
        ),
        bad("a-module-of-64-megabytes-and-one-byte", "plugin-size", "is larger than 64 MiB", padded((64 << 20) + 1)),
    ]
}

/// One whose start function does this.
fn starting(body: &str) -> Vec<u8> {
    with(&format!("(start $s) (func $s {body})")).component()
}

/// One of so many bytes: most of them are the first data of its memory.
fn padded(bytes: usize) -> Vec<u8> {
    let mut module = serving().component();
    // A section that nobody reads, as long as is missing.
    let name = [0, 1, b'x'];
    let length = leb(bytes - module.len() - 6);
    module.extend([&name[..1], &length, &name[1..]].concat());
    module.resize(bytes, 0);
    module
}

/// Words of a description that are none, or too many.
pub(crate) fn words() -> Vec<Bad> {
    let described = |text: &str| describing(text).component();
    let deep = format!(r#"{{"operations":[],"deep":{}{}}}"#, "[".repeat(900), "]".repeat(900));
    vec![
        bad("half-a-surrogate-pair", "describe", "not as wit/operation.wit has it", {
            described(r#"{"operations":[{"name":"attack","summary":"\ud800"}]}"#)
        }),
        bad(
            "a-name-that-is-none",
            "operations",
            "the plugin has no such operation; it has at",
            described(r#"{"operations":[{"name":"at\u0000tack"}]}"#),
        ),
        bad("nine-hundred-lists-in-each-other", "operations", "it has none at all", described(&deep)),
    ]
}
