//! What is done while a request is prepared: time, memory, steps.

use super::Attack;

/// One instruction of this one takes as long as writing 60 MiB does.
pub(crate) const LONG: &str = "the longest instructions that there are: 60 MiB written by each";

/// Time without end. Each is stopped at 200 ms of its thread's processor time, whatever it is spent on.
pub(crate) fn time() -> Vec<Attack> {
    let endless = |name, body: &str| Attack::new(name, "plugin-timeout", "it ran too long: it ran for ", body);
    vec![
        endless("a loop", "(loop $on (br $on))"),
        endless("a loop of host calls that cost next to nothing", "(loop $on (drop (call $now)) (br $on))"),
        endless("a log without end", "(loop $on (call $log (i32.const 1) (i32.const 0) (i32.const 1000)) (br $on))"),
        endless(
            "random numbers without end, always to the same place",
            "(loop $on (global.set $top (i32.const 65536)) (call $random (i32.const 65536) (i32.const 128)) (br $on))",
        ),
        endless(
            LONG,
            "(drop (memory.grow (i32.const 960)))
             (loop $on (memory.fill (i32.const 65536) (i32.const 1) (i32.const 62914560)) (br $on))",
        ),
        endless(
            "settings without end",
            "(loop $on (global.set $top (i32.const 65536)) (call $settings (i32.const 128)) (br $on))",
        ),
    ]
}

/// Memory and stack without end.
pub(crate) fn space() -> Vec<Attack> {
    let memory = |name, says, body: &str| Attack::new(name, "plugin-memory", says, body);
    vec![
        memory(
            "memory, a page at a time",
            "it wanted too much: it wanted 64.1 MiB; the limit is 64 MiB",
            "(loop $more (drop (memory.grow (i32.const 1))) (br $more))",
        ),
        memory(
            "all memory at once",
            "it wanted 4096.0 MiB; the limit is 64 MiB",
            "(drop (memory.grow (i32.const 65520)))",
        ),
        memory(
            "a table, an element at a time",
            "it wanted 20001 elements of tables; the limit is 20000",
            "(loop $more (drop (table.grow $grows (ref.null func) (i32.const 1))) (br $more))",
        ),
        Attack::new("recursion", "plugin-trap", "its stack is exhausted", "(call $down)"),
    ]
}

/// Steps without end.
pub(crate) fn steps() -> Vec<Attack> {
    vec![Attack::new(
        "steps without end",
        "plugin-fault",
        "it planned more than 64 steps",
        "(loop $on (call $plan_one) (br $on))",
    )]
}
