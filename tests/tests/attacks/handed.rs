//! What is handed over: lengths beyond all memory and within it, pointers that lead nowhere, words that are none. `$at`
//! is where bytes that are no UTF-8 lie.

use super::Attack;

/// `prepare` that keeps the data as its state, which `finish` replies with.
pub(crate) const ECHO: &str = "(call $prepared (i32.const 1043) (i32.const 7) (local.get 2) (local.get 3))";

/// 500 MiB, of which there are not so many; and 60 MiB, which there are.
const ABSENT: u32 = 500 << 20;
const PRESENT: u32 = 60 << 20;

/// Texts and lists that are too long for a host call.
pub(crate) fn lengths() -> Vec<Attack> {
    let absent = |name, body: String| Attack::new(name, "plugin-trap", "out of bounds", body);
    let present = |name, body: String| {
        let body = format!("(drop (memory.grow (i32.const 960))) {body}");
        Attack::new(name, "plugin-fault", "it handed over more than 2 MiB at once", body)
    };
    let log = |length| format!("(call $log (i32.const 1) (i32.const 0) (i32.const {length}))");
    let command =
        |length| format!("(call $plan (i32.const 0) (i32.const {length}) (i32.const 0) (i32.const 0) (i32.const 96))");
    let values =
        |count| format!("(call $plan (i32.const 1057) (i32.const 7) (i32.const 0) (i32.const {count}) (i32.const 96))");
    vec![
        absent("a log line of 500 MiB that are not there", log(ABSENT)),
        present("a log line of 60 MiB", log(PRESENT)),
        absent("a command's name of 500 MiB that are not there", command(ABSENT)),
        present("a command's name of 60 MiB", command(PRESENT)),
        absent("values so many that their bytes are 2^32", values(0x1000_0000)),
        present("three million values of nothing", values(3_000_000)),
        Attack::new(
            "random numbers of 4 GiB",
            "plugin-fault",
            "it asked for too many random bytes, 4294967295; the limit is 65536",
            "(call $random (i32.const -1) (i32.const 128))",
        ),
        Attack::new(
            "a summary of 60 MiB",
            "plugin-fault",
            "it handed over more than 2 MiB at once",
            format!(
                "(drop (memory.grow (i32.const 960)))
                 (return (call $prepared (i32.const 0) (i32.const {PRESENT}) (i32.const 0) (i32.const 0)))"
            ),
        ),
    ]
}

/// Pointers that lead nowhere, in every argument and every part of what is returned.
pub(crate) fn pointers() -> Vec<Attack> {
    let wild = |name, body: &str| Attack::new(name, "plugin-trap", "it trapped: ", body);
    vec![
        wild("a log line from nowhere", "(call $log (i32.const 1) (i32.const -8) (i32.const 8))"),
        wild("a log line at a level that there is not", "(call $log (i32.const 7) (i32.const 0) (i32.const 1))"),
        wild(
            "a command from nowhere",
            "(call $plan (i32.const -8) (i32.const 8) (i32.const 0) (i32.const 0) (i32.const 96))",
        ),
        wild(
            "values from nowhere",
            "(call $plan (i32.const 1057) (i32.const 7) (i32.const -16) (i32.const 1) (i32.const 96))",
        ),
        wild(
            "values from between two words",
            "(call $plan (i32.const 1057) (i32.const 7) (i32.const 2049) (i32.const 1) (i32.const 96))",
        ),
        wild(
            "a value's text from nowhere",
            "(i32.store (i32.const 128) (i32.const 1057)) (i32.store (i32.const 132) (i32.const 7))
             (i32.store (i32.const 136) (i32.const -8)) (i32.store (i32.const 140) (i32.const 8))
             (call $plan (i32.const 1057) (i32.const 7) (i32.const 128) (i32.const 1) (i32.const 96))",
        ),
        wild(
            "a plan's result to nowhere",
            "(call $plan (i32.const 1057) (i32.const 7) (i32.const 0) (i32.const 0) (i32.const -4))",
        ),
        wild(
            "a plan's result between two words",
            "(call $plan (i32.const 1057) (i32.const 7) (i32.const 0) (i32.const 0) (i32.const 97))",
        ),
        wild("settings to nowhere", "(call $settings (i32.const -4))"),
        wild("random numbers to nowhere", "(call $random (i32.const 8) (i32.const -4))"),
        wild("an answer from nowhere", "(return (i32.const -8))"),
        wild("an answer whose end is beyond the memory", "(return (i32.const 1048564))"),
        wild("an answer from between two words", "(return (i32.const 33))"),
        wild(
            "an answer that is neither yes nor no",
            "(i32.store (i32.const 32) (i32.const 2)) (return (i32.const 32))",
        ),
        wild(
            "a summary from nowhere",
            "(return (call $prepared (i32.const -8) (i32.const 8) (i32.const 0) (i32.const 0)))",
        ),
        wild(
            "a summary of 4 GiB",
            "(return (call $prepared (i32.const 0) (i32.const -1) (i32.const 0) (i32.const 0)))",
        ),
        wild(
            "a state from nowhere",
            "(return (call $prepared (i32.const 0) (i32.const 0) (i32.const -8) (i32.const 8)))",
        ),
        wild("a refusal from nowhere", "(return (call $no (i32.const -8) (i32.const 8)))"),
    ]
}

/// Bytes that are no UTF-8, wherever a text is handed over.
pub(crate) fn bytes() -> Vec<Attack> {
    // Neither is: a byte that no text has, and half of a surrogate pair by itself.
    let alone = |name, body: &str| {
        let bytes = "(i32.store8 (i32.const 128) (i32.const 0xff))";
        Attack::new(name, "plugin-trap", "it trapped: invalid utf-8", format!("{bytes} {body}"))
    };
    let surrogate = |name, body: &str| {
        let bytes = "(i32.store (i32.const 128) (i32.const 0x80a0ed))";
        Attack::new(name, "plugin-trap", "it trapped: invalid utf-8", format!("{bytes} {body}"))
    };
    vec![
        alone("a log line that is no text", "(call $log (i32.const 1) (i32.const 128) (i32.const 1))"),
        surrogate("a log line of half a surrogate pair", "(call $log (i32.const 1) (i32.const 128) (i32.const 3))"),
        alone(
            "a command's name that is no text",
            "(call $plan (i32.const 128) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 96))",
        ),
        alone(
            "a slot's name that is no text",
            "(i32.store (i32.const 136) (i32.const 128)) (i32.store (i32.const 140) (i32.const 1))
             (i32.store (i32.const 144) (i32.const 1057)) (i32.store (i32.const 148) (i32.const 7))
             (call $plan (i32.const 1057) (i32.const 7) (i32.const 136) (i32.const 1) (i32.const 96))",
        ),
        alone(
            "a summary that is no text",
            "(return (call $prepared (i32.const 128) (i32.const 1) (i32.const 0) (i32.const 0)))",
        ),
        alone("a refusal that is no text", "(return (call $no (i32.const 128) (i32.const 1)))"),
        alone(
            "a reply that is no text",
            "(return (call $prepared (i32.const 1043) (i32.const 7) (i32.const 128) (i32.const 1)))",
        ),
    ]
}

/// Replies that read as JSON in some ways and not in others: `prepare` keeps them, `finish` replies with them.
pub(crate) fn replies() -> Vec<Attack> {
    [
        ("half of a surrogate pair", r#""\ud800""#),
        ("the other half of it", r#""\udc00 ""#),
        ("one key twice", r#"{"a":1,"a":2}"#),
        ("a number without end", "1e999"),
        ("nothing", ""),
        ("two values", "1 2"),
        ("a list without its end", "[1,"),
        (
            "more than thirty-two lists in each other",
            "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
        ),
    ]
    .into_iter()
    .map(|(name, json)| {
        let bytes = json.bytes().enumerate();
        let stores = bytes.map(|(at, byte)| format!("(i32.store8 (i32.const {}) (i32.const {byte}))", 128 + at));
        let length = json.len();
        let body = format!(
            "{} (return (call $prepared (i32.const 1043) (i32.const 7) (i32.const 128) (i32.const {length})))",
            stores.collect::<String>()
        );
        Attack::new(name, "plugin-fault", "repl", body)
    })
    .collect()
}
