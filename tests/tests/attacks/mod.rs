//! Components that no compiler emits: each does one thing that no plugin may, written out in WebAssembly's text format
//! so that the attack can be read. What they are made into is what `host/sandbox/tests/fixtures` makes: `$plan`,
//! `$log`, `$settings`, `$random` and `$now` are the plugin's imports, and below 65,536 its memory is free to be
//! written.
#![allow(dead_code, reason = "each test file uses what it needs")]

// What is done while a request is prepared.
pub(crate) mod asked;
// Pointers, lengths and words that are none, in whatever is handed over.
pub(crate) mod handed;
// What is done outside of the functions that are called: start functions, the allocator, what comes after a reply.
pub(crate) mod around;
// Modules that no daemon comes to serve.
pub(crate) mod loading;
// A component without what toolchains put around a module.
pub(crate) mod raw;
// The dearest of them.
pub(crate) mod bombs;

use crate::handmade::{Plugin, describing};

/// The one operation of those that serve.
const DESCRIPTION: &str = r#"{"operations":[{"name":"attack","uses":["finishing"]}]}"#;

/// What serves it, and grants the one harmless command that `$plan_one` plans.
pub(crate) const GRANTS: &str = "[operations.attack]\n[commands.command]\nrun = [\"/usr/bin/true\"]\n";

/// One thing that no plugin may.
#[derive(Debug, Clone)]
pub(crate) struct Attack {
    pub(crate) name: &'static str,
    /// What it does, as a part of `prepare`: the data are at locals 2 and 3.
    pub(crate) body: String,
    /// What the caller hears beside `Operation failed`.
    pub(crate) heard: &'static str,
    /// What log and audit log call it.
    pub(crate) code: &'static str,
    /// What of it is said there.
    pub(crate) says: &'static str,
}

impl Attack {
    fn new(name: &'static str, code: &'static str, says: &'static str, body: impl Into<String>) -> Self {
        let heard = if code == "plugin-timeout" { "timeout" } else { "failed" };
        Self { name, body: body.into(), heard, code, says }
    }
}

/// A component with all of these: the data say which it is, and what is none of their numbers is echoed.
pub(crate) fn all_of(attacks: &[Attack]) -> Plugin {
    let bodies = attacks.iter().enumerate().map(|(number, attack)| {
        let Attack { name, body, .. } = attack;
        format!("(if (i32.eq (call $asked (local.get 2)) (i32.const {number})) (then (; {name} ;) {body}))\n")
    });
    serving(&format!("{}{}", bodies.collect::<String>(), handed::ECHO))
}

/// The number of the attack that is asked for, as the two digits that the data begin with; else -1.
const ASKED: &str = "(func $asked (param i32) (result i32)
  (if (i32.ne (i32.load8_u (local.get 0)) (i32.const 34)) (then (return (i32.const -1))))
  (i32.add
    (i32.mul (i32.sub (i32.load8_u offset=1 (local.get 0)) (i32.const 48)) (i32.const 10))
    (i32.sub (i32.load8_u offset=2 (local.get 0)) (i32.const 48))))";

/// The data that ask for the attack of this number.
pub(crate) fn data(number: usize) -> String {
    format!("{number:02}")
}

/// A plugin with this `prepare`.
pub(crate) fn serving(prepare: &str) -> Plugin {
    let plugin = describing(DESCRIPTION);
    let items = format!("{}\n{ASKED}\n(func $down (call $down) (call $down))\n(table $grows 1 funcref)", plugin.items);
    Plugin { prepare: prepare.into(), ..plugin.items(&items) }
}
