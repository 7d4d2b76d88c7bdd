//! What is done outside of the functions that are called: in start functions, in the allocator, in what cleans up after
//! a reply, and in the other functions of an operation.

use super::{Attack, handed, serving};
use crate::handmade::Plugin;

/// One component for one attack, which it makes when its data are `"00"`.
pub(crate) type Own = (Attack, Plugin);

/// The canonical ABI's name of what is called once the results of a function have been read.
pub(crate) fn after(function: &str, body: &str) -> String {
    format!("(func (export \"cabi_post_regent:plugin/{function}\") (param i32) {body})")
}

/// With one more item.
fn with(plugin: Plugin, item: &str) -> Plugin {
    let items = format!("{}\n{item}", plugin.items);
    plugin.items(&items)
}

fn attack(name: &'static str, code: &'static str, says: &'static str) -> Attack {
    Attack::new(name, code, says, "")
}

/// `prepare` that sets `$armed` if it is asked to attack, and echoes.
const ARMS: &str = "(global.set $armed (i32.eqz (call $asked (local.get 2))))";

/// A plugin that goes on to do this where it stands, once it was asked to.
fn armed(place: impl FnOnce(&str) -> String, body: &str) -> Plugin {
    let plugin = serving(&format!("{ARMS} {}", handed::ECHO));
    let place = place(&format!("(if (global.get $armed) (then {body}))"));
    with(plugin, &format!("(global $armed (mut i32) (i32.const 0)) {place}"))
}

/// After `prepare` or `finish` has answered: nothing of the answer counts.
pub(crate) fn after_the_reply() -> Vec<Own> {
    const PREPARE: &str = "operation@0.1.0#prepare";
    const FINISH: &str = "finishing@0.1.0#finish";
    let cases = [
        (PREPARE, "a trap after the reply", "plugin-trap", "it reached `unreachable`", "unreachable"),
        (PREPARE, "a loop after the reply", "plugin-timeout", "it ran for ", "(loop $on (br $on))"),
        (FINISH, "a loop after the last reply", "plugin-timeout", "it ran for ", "(loop $on (br $on))"),
        (PREPARE, "a plan after the reply", "plugin-trap", "cannot leave", "(call $plan_one)"),
        (FINISH, "a plan after the last reply", "plugin-trap", "cannot leave", "(call $plan_one)"),
        (
            PREPARE,
            "memory after the reply",
            "plugin-memory",
            "it wanted 64.1 MiB",
            "(loop $more (drop (memory.grow (i32.const 1))) (br $more))",
        ),
    ];
    cases
        .into_iter()
        .map(|(function, name, code, says, body)| (attack(name, code, says), armed(|body| after(function, body), body)))
        .collect()
}

/// The allocator is called by the host, for what the host hands over.
pub(crate) fn allocators() -> Vec<Own> {
    let allocating = |name, code, says, realloc: &str| {
        // Settings are handed over once the attack has begun; before that it allocates as it should.
        let plugin = serving(&format!("{ARMS} (call $settings (i32.const 128)) {}", handed::ECHO));
        let plugin = with(plugin, "(global $armed (mut i32) (i32.const 0))");
        let realloc = plugin.realloc.replacen(
            "(local $at i32)",
            &format!("(local $at i32) (if (global.get $armed) (then {realloc}))"),
            1,
        );
        (attack(name, code, says), Plugin { realloc, ..plugin })
    };
    vec![
        allocating("an address beyond the memory", "plugin-trap", "it trapped: ", "(return (i32.const -256))"),
        allocating(
            "an address at the memory's very end",
            "plugin-trap",
            "it trapped: ",
            "(return (i32.mul (memory.size) (i32.const 65536)))",
        ),
        allocating("an allocator that loops", "plugin-timeout", "it ran for ", "(loop $on (br $on))"),
        allocating("an allocator that plans", "plugin-trap", "cannot leave", "(call $plan_one)"),
        allocating("an allocator that traps", "plugin-trap", "it reached `unreachable`", "unreachable"),
        allocating("an allocator without end", "plugin-trap", "its stack is exhausted", "(call $down)"),
    ]
}

/// An allocator that gives out one address for everything: what the plugin is told overwrites itself, and nothing else.
pub(crate) fn overlapping() -> Plugin {
    Plugin { realloc: "(i32.const 65536)".into(), ..serving(handed::ECHO) }
}

/// One that starts, and serves, until it has been asked to stop doing so: its start function then runs for ever, since
/// a file of the machine's is not there to remember by, it is the clock that says when.
pub(crate) fn starts_no_more(after: std::time::SystemTime) -> Plugin {
    let since = after.duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    let start = format!(
        "(func $start (if (i64.gt_u (call $now) (i64.const {since})) (then (loop $on (br $on))))) (start $start)"
    );
    with(serving(handed::ECHO), &start)
}

/// One whose description is another each time that it is asked: `attack`, or, by the last bit of the clock's
/// microseconds, `other`.
pub(crate) fn of_two_minds() -> Plugin {
    let plugin = serving(handed::ECHO);
    let one = r#"{"operations":[{"name":"attack","summary":"NAMED","uses":["finishing"]}]}"#;
    let text = |at: usize, name: &str| {
        let text = one.replace("NAMED", name).replace('"', "\\\"");
        format!("(data (i32.const {at}) \"{text}\")")
    };
    let length = one.len();
    let describe = format!(
        "(if (i64.eqz (i64.and (i64.shr_u (call $now) (i64.const 12)) (i64.const 1)))
           (then (return (call $text (i32.const 8192) (i32.const {length})))))
         (call $text (i32.const 9216) (i32.const {length}))"
    );
    let plugin = with(plugin, &format!("{} {}", text(8192, "first"), text(9216, "other")));
    Plugin { describe, ..plugin }
}
